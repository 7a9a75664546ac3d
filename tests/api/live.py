"""The real server in a process of its own, as ``angen studio`` starts it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

_COMMAND = (sys.executable, "-m", "angen", "studio", "--no-browser", "--port", "0")
START_S = 120.0  # on a machine that does much else


class LiveServer:
    """``angen studio`` on any free port, with its home and its log."""

    def __init__(
        self, home: Path, *arguments: str, environment: dict[str, str] | None = None
    ) -> None:
        self.home = home
        quiet = {"OMP_NUM_THREADS": "1", "ANGEN_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        known = {k: v for k, v in os.environ.items() if not k.startswith("ANGEN_")}
        self.log: list[str] = []
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [*_COMMAND, "--home", str(home), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=known | quiet | (environment or {}),
        )
        self.url = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line)

    def wait_until_it_answers(self) -> float:
        """Seconds from its start to its first answer."""
        while time.monotonic() - self.began < START_S:
            found = re.search(r"http://\S+", "".join(self.log))
            if found and self._answers(found[0]):
                self.url = found[0]
                return time.monotonic() - self.began
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError("the server does not answer:\n" + "".join(self.log))

    def _answers(self, url: str) -> bool:
        try:
            return httpx.get(f"{url}/api/health", timeout=5).status_code in (200, 401)
        except httpx.TransportError:
            return False

    def stop(self, number: int = signal.SIGINT, timeout_s: float = 120.0) -> int:
        """Send a signal and wait for the end; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(timeout_s)
        finally:
            self.process.kill()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def __enter__(self) -> "LiveServer":
        self.wait_until_it_answers()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
