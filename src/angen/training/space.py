"""How much disk a training takes, and whether it is there."""

import shutil
from pathlib import Path

from angen.amounts import size_text
from angen.errors import OutOfSpace
from angen.training.config import TrainingConfig

_LOG_BYTES_PER_STEP = 200
_FIXED_BYTES = 2**20  # metadata, TensorBoard's own
_FLOAT_BYTES = 4


def disk_bytes(trained: int, config: TrainingConfig, steps: int) -> int:
    """What a training writes: two models, checkpoints, logs.

    Of checkpoints there are those it keeps, the newest that was saved between them, and one on its
    way.
    """
    kept = min(config.keep_checkpoints, steps // config.checkpoint_every) + 2
    return trained * _FLOAT_BYTES * (2 + 3 * kept) + steps * _LOG_BYTES_PER_STEP + _FIXED_BYTES


def check_space(folder: Path, needed: int) -> None:
    """Raise OutOfSpace when the disk of ``folder`` has less than ``needed`` bytes left."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise OutOfSpace(
            f"The training needs about {size_text(needed)} on the disk of {there}; "
            f"{size_text(free)} are free. Free some space, or keep fewer checkpoints."
        )
