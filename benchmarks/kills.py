"""kill -9 of the server or its workers, again and again, while ten jobs are done.

    python -m benchmarks.kills                     (--kills 60 --jobs 10 --seed 1)

Starts ``angen studio`` on an empty home, brings recordings, trains a first adapter of `mini`, and
queues training sets, trainings with their reports, songs and reports. The same is done in another
home where nobody kills. At the end every job must have ended once, and what was made must be the
same to the last bit: songs, weights, clips; nothing half-made may be left. Exit code 1 else.
A worker alone is killed only while its job is further than it ever was: a job whose worker dies
three times at one place is given up, as it should be.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from angen.jobs.job import Job, JobState
from angen.jobs.store import Store
from angen.studio.settings import Settings
from tests.data.songs import write_song

VICTIMS = ("worker", "worker", "server", "both")
TIMEOUT_S = 1_800.0
START_S = 120.0
LOOK_S = 0.05
WORK_S = 3.0  # a kill comes at most this long after a job was seen at work
LEFTOVERS = (".*.part", ".*.old", ".*.deleted", ".import-*", ".report.part")
QUICK = {"epochs": 1, "max_steps": 60, "checkpoint_every": 4, "samples": 0, "batch_size": 2}
SMALL = {"report_songs": 4, "report_s": 2}


class Studio:
    """The real server on a home, started again when it is killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = ""
        self.log: list[str] = []
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "angen", "studio", "--no-browser", "--port", "0"]
        quiet = {"OMP_NUM_THREADS": "1", "ANGEN_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        log = (self.home.parent / f"{self.home.name}.log").open("a+", encoding="utf-8")
        place = log.seek(0, os.SEEK_END)
        self.process = subprocess.Popen(
            [*command, "--home", str(self.home)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | quiet,
        )
        until = time.monotonic() + START_S
        while time.monotonic() < until and self.process.poll() is None:
            log.seek(place)
            if found := re.search(r"http://[^\s]+", log.read()):
                self.url = found[0]
                with suppress(httpx.TransportError):
                    if httpx.get(f"{self.url}/api/health", timeout=5).is_success:
                        return
            time.sleep(LOOK_S)
        raise SystemExit(f"the server does not answer: see {log.name}")

    def post(self, path: str, body: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}/api/{path}", json=body, timeout=60, **more)
        if not answer.is_success:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
        made: dict[str, Any] = answer.json()
        return made

    def upload(self, path: Path) -> str:
        with path.open("rb") as file:
            answer = httpx.post(
                f"{self.url}/api/uploads", files={"files": (path.name, file)}, timeout=60
            )
        answer.raise_for_status()
        return str(answer.json()["uploads"][0]["id"])

    def kill(self, victim: str, chance: random.Random) -> None:
        workers = psutil.Process(self.process.pid).children()
        if victim != "worker":
            self.process.kill()
        for worker in workers if victim == "both" else chance.sample(workers, min(1, len(workers))):
            if victim != "server":
                with suppress(psutil.NoSuchProcess):
                    worker.kill()
        if victim != "worker":
            self.process.wait()
            self.start()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(120)


@dataclass
class Done:
    """What came of one run."""

    jobs: list[Job]
    events: dict[str, list[str]]  # the states that each job went through
    made: dict[str, str]  # what was made, by its path: sha256
    left: list[str]
    seconds: float
    kills: dict[str, int] = field(default_factory=dict)


def queue(studio: Studio, count: int) -> list[str]:
    """The jobs, ten of them in all their kinds, or fewer or more by turns; their ids."""
    folder = studio.home.parent / "songs"
    files = [studio.upload(path) for path in sorted(folder.iterdir())]
    first = studio.post("training/prepare-dataset", {"files": files[:3], "name": "first"})
    body = {"name": "seed", "dataset": "first", "report": False, **QUICK}
    trained = studio.post(f"training/train-lora?after={first['id']}", body)
    wait(studio, [first["id"], trained["id"]])
    ids: list[str] = []
    while len(ids) < count:
        ids += _some(studio, files, len(ids))
    return ids[:count]


def _some(studio: Studio, files: list[str], n: int) -> list[str]:
    """Five jobs that belong together."""
    name = f"set{n}"
    request = {"files": files[: 4 - n // 5 % 2], "name": name}
    prepared = studio.post("training/prepare-dataset", request)["id"]
    body = {"name": name, "dataset": name, "seed": n, **QUICK, **SMALL}
    trained = studio.post(f"training/train-lora?after={prepared}", body)["id"]
    song = {"prompt": f"house {n}", "duration_s": 8, "seed": n, "steps": 4}
    plain = studio.post("songs", song)["id"]
    with_it = song | {"prompt": f"adapted {n}", "adapters": [{"name": name}]}
    adapted = studio.post(f"songs?after={trained}", with_it)["id"]
    how = {"songs": 4 + n // 5, "song_s": 2}
    report = studio.post("training/lora-adapters/seed/report", how)["id"]
    return [prepared, trained, plain, adapted, report]


def wait(studio: Studio, ids: list[str]) -> None:
    """Until these jobs are over."""
    until = time.monotonic() + TIMEOUT_S
    with Store(Settings(home=studio.home).database) as store:
        while not all(store.get(id).state.over for id in ids):
            if time.monotonic() > until:
                raise SystemExit(f"not over in {TIMEOUT_S:.0f} s: see {studio.home}")
            time.sleep(LOOK_S)


def run(home: Path, count: int, kills: int, chance: random.Random) -> Done:
    """Do the jobs, and kill meanwhile."""
    home.mkdir()
    studio = Studio(home)
    began = time.monotonic()
    done: dict[str, int] = dict.fromkeys(dict.fromkeys(VICTIMS), 0)
    with Store(Settings(home=home).database) as store:
        ids = queue(studio, count)
        for _ in range(kills):
            victim = chance.choice(VICTIMS)
            if not _at_work(store, ids, chance, further=victim != "server"):
                break
            studio.kill(victim, chance)
            done[victim] += 1
        wait(studio, ids)
        seconds = time.monotonic() - began
        studio.stop()
        studio.start()  # which removes what the killed ones left
        time.sleep(1)
        studio.stop()
        jobs = [store.get(id) for id in ids]
        events = {
            id: [str(e.data["state"]) for e in store.events(id) if e.kind == "state"] for id in ids
        }
    return Done(
        jobs=jobs,
        events=events,
        made=_made(home),
        left=_left(home),
        seconds=seconds,
        kills=done,
    )


def _at_work(store: Store, ids: list[str], chance: random.Random, *, further: bool) -> bool:
    """Wait until a job runs, and a moment; whether any is left.

    further: until one is further than it ever was, and no other could be hit instead.
    """
    moment = chance.uniform(0, WORK_S)
    since = None
    while not all(store.get(id).state.over for id in ids):
        held = [held for held in store.held() if held.owner and held.owner.worker.alive()]
        good = bool(held) and (not further or all(one.advanced for one in held))
        since = (since or time.monotonic()) if good else None
        if since is not None and time.monotonic() - since >= moment:
            return True
        time.sleep(LOOK_S)
    return False


def _made(home: Path) -> dict[str, str]:
    """The songs, weights and clips of a home, by their path."""
    paths = [*home.glob("outputs/*.wav"), *home.glob("models/loras/*/*_model/*.safetensors")]
    paths += home.glob("training_data/set*/clips/*")
    found = {
        p.relative_to(home).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths
    }
    for path in home.glob("models/loras/*/report.json"):
        report = json.loads(path.read_text(encoding="utf-8"))
        figures = json.dumps([report["effect"], report["verdict"]], sort_keys=True)
        found[path.relative_to(home).as_posix()] = hashlib.sha256(figures.encode()).hexdigest()
    return found


def _left(home: Path) -> list[str]:
    """What is half-made or was in the way."""
    found = {path for pattern in LEFTOVERS for path in home.rglob(pattern)}
    found = {path for path in found if ".tmp" not in path.relative_to(home).parts}
    return sorted(path.relative_to(home).as_posix() for path in found)


def faults(killed: Done, calm: Done) -> list[str]:
    """What was lost, done twice, or came out otherwise."""
    found = []
    for job in (*killed.jobs, *calm.jobs):
        if job.state is not JobState.DONE:
            reason = job.problem.message if job.problem else ""
            found.append(f"{job.title!r} is {job.state} after {job.attempt} attempts: {reason}")
    for id, states in killed.events.items():
        if states.count("done") != 1 or states[-1] != "done":
            found.append(f"job {id} went through {states}")
    for path in sorted(killed.made.keys() | calm.made.keys()):
        if killed.made.get(path) != calm.made.get(path):
            found.append(f"{path} is not the same, or not in both homes")
    return found + [f"{path} is left behind" for path in killed.left]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="Leave the homes where they are.")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="angen-kills-"))
    for seed in range(4):
        write_song(folder / "songs" / f"song {seed}.wav", 24, seed=seed, bpm=100 + 10 * seed)
    calm = run(folder / "calm", asked.jobs, 0, random.Random(asked.seed))
    killed = run(folder / "killed", asked.jobs, asked.kills, random.Random(asked.seed))
    wrong = faults(killed, calm)
    total = sum(killed.kills.values())
    attempts = sum(job.attempt for job in killed.jobs)
    row = " | ".join(f"{n} {name}" for name, n in killed.kills.items())
    print(
        f"| jobs | kills | of them | attempts | files compared | lost or otherwise | minutes |\n"
        f"|---|---|---|---|---|---|---|\n"
        f"| {len(killed.jobs)} | {total} | {row.replace(' | ', ', ')} | {attempts} | "
        f"{len(calm.made)} | {len(wrong)} | {killed.seconds / 60:.1f} ({calm.seconds / 60:.1f} "
        f"undisturbed) |" + "".join(f"\n- {line}" for line in wrong)
    )
    if total < asked.kills:
        print(f"The jobs were over after {total} kills: ask for more jobs.")
    if not wrong and not asked.keep:
        shutil.rmtree(folder)
    else:
        print(f"The homes and logs are in {folder}")
    return 1 if wrong or total < asked.kills else 0


if __name__ == "__main__":
    sys.exit(main())
