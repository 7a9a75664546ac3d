"""How the server answers while it is asked a lot and a training takes both cores.

    python -m benchmarks.load                      (--seconds 15 --rounds 16)

Starts ``angen studio`` on an empty home, prepares a training set of half an hour, trains an adapter
of `mini`, and measures the training alone and with clients by turns, since few machines are as fast
from one minute to the next; each pair gives a ratio, and every other pair begins with the clients.
How far the training was at any time is read from the points of its curves when all is over: asking
meanwhile would be one more client, and what is asked is kept for a while.
A poller asks for what the page shows and waits a second before it asks again; a socket listens to
the training's events.
"""

import argparse
import asyncio
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import soundfile
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

PATHS = (
    "/api/training/training-status",
    "/api/jobs",
    "/api/training/lora-adapters",
    "/api/training/datasets",
    "/api/songs",
    "/api/health",
)
PAUSE_S = 1.0  # between two requests of a poller
SETTLE_S = 2.0  # before each measurement
SONGS, SONG_S = 15, 120
RATE_HZ = 24_000
TIMEOUT_S = 900.0
ANSWER_S = 30.0

Window = tuple[float, float]  # seconds of ``time.time``


@dataclass
class Seen:
    """What the clients went through."""

    seconds: dict[str, list[float]] = field(default_factory=dict)  # by path
    failed: list[str] = field(default_factory=list)
    events: int = 0
    last: dict[int, int] = field(default_factory=dict)  # number of the last event, by socket
    clients_s: float = 0.0  # of a processor, that the clients took
    server_s: float = 0.0  # and the server
    idle_s: float = 0.0  # that it took with nobody there


@contextmanager
def server(home: Path) -> Iterator[tuple[str, int]]:
    """The real server: its address, and the number of its process."""
    command = [sys.executable, "-m", "angen", "studio", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--home", str(home)], stdout=subprocess.PIPE, stderr=sys.stderr, text=True
    )
    assert process.stdout is not None
    try:
        found = re.search(r"http://\S+", process.stdout.readline())
        if found is None:
            raise SystemExit("the server did not start")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield found[0], process.pid
    finally:
        process.terminate()
        process.wait(200)


def pieces(folder: Path) -> list[Path]:
    """Recordings to train on: held chords, as many clips as a small collection of songs has."""
    made = []
    for number in range(SONGS):
        times = np.arange(SONG_S * RATE_HZ) / RATE_HZ
        chord = sum(np.sin(2 * np.pi * 110 * (number + k) * times) / k for k in (2, 3, 4))
        made.append(folder / f"song{number}.wav")
        soundfile.write(made[-1], 0.2 * chord * (1 + np.sin(4 * np.pi * times)) / 2, RATE_HZ)
    return made


def ask(client: httpx.Client, path: str, body: dict[str, Any]) -> str:
    """Queue a job; its id."""
    answer = client.post(path, json=body)
    if answer.status_code != 202:
        raise SystemExit(answer.text)
    return str(answer.json()["id"])


