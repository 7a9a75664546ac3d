"""A PostgreSQL server of our own, on loopback, in a folder that is thrown away."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

TOOLS = ("initdb", "pg_ctl", "postgres")
REQUIRED = "ANGEN_TEST_POSTGRES"  # set: its absence is a failure, not a reason to skip
NOBODY = 65534  # a user without rights, on every Linux
SETTINGS = "-c fsync=off -c shared_buffers=16MB -c max_connections=60"


def missing() -> str:
    """Why there can be no server here; empty when there can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed: make test brings it"
    if folder() is None:
        return "no PostgreSQL server (initdb, pg_ctl, postgres): apt-get install postgresql"
    return ""


def folder() -> Path | None:
    """Where the server's programs are: on PATH, or where Debian keeps them."""
    if all(shutil.which(tool) for tool in TOOLS):
        return Path(str(shutil.which("initdb"))).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((v for v in versions if all((v / tool).exists() for tool in TOOLS)), None)


@contextmanager
def running_server() -> Iterator[str]:
    """The address of an empty database."""
    if reason := missing():
        pytest.fail(reason) if os.environ.get(REQUIRED) else pytest.skip(reason)
    home = Path(tempfile.mkdtemp(prefix="angen-postgres-"))
    tools = folder()
    assert tools is not None
    try:
        if os.geteuid() == 0:
            os.chown(home, NOBODY, NOBODY)
        data = ("-D", str(home / "data"))
        _run(home, str(tools / "initdb"), *data, "-U", "angen", "-A", "trust", "-E", "UTF8", "-N")
        port = _free_port()  # now, not before: others look for ports too
        options = f"{SETTINGS} -p {port} -c listen_addresses=127.0.0.1 -k {home}"
        log = ("-l", str(home / "log"))
        _run(home, str(tools / "pg_ctl"), *data, *log, "-w", "-o", options, "start")
        try:
            yield f"postgresql://angen@127.0.0.1:{port}/postgres"
        finally:
            _run(home, str(tools / "pg_ctl"), *data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home)


def _run(home: Path, *command: str) -> None:
    """As somebody without rights: the server refuses to be root."""
    if os.geteuid() == 0:
        command = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command)
    environ = os.environ | {"LC_ALL": "C", "HOME": str(home)}
    done = subprocess.run(
        command,
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if "start" not in command else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if "start" not in command else subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if done.returncode:
        log = home / "log"
        raise RuntimeError(
            f"{command}: {done.stdout or ''}{log.read_text() if log.exists() else ''}"
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
