"""How the server answers while it is asked a lot and a training takes both cores.

    python -m benchmarks.load                      (--seconds 60, --pollers 50, --sockets 20)

Starts ``angen studio`` on an empty home, prepares a training set from composed pieces, trains an
adapter of `mini`, and measures three times for as long: the training alone, the training with
clients, and alone again. The two alone tell how steady the machine is. A poller asks for what the
page shows and waits a second before it asks again; a socket listens to the training's events.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile
import websockets

PATHS = (
    "/api/training/training-status",
    "/api/jobs",
    "/api/training/lora-adapters",
    "/api/training/datasets",
    "/api/songs",
    "/api/health",
)
PAUSE_S = 1.0  # between two requests of a poller
SETTLE_S = 5.0  # before each measurement
RATE_HZ = 24_000
TIMEOUT_S = 900.0


@dataclass
class Seen:
    """What the clients went through."""

    seconds: dict[str, list[float]] = field(default_factory=dict)  # by path
    failed: list[str] = field(default_factory=list)
    events: int = 0


@contextmanager
def server(home: Path) -> Iterator[str]:
    """The real server; its address."""
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
        yield found[0]
    finally:
        process.terminate()
        process.wait(200)


def pieces(folder: Path) -> list[Path]:
    """Recordings to train on: held chords of two songs, forty seconds each."""
    made = []
    for number in range(3):
        times = np.arange(40 * RATE_HZ) / RATE_HZ
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
    job = ask(client, "/api/training/train-lora", recipe | {"samples": 0, "log_every": 10})
    end = time.monotonic() + TIMEOUT_S
    while step_of(client, job) < 5:
        if time.monotonic() > end:
            raise SystemExit("the training does not begin")
        time.sleep(0.5)
    return job


def step_of(client: httpx.Client, job: str) -> int:
    """Steps that the training has done."""
    found = client.get(f"/api/jobs/{job}").json()
    if found["state"] == "failed":
        raise SystemExit(found["problem"]["message"])
    progress = found["progress"]
    return int(progress["done"]) if progress and progress["stage"].startswith("Training") else 0


def steps_per_second(client: httpx.Client, job: str, seconds: float) -> float:
    """How fast the training goes when nobody else asks for anything."""
    time.sleep(SETTLE_S)
    first, began = step_of(client, job), time.monotonic()
    time.sleep(seconds)
    return (step_of(client, job) - first) / (time.monotonic() - began)


async def poll(client: httpx.AsyncClient, seen: Seen, end: float, number: int) -> None:
    """A client that asks for one thing after the other."""
    await asyncio.sleep(PAUSE_S * number / 50)  # they did not all open the page at once
    while time.monotonic() < end:
        for path in PATHS:
            began = time.monotonic()
            try:
                answer = await client.get(path)
                if answer.status_code != 200:
                    seen.failed.append(f"{path}: {answer.status_code}")
            except httpx.TransportError as error:
                seen.failed.append(f"{path}: {type(error).__name__}")
            seen.seconds.setdefault(path, []).append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_S)


async def listen(url: str, seen: Seen, end: float) -> None:
    """A client that hears every event of the training, and notices when one is left out."""
    last = 0
    try:
        async with websockets.connect(url.replace("http", "ws"), max_size=2**20) as socket:
            while time.monotonic() < end:
                try:
                    text = await asyncio.wait_for(socket.recv(), end - time.monotonic())
                except TimeoutError:
                    return
                number = json.loads(text).get("number", last)
                if number < last:
                    seen.failed.append(f"event {number} after {last}")
                last = number
                seen.events += 1
    except (OSError, websockets.WebSocketException) as error:
        seen.failed.append(f"websocket: {error}")


async def crowd(url: str, job: str, seconds: float, pollers: int, sockets: int) -> Seen:
    """All clients at once."""
    seen, end = Seen(), time.monotonic() + seconds
    limits = httpx.Limits(max_connections=pollers, max_keepalive_connections=pollers)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:
        await asyncio.gather(
            *(poll(client, seen, end, number) for number in range(pollers)),
            *(listen(f"{url}/api/jobs/{job}/events", seen, end) for _ in range(sockets)),
        )
    return seen


def under_load(
    client: httpx.Client, url: str, job: str, options: argparse.Namespace
) -> tuple[float, Seen]:
    """The training's speed with clients, and what they saw."""
    time.sleep(SETTLE_S)
    first, began = step_of(client, job), time.monotonic()
    seen = asyncio.run(crowd(url, job, options.seconds, options.pollers, options.sockets))
    return (step_of(client, job) - first) / (time.monotonic() - began), seen


def table(seen: Seen) -> None:
    """Milliseconds by path, as Markdown."""
    every = [second for seconds in seen.seconds.values() for second in seconds]
    print("| path | requests | median ms | p99 ms | longest ms |\n|---|---|---|---|---|")
    for path, seconds in [*seen.seconds.items(), ("all", every)]:
        p50, p99, longest = 1e3 * np.percentile(seconds, (50, 99, 100))
        print(f"| `{path}` | {len(seconds)} | {p50:.0f} | {p99:.0f} | {longest:.0f} |")
    print(f"\nevents heard: {seen.events}; failed: {len(seen.failed)}")
    for line in sorted(set(seen.failed)):
        print(f"  {seen.failed.count(line)} x {line}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="of each measurement")
    parser.add_argument("--pollers", type=int, default=50)
    parser.add_argument("--sockets", type=int, default=20)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began")
    with (
        tempfile.TemporaryDirectory() as folder,
        server(Path(folder) / "home") as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        job = training(client, Path(folder))
        before = steps_per_second(client, job, options.seconds)
        loaded, seen = under_load(client, url, job, options)
        after = steps_per_second(client, job, options.seconds)
        client.post("/api/training/stop-training")
        table(seen)
        alone = (before + after) / 2
        print(
            f"\ntraining, steps per second: {before:.2f} alone, {loaded:.2f} with clients, ", end=""
        )
        print(f"{after:.2f} alone again: {100 * (1 - loaded / alone):+.1f} % slower with clients")


if __name__ == "__main__":
    main()