def finished(client: httpx.Client, job: str) -> dict[str, Any]:
    """The result of a job, once it is done."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        found = client.get(f"/api/jobs/{job}").json()
        if found["state"] == "done":
            return dict(found["result"])
        if found["state"] in ("failed", "stopped"):
            break
        time.sleep(0.5)
    raise SystemExit(f"{found['title']}: {found['state']}: {found['problem']}")


def training(client: httpx.Client, folder: Path) -> str:
    """Id of a training that has begun its steps."""
    files = [("files", (path.name, path.read_bytes())) for path in pieces(folder)]
    uploads = [
        upload["id"] for upload in client.post("/api/uploads", files=files).json()["uploads"]
    ]
    prepared = ask(client, "/api/training/prepare-dataset", {"files": uploads, "name": "load"})
    finished(client, prepared)
    recipe = {"name": "load", "dataset": "load", "max_steps": 100_000, "report": False}
    # The less it validates and saves, the steadier it goes.
    steady = {"samples": 0, "log_every": 5, "validation_blocks": 1, "checkpoint_every": 100_000}
    job = ask(client, "/api/training/train-lora", recipe | steady)
    end = time.monotonic() + TIMEOUT_S
    while step_of(client, job) < 5:
        if time.monotonic() > end:
            raise SystemExit("the training does not begin")
        time.sleep(0.5)
    return job


def step_of(client: httpx.Client, job: str) -> int:
    """Steps that the training has done. It must not be over."""
    found = client.get(f"/api/jobs/{job}").json()
    if found["state"] in ("done", "failed", "stopped"):
        raise SystemExit(f"the training is over: {found['state']}, {found['problem']}")
    progress = found["progress"]
    return int(progress["done"]) if progress and progress["stage"].startswith("Training") else 0


def steps_at(client: httpx.Client, job: str, since: float) -> Callable[[float], float]:
    """Steps that the training had done at a time (of ``time.time``) from ``since`` to now.

    By the points of its curves, one a second: events of progress are thinned while it goes on.
    """
    now = time.time()
    time.sleep(SETTLE_S)  # the point after now
    step_of(client, job)  # still at it
    times: list[float] = []
    steps: list[int] = []
    last = 0
    while page := client.get(f"/api/jobs/{job}/events", params={"after": last}).json()["events"]:
        for event in page:
            last = event["number"]
            if event["kind"] == "metrics":
                times.append(datetime.fromisoformat(event["at"]).timestamp())
                steps.append(event["data"]["step"])
    if times[0] > since or times[-1] < now:
        raise SystemExit("the training's curves do not reach over all measurements")
    return lambda at: float(np.interp(at, times, steps))


def alone(served: tuple[str, int], seconds: float, seen: Seen) -> Window:
    """A while in which nobody asks for anything."""
    time.sleep(SETTLE_S)
    began, used = time.time(), processor_s(served[1])
    time.sleep(seconds)
    seen.idle_s += processor_s(served[1]) - used
    return began, began + seconds


class Caller(asyncio.Protocol):
    """A client of one connection that is kept open, and that costs next to nothing.

    It shares the machine with what is measured, where a library's client takes more of it than the
    server.
    """

    def __init__(self, url: str) -> None:
        self._host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
        self._port = int(port)
        self._transport: asyncio.Transport | None = None
        self._got = b""
        self._answer: asyncio.Future[int] | None = None

    async def get(self, path: str) -> int:
        """The status of the answer, once all of it has come. Raises OSError."""
        loop = asyncio.get_running_loop()
        if self._transport is None:
            self._transport, _ = await loop.create_connection(lambda: self, self._host, self._port)
        self._got, self._answer = b"", loop.create_future()
        asked = self._answer
        late = loop.call_later(ANSWER_S, self._fail, TimeoutError())
        self._transport.write(
            f"GET {path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\n\r\n".encode()
        )
        try:
            return await asked
        finally:
            late.cancel()

    def data_received(self, data: bytes) -> None:
        """A part of the answer."""
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if found and length is None:
            self._fail(OSError("an answer without a length"))
        if found and length and len(body) >= int(length[1]) and self._answer:
            self._answer.set_result(int(head.split(None, 2)[1]))
            self._answer = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for an answer learns that none comes."""
        self._transport = None
        self._fail(exc or ConnectionError("the server hung up"))

    def _fail(self, error: Exception) -> None:
        if self._answer:
            self._answer.set_exception(error)
            self._answer = None

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


async def poll(caller: Caller, seen: Seen, end: float, number: int) -> None:
    """A client that asks for one thing after the other."""
    await asyncio.sleep(PAUSE_S * number / 50)  # they did not all open the page at once
    first = number % len(PATHS)  # nor do they ask for the same
    for path in itertools.cycle(PATHS[first:] + PATHS[:first]):
        began = time.monotonic()
        try:
            status = await caller.get(path)
            if status != 200:
                seen.failed.append(f"{path}: {status}")
        except OSError as error:  # time-outs are too
            seen.failed.append(f"{path}: {type(error).__name__}")
            caller.close()
        seen.seconds.setdefault(path, []).append(time.monotonic() - began)
        if time.monotonic() + PAUSE_S >= end:
            break
        await asyncio.sleep(PAUSE_S)
    caller.close()


async def listen(url: str, seen: Seen, end: float, number: int) -> None:
    """A client that hears every event of the training, and notices when one comes late.

    The first time it is sent the whole past; then it goes on from what it has heard.
    """
    last = seen.last.get(number, 0)
    address = f"{url.replace('http', 'ws')}?after={last}"
    try:
        async with connect(address, max_size=2**20) as socket:
            with suppress(TimeoutError):
                async with asyncio.timeout(end - time.monotonic()):
                    await hear(socket, seen, number, last)
    except (OSError, WebSocketException) as error:
        seen.failed.append(f"websocket: {error}")


