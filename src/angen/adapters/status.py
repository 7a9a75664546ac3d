"""How a training goes, told to other processes: ``status.json`` and a lock in the adapter's folder.

The training process holds the lock as long as it lives, and the system lets go of it even when the
process is killed. So a file that says "running" beside a free lock means: interrupted.
"""

import fcntl
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from angen.errors import BadInput
from angen.files import replacing

logger = logging.getLogger(__name__)

STATUS_FILE = "status.json"
LOCK_FILE = ".training.lock"

State = Literal["running", "stopped", "failed", "done", "interrupted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingStatus:
    """Where a training is."""

    state: State
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    percent: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    pid: int = 0
    heartbeat: float = 0.0  # seconds since 1970


def write_status(folder: Path, status: TrainingStatus) -> None:
    with replacing(folder / STATUS_FILE) as path:
        path.write_text(json.dumps(asdict(status), indent=2) + "\n", encoding="utf-8")


def read_status(folder: Path) -> TrainingStatus | None:
    """How the training in ``folder`` goes or went; None when there was none that can be read."""
    path = folder / STATUS_FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        known = {field.name for field in fields(TrainingStatus)}
        status = TrainingStatus(**{k: v for k, v in found.items() if k in known})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        logger.warning("%s cannot be read (%s); it is passed over", path, error)
        return None
    if status.state == "running" and not is_locked(folder):
        return _interrupted(folder, status)
    return status


def _interrupted(folder: Path, status: TrainingStatus) -> TrainingStatus:
    values = asdict(status) | {
        "state": "interrupted",
        "seconds_left": None,
        "message": f"The training process ended without a word at step {status.step}. "
        f"Go on with: angen train --resume {folder.name!r}",
    }
    return TrainingStatus(**values)


def heartbeat(status: TrainingStatus) -> TrainingStatus:
    """``status`` signed by this process, now."""
    return TrainingStatus(**(asdict(status) | {"pid": os.getpid(), "heartbeat": time.time()}))


@contextmanager
def training_lock(folder: Path) -> Iterator[None]:
    """Hold the folder for one training.

    Raises BadInput when another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(
                f"{folder.name} is being trained by another process. "
                "Wait for it, stop it, or choose another name."
            ) from None
        try:
            yield
        finally:
            if all(path.name.startswith(".") for path in folder.iterdir()):  # it came to nothing
                shutil.rmtree(folder)


def is_locked(folder: Path) -> bool:
    """Whether a live process trains in ``folder``."""
    try:
        with (folder / LOCK_FILE).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
