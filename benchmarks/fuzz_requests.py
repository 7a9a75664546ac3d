"""Thousands of generated requests to the real server: none may break it, none may leave its home.

    python -m benchmarks.fuzz_requests --count 4000 --seed 1

The server runs on a temporary home that holds an example of everything: recordings, tables,
datasets, adapters, songs, a base with its encoder, jobs in every state. It has no workers: what is
asked for is checked and queued, and nothing is trained. Requests are made from its own OpenAPI
description and from the page's paths of files, most with names of what is there; values are good,
at their bounds, or hostile, and some bodies are damaged or cut short. Exits with 1 for a 5xx but
507, an answer that does not come, a traceback in the log, or a file outside of the home that is
told or changed.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from angen.api.app import create_app
from angen.cli.serving import build_page, claimed, hand_on, keep_within, listening, serve, with_page
from angen.jobs.job import Problem
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.settings import Settings
from benchmarks.generated import Maker, Request
from tests.api.sounds import wav
from tests.ui import house

SECRET = "a-secret-outside-of-the-home"
BATCH, CLIENTS = 100, 4
ANSWER_S, STREAM_S = 60.0, 0.3
WAIT_S = 3.0  # for the sound of a song, which begins when the song does
MOST = 2**20  # bytes read of an answer
ALLOWED = (507,)  # a full disk


@dataclass
class Home:
    """What lies in the server's home, by the kind of name that asks for it."""

    settings: Settings
    store: Store
    there: dict[str, list[str]] = field(default_factory=dict)
    made: int = 0

    def refill(self) -> None:
        """An example of everything, however much was deleted, renamed or moved."""
        settings, mark = self.settings, f"f{self.made}"
        self.made += 1
        house.add_song(settings, f"song {mark}")
        house.add_adapter(settings, f"adapter {mark}", finished=bool(self.made % 3))
        clips = house.add_dataset(settings, f"set_{mark}").clips
        rows = house.add_table(settings).rows
        for number in range(2):
            path = settings.home / "brought.wav"
            path.write_bytes(wav(0.3, 200 + self.made + 1000 * number))
            with path.open("rb") as stream:
                Desk(settings, self.store).save_upload(f"{mark}.wav", stream)
        for state in ("failed", "done", "running", "stopped", "queued", "queued"):
            self._add_job(state, f"{state} {mark}")
        self.there = {
            "upload": _folders(settings.uploads),
            "song": [path.stem for path in settings.outputs.glob("*.wav")],
            "collection": [path.stem for path in settings.collections.glob("*.json")],
            "row": [row.id for row in rows],
            "dataset": [f"set_{mark}", *_folders(settings.datasets)],
            "adapter": _folders(settings.loras),
            "clip": [clip.file.removeprefix("clips/") for clip in clips],
            "job": [job.id for job in self.store.jobs(limit=60)],
            "base": ["mini", "somebody/theirs"],
            "encoder": _folders(settings.encoders),
            "file": [
                "report.html",
                "metadata.json",
                "check.html",
                "best_model/adapter_config.json",
            ],
        }

    def _add_job(self, state: str, lane: str) -> None:
        job = self.store.add("generate", {"prompt": "x"}, lane=lane, title=lane)
        if state == "done":
            house.finish(self.store, job, {"song": "none"})
        elif state == "stopped":
            self.store.cancel(job.id)
        elif state != "queued":
            held = house.begin(self.store, job)
            if state == "failed":
                self.store.fail(held, Problem(message="It broke.", kind="fault"))


def _folders(folder: Path) -> list[str]:
    own = ("user_uploads",)
    return [
        p.name for p in folder.glob("*") if p.is_dir() and p.name[0] != "." and p.name not in own
    ]


def ask(address: str, request: Request) -> tuple[str, bytes]:
    """Status, or what became of the request, and the first part of the answer."""
    place = urlsplit(address)
    waits = request.target.startswith("/api/jobs/") and request.target.endswith("/audio")
    seconds = WAIT_S if waits else ANSWER_S
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=seconds)
    try:
        own = {name.lower() for name, _ in request.headers}
        connection.putrequest(request.verb, request.target, skip_host="host" in own)
        for name, value in request.headers:
            connection.putheader(name, value)
        if request.body:
            connection.putheader("Content-Length", str(request.declared))
        with suppress(BrokenPipeError, ConnectionResetError):  # answered before all was read
            connection.endheaders(request.body or None)
            if request.declared > len(request.body):
                connection.sock.shutdown(1)
        answer = connection.getresponse()
        return str(answer.status), _read(connection, answer)
    except TimeoutError:
        return "waits" if waits else "no answer", b""
    except (OSError, http.client.HTTPException):
        return "closed", b""  # fair for half a request, or headers that are none
    finally:
        connection.close()


