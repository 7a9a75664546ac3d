"""A full disk is told as that, wherever it is met: 507, and never as a fault of the request."""

import errno
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from angen.api.problems import install
from angen.jobs.problems import problem_of


def fault(kind: str) -> Exception:
    """As the system and libraries raise it."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x/tmp")
    if kind == "system":
        return full
    if kind == "quota":
        return OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    if kind == "sqlite":
        return OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))
    if kind == "libsndfile":
        return RuntimeError("Error opening 'x.wav': System error: No space left on device.")
    outer = HTTPException(400, "There was an error parsing the body")  # as FastAPI has it
    outer.__cause__ = full
    return outer


KINDS = ["system", "quota", "sqlite", "libsndfile", "body"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_507_whoever_says_it(kind: str) -> None:
    app = FastAPI()
    install(app, "/home")

    @app.get("/full")
    def full() -> None:
        raise fault(kind)

    answer = TestClient(app, raise_server_exceptions=False).get("/full")
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["detail"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_ends_with_it(kind: str) -> None:
    problem = problem_of(fault(kind))
    assert problem.kind == "disk"
    assert problem.message.startswith("The disk is full")
    assert "Free some space" in problem.remedy


def test_other_faults_are_not_taken_for_it() -> None:
    app = FastAPI()
    install(app, "/home")

    @app.get("/{number}")
    def other(number: int) -> None:
        raise (OSError(errno.EIO, "Input/output error"), HTTPException(400, "no"))[number]

    client = TestClient(app, raise_server_exceptions=False)
    assert [client.get(f"/{number}").status_code for number in (0, 1)] == [500, 422]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
def test_a_command_says_it_in_a_sentence() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-u", "-m", "angen", "version"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert "The disk is full. Free some space, then try again." in said
    assert "Traceback" not in said
