"""Who holds a job, and whether they still live.

A process is known by the boot of the machine, its process number and the time it was started: a
number alone is used again. Processes of another boot or of another container cannot be looked up;
their heartbeat has to tell.
"""

import os
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

HEARTBEAT_S = 5.0
LEASE_S = 30.0  # without a heartbeat, for owners that cannot be looked up
_DEAD = frozenset("ZXx")  # a zombie whose parent was killed too may stay for ever


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """One process, never mistaken for another."""

    boot: str  # of the machine, and the space in which ``pid`` counts
    pid: int
    started: str  # as the system writes it

    def text(self) -> str:
        return f"{self.boot} {self.pid} {self.started}"

    def local(self) -> bool:
        """Whether this machine can look it up."""
        return self.boot == _boot()

    def alive(self) -> bool:
        """Whether it runs; only for processes that are ``local``."""
        return _started(self.pid) == self.started

    def kill(self) -> None:
        """End it at once. Nothing happens when it has ended already."""
        try:
            handle = os.pidfd_open(self.pid)  # from here on the number cannot change hands
        except (AttributeError, OSError):
            if self.alive():
                _kill(self.pid)
            return
        with suppress(ProcessLookupError):
            if self.alive():
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """A worker that holds a job, and the server that started it."""

    worker: Process
    server: Process | None  # None: started by hand
    oom_kills: int = 0  # see ``oom_kills``, when the job was taken

    def text(self) -> str:
        server = self.server.text() if self.server else "- 0 -"
        return f"{self.worker.text()} {server} {self.oom_kills}"

    def alive(self, heartbeat: datetime | None, now: datetime) -> bool:
        """Whether the worker may still be at its job.

        heartbeat: when it was last heard of.
        """
        if self.worker.local():
            return self.worker.alive()
        return heartbeat is not None and now - heartbeat < timedelta(seconds=LEASE_S)

    def orphaned(self) -> bool:
        """Whether the worker's server is known to be gone."""
        return self.server is not None and self.server.local() and not self.server.alive()


def read_process(text: str) -> Process | None:
    """The process that ``text`` names, or None."""
    parts = text.split()
    if len(parts) != 3 or not parts[1].isdecimal() or parts[0] == "-":
        return None
    return Process(boot=parts[0], pid=int(parts[1]), started=parts[2])


def read_owner(text: str) -> Owner | None:
    """What ``Owner.text`` wrote, or None."""
    parts = text.split()
    worker = read_process(" ".join(parts[:3]))
    if worker is None or len(parts) != 7 or not parts[6].isdecimal():
        return None
    return Owner(worker=worker, server=read_process(" ".join(parts[3:6])), oom_kills=int(parts[6]))


def this_process() -> Process:
    return Process(boot=_boot(), pid=os.getpid(), started=_started(os.getpid()))


def process_of(pid: int) -> Process:
    """The process that has this number now; one of a child stays its own until it is waited for."""
    return Process(boot=_boot(), pid=pid, started=_started(pid))


def oom_kills(counters: Iterable[Path] | None = None) -> int:
    """How many processes the system has ended here for want of memory, as far as it tells.

    A count that has grown while a process died says why it died.

    counters: files with a line ``oom_kill N``; None: the system's.
    """
    return sum(_counted(path) for path in (_oom_counters() if counters is None else counters))


@cache
def _boot() -> str:
    """This boot of this machine, and the container whose process numbers are ours."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return "".join(_asked("sysctl", "-n", "kern.boottime").split()) or "unknown"


def _started(pid: int) -> str:
    """When process ``pid`` was started; empty when there is none or it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return ""
        return "".join(_asked("ps", "-o", "lstart=", "-p", str(pid)).split())
    fields = stat.rpartition(")")[2].split()  # the name before may hold spaces and brackets
    return "" if fields[0] in _DEAD else fields[19]  # field 22 of proc(5)


def _asked(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@cache
def _oom_counters() -> tuple[Path, ...]:
    """Files with a line ``oom_kill N``: of the machine and of our own control group."""
    found = [Path("/proc/vmstat")]
    try:
        groups = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return tuple(found)
    root = Path("/sys/fs/cgroup")
    for line in groups:
        _number, controllers, path = line.split(":", 2)
        if not controllers:
            found.append(root / path.lstrip("/") / "memory.events")
        elif "memory" in controllers.split(","):
            found.append(root / "memory" / path.lstrip("/") / "memory.oom_control")
    return tuple(found)


def _counted(path: Path) -> int:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
