"""Processes are told apart, and the dead from the living."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from angen.jobs.owner import (
    LEASE_S,
    Owner,
    Process,
    oom_kills,
    process_of,
    read_owner,
    read_process,
    this_process,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_this_process_lives() -> None:
    me = this_process()
    assert me.pid == os.getpid()
    assert me.local()
    assert me.alive()
    assert me == process_of(os.getpid())


def test_a_process_with_the_same_number_is_another() -> None:
    me = this_process()
    assert not Process(boot=me.boot, pid=me.pid, started="1").alive()


def test_a_killed_process_is_dead_even_before_it_is_waited_for() -> None:
    child = subprocess.Popen(SLEEP)
    process = process_of(child.pid)
    assert process.alive()
    process.kill()
    deadline = time.monotonic() + 10
    while process.alive():  # a zombie from here on
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.wait()
    assert not process.alive()
    process.kill()  # nothing happens


def test_kill_spares_a_process_that_took_the_number() -> None:
    with subprocess.Popen(SLEEP) as child:
        living = process_of(child.pid)
        Process(boot=living.boot, pid=living.pid, started="1").kill()
        assert living.alive()
        living.kill()


@pytest.mark.parametrize("server", [None, this_process()])
def test_an_owner_is_read_as_written(server: Process | None) -> None:
    owner = Owner(worker=this_process(), server=server, oom_kills=3)
    assert read_owner(owner.text()) == owner


@pytest.mark.parametrize("text", ["", "a b c", "boot 1", "boot 1 2 - 0 -", "boot 1 2 - 0 - x"])
def test_other_text_is_no_owner(text: str) -> None:
    assert read_owner(text) is None


def test_other_text_is_no_process() -> None:
    assert read_process("\n") is None
    assert read_process("- 0 -") is None


def test_an_owner_that_cannot_be_looked_up_lives_by_its_heartbeat() -> None:
    owner = Owner(worker=Process(boot="elsewhere", pid=1, started="1"), server=None)
    assert owner.alive(NOW - timedelta(seconds=LEASE_S - 1), NOW)
    assert not owner.alive(NOW - timedelta(seconds=LEASE_S + 1), NOW)
    assert not owner.alive(None, NOW)
    assert not owner.orphaned()


def test_an_owner_here_lives_whatever_its_heartbeat() -> None:
    child = subprocess.Popen(SLEEP)
    owner = Owner(worker=this_process(), server=process_of(child.pid))
    assert owner.alive(None, NOW)
    assert not owner.orphaned()
    child.kill()
    child.wait()
    assert owner.orphaned()


def test_what_the_system_ended_for_want_of_memory_is_counted(tmp_path: Path) -> None:
    machine, group = tmp_path / "vmstat", tmp_path / "memory.events"
    machine.write_text("pgfault 12\noom_kill 3\nzswpin 9\n")
    group.write_text("oom 4\noom_kill 2\noom_group_kill 1\n")
    assert oom_kills([machine, group, tmp_path / "missing"]) == 5
    before = oom_kills()
    assert oom_kills() >= before >= 0
