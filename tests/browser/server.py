"""The studio as a musician starts it: ``angen studio``, a process of its own on loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import httpx2

START_S = 120.0  # alone it takes under five seconds; two cores may be busy
STOP_S = 60.0


class Server:
    """One home folder, served; may be killed and started again on the same port."""

    def __init__(self, home: Path, log: Path) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        log.unlink(missing_ok=True)

    def start(self) -> float:
        """Seconds until it answers."""
        command = [sys.executable, "-m", "angen", "studio", "--no-browser", "--port"]
        began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, self.url.rpartition(":")[2]],
                env=os.environ | {"ANGEN_HOME": str(self.home)},
                stdout=log,
                stderr=log,
            )
        while time.monotonic() - began < START_S:
            if self._process.poll() is not None:
                raise AssertionError(f"the studio ended: {self._log.read_text()[-2000:]}")
            try:
                self.get("/api/health")
            except OSError:
                time.sleep(0.1)
            else:
                return time.monotonic() - began
        raise AssertionError(f"no answer in {START_S} s: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """As a power cut would: no time to save anything."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self._process and self._process.poll() is None:
            self._end(signal.SIGINT)

    def get(self, path: str) -> Any:
        """What the REST side says. Raises OSError when nobody answers."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Ask for something by REST."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def upload(self, path: Path) -> str:
        """Bring a recording by REST; its id."""
        with path.open("rb") as file:
            answer = httpx2.post(
                f"{self.url}/api/uploads", files={"files": (path.name, file)}, timeout=60
            )
        return str(answer.raise_for_status().json()["uploads"][0]["id"])

    def newest(self, kind: str) -> dict[str, Any]:
        """The job of a kind that was made last; empty when there is none."""
        jobs = self.get("/api/jobs")["jobs"]
        found = [job for job in jobs if job["kind"] == kind]
        return max(found, key=lambda job: job["number"], default={})

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(STOP_S)
        self._process = None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