def _read(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> bytes:
    told = b""
    endless = answer.getheader("content-length") is None
    if connection.sock is not None:
        connection.sock.settimeout(STREAM_S if endless else ANSWER_S)
    with suppress(OSError, http.client.HTTPException):  # the rest of a stream does not matter
        while len(told) < MOST and (more := answer.read1(2**16)):
            told += more
    return told


@contextmanager
def server(place: Path) -> Iterator[tuple[str, Path]]:
    """The real server without workers, on ``place``/home: its address and its log."""
    log = place / "log"
    command = [sys.executable, "-m", "benchmarks.fuzz_requests", "--serve", str(place / "home")]
    known = {k: v for k, v in os.environ.items() if not k.startswith("ANGEN_")}
    ours = {"HOME": str(place / "outside"), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=known | ours)
    try:
        while not log.read_text(errors="replace").startswith("http"):
            if process.poll() is not None:
                raise SystemExit(log.read_text(errors="replace"))
            time.sleep(0.2)
        yield log.read_text(errors="replace").split()[0], log
        if process.poll() is not None:
            raise SystemExit(f"the server ended by itself: {process.returncode}")
    finally:
        process.terminate()
        process.wait(60)


def keep_serving(home: Path) -> None:
    """What ``angen studio`` does, without processes that do the work."""
    settings = Settings(home=home)
    hand_on(settings)
    with claimed(home), listening("127.0.0.1", 0) as listener:
        keep_within(settings)
        app = create_app(settings, runner=False)
        with_page(app, build_page)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}")
        serve(app, listener, lambda: None)


def wait_for_page(address: str) -> None:
    for _ in range(10):
        if ask(address, Request("GET", "/", [], b"", 0, False))[0] == "200":
            return
    raise SystemExit("the page is not built")


def look(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def fuzz(place: Path, count: int, seed: str) -> list[tuple[Request, str, bytes]]:
    """All requests with their answers."""
    settings = Settings(home=place / "home")
    settings.home.mkdir()
    house.add_deaf_base(settings)
    house.add_encoder(settings)
    done = []
    with Store(settings.database) as store, server(place) as (address, _log):
        home = Home(settings, store)
        schema = json.loads(ask(address, Request("GET", "/api/openapi.json", [], b"", 0, False))[1])
        wait_for_page(address)
        outside = look(place / "outside")
        with ThreadPoolExecutor(CLIENTS) as clients:
            for begin in range(0, count, BATCH):
                home.refill()
                numbers = range(begin, min(begin + BATCH, count))
                requests = [Maker(f"{seed}/{n}", schema, home.there).request() for n in numbers]
                answers = clients.map(lambda request: ask(address, request), requests)
                done += [(r, *answer) for r, answer in zip(requests, answers, strict=True)]
        if look(place / "outside") != outside:
            done.append(
                (Request("", "a file outside was changed", [], b"", 0, False), "changed", b"")
            )
    return done


def is_fault(request: Request, status: str, told: bytes) -> bool:
    """Whether an answer may not be."""
    if status == "closed":  # fair to half a request, or to headers that are none
        return request.declared == len(request.body) and len(request.headers) < 2
    broken = status.startswith("5") and int(status) not in ALLOWED
    return broken or status in ("no answer", "changed") or SECRET.encode() in told


def tell(done: list[tuple[Request, str, bytes]], log: str) -> bool:
    """Print a table of what came, and each fault; whether there is none."""
    classes = Counter(f"{status[0]}xx" if status.isdecimal() else status for _, status, _ in done)
    reaching = sum(request.reaching for request, _, _ in done)
    found = sum(r.reaching and status not in ("404", "405") for r, status, _ in done)
    faults = [
        f"{status}: {request.verb} {request.target[:200]} {request.headers} {request.body[:300]!r}"
        for request, status, told in done
        if is_fault(request, status, told)
    ]
    tracebacks = log.count("Traceback")
    columns = ("requests", "names what is there", "and found it", *sorted(classes), "faults")
    print("|", " | ".join((*columns, "tracebacks")), "|")
    print("|---" * (5 + len(classes)) + "|")
    numbers = [classes[name] for name in sorted(classes)]
    print(
        "|",
        " | ".join(map(str, (len(done), reaching, found, *numbers, len(faults), tracebacks))),
        "|",
    )
    print(*faults[:20], sep="\n", file=sys.stderr)
    if tracebacks:
        print(log[log.index("Traceback") - 300 :][:6_000], file=sys.stderr)
    return not faults and not tracebacks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=4_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        keep_serving(options.serve)
        return
    with tempfile.TemporaryDirectory(prefix="angen-fuzz-") as folder:
        place = Path(folder)
        (place / "outside").mkdir()
        (place / "outside" / "secret.txt").write_text(SECRET)
        began = time.monotonic()
        done = fuzz(place, options.count, options.seed)
        well = tell(done, (place / "log").read_text(errors="replace"))
        print(f"{time.monotonic() - began:.0f} s, seed {options.seed}", file=sys.stderr)
    raise SystemExit(not well)


if __name__ == "__main__":
    main()
