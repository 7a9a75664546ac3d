"""How a training goes, as another process sees it."""

import subprocess
import sys
from pathlib import Path

import pytest

from angen.adapters.status import (
    TrainingStatus,
    heartbeat,
    is_locked,
    read_status,
    training_lock,
    write_status,
)
from angen.errors import BadInput

HOLD = """
import sys, time
from pathlib import Path
from angen.adapters.status import TrainingStatus, heartbeat, training_lock, write_status
folder = Path(sys.argv[1])
with training_lock(folder):
    write_status(folder, heartbeat(TrainingStatus(state="running", step=7, steps=12)))
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_running_training_is_told_from_a_killed_one(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        running = read_status(folder)
        with pytest.raises(BadInput, match="trained by another process"), training_lock(folder):
            pass
        process.kill()
    assert running is not None
    assert (running.state, running.step, running.pid) == ("running", 7, process.pid)
    dead = read_status(folder)
    assert dead is not None
    assert (dead.state, dead.step) == ("interrupted", 7)
    assert "angen train --resume 'a'" in dead.message
    with training_lock(folder):
        assert is_locked(folder)
    assert not is_locked(folder)


def test_a_finished_training_stays_finished(tmp_path: Path) -> None:
    write_status(tmp_path, heartbeat(TrainingStatus(state="done", step=12, steps=12)))
    status = read_status(tmp_path)
    assert status is not None
    assert (status.state, status.step) == ("done", 12)
    assert status.heartbeat > 1.7e9


@pytest.mark.parametrize("text", ["", "{", "[]", '{"step": 3}', "null"])
def test_an_unreadable_status_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text)
    assert read_status(tmp_path) is None


def test_no_training_no_status(tmp_path: Path) -> None:
    assert read_status(tmp_path) is None
    assert not is_locked(tmp_path)


def test_a_training_that_came_to_nothing_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput), training_lock(tmp_path / "a"):
        raise BadInput("too early")
    assert not (tmp_path / "a").exists()