async def hear(socket: ClientConnection, seen: Seen, number: int, last: int) -> None:
    """Note what comes, for ever."""
    while True:
        event = json.loads(await socket.recv()).get("number")
        if event is None:
            continue  # a heartbeat
        if event <= last:
            seen.failed.append(f"event {event} after {last}")
        last = seen.last[number] = event
        seen.events += 1


async def crowd(url: str, job: str, seen: Seen, options: argparse.Namespace) -> None:
    """All clients at once."""
    end = time.monotonic() + options.seconds
    began = time.process_time()
    await asyncio.gather(
        *(poll(Caller(url), seen, end, number) for number in range(options.pollers)),
        *(listen(f"{url}/api/jobs/{job}/events", seen, end, n) for n in range(options.sockets)),
    )
    seen.clients_s += time.process_time() - began


def processor_s(pid: int) -> float:
    """Seconds of a processor that a process has taken."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


def under_load(
    served: tuple[str, int], job: str, options: argparse.Namespace, seen: Seen
) -> Window:
    """A while with clients; ``seen`` gets what they saw."""
    url, pid = served
    time.sleep(SETTLE_S)
    began, used = time.time(), processor_s(pid)
    uvloop.run(crowd(url, job, seen, options))
    seen.server_s += processor_s(pid) - used
    return began, began + options.seconds  # not until the last one has gone


def table(seen: Seen) -> None:
    """Milliseconds by path, as Markdown."""
    every = [second for seconds in seen.seconds.values() for second in seconds]
    print("| path | requests | median ms | p99 ms | longest ms |\n|---|---|---|---|---|")
    for path, seconds in [*seen.seconds.items(), ("all", every)]:
        p50, p99, longest = 1e3 * np.percentile(seconds, (50, 99, 100))
        print(f"| `{path}` | {len(seconds)} | {p50:.1f} | {p99:.0f} | {longest:.0f} |")
    print(f"\nevents heard: {seen.events}; failed: {len(seen.failed)}")
    print(
        f"seconds of a processor: server {seen.server_s:.1f}, clients {seen.clients_s:.1f}; "
        f"server with nobody there {seen.idle_s:.1f}"
    )
    for line in sorted(set(seen.failed)):
        print(f"  {seen.failed.count(line)} x {line}")


def compared(
    steps: Callable[[float], float], pairs: Sequence[tuple[Window, Window]]
) -> list[float]:
    """Prints a line for each pair; logarithms of the speed alone over that with clients."""
    slower = []
    for number, windows in enumerate(pairs, 1):
        quiet, loaded = ((steps(end) - steps(began)) / (end - began) for began, end in windows)
        print(f"round {number}: {quiet:.2f} steps a second, {loaded:.2f} with clients")
        slower.append(float(np.log(quiet / loaded)))
    return slower


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=16, help="pairs of measurements")
    parser.add_argument("--pollers", type=int, default=50)
    parser.add_argument("--sockets", type=int, default=20)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began")
    with (
        tempfile.TemporaryDirectory() as folder,
        server(Path(folder) / "home") as served,
        httpx.Client(base_url=served[0], timeout=60) as client,
    ):
        job = training(client, Path(folder))
        seen, pairs = Seen(), []
        for number in range(options.rounds):
            windows = {}
            for crowded in (False, True) if number % 2 == 0 else (True, False):
                windows[crowded] = (
                    under_load(served, job, options, seen)
                    if crowded
                    else alone(served, options.seconds, seen)
                )
            pairs.append((windows[False], windows[True]))
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        slower = compared(steps_at(client, job, pairs[0][0][0]), pairs)
        client.post("/api/training/stop-training")
        table(seen)
        error = np.std(slower, ddof=1) / np.sqrt(len(slower)) if len(slower) > 1 else np.nan
        mean = 100 * (1 - np.exp(-np.mean(slower)))
        print(f"\ntraining with clients: {mean:.1f} % slower (standard error {100 * error:.1f})")


if __name__ == "__main__":
    main()
