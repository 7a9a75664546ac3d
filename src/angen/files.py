"""Writing that is never half done: beside, then renamed."""

import errno
import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from angen.errors import OutOfSpace

_STALE_S = 24 * 3600


def is_full(error: OSError) -> bool:
    """Whether the system says that a disk, or one's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def sweep(root: Path, pattern: str) -> None:
    """Remove folders of ``root`` that killed runs left behind, once none can still be at them."""
    for folder in root.glob(pattern):
        if time.time() - folder.stat().st_mtime > _STALE_S:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_folder(root: Path, prefix: str) -> Iterator[Path]:
    """An empty folder in ``root``, gone after the block unless it was moved to its place.

    prefix: of the names of such folders; those that killed runs left behind are removed.
    """
    root.mkdir(parents=True, exist_ok=True)
    sweep(root, f"{prefix}*")
    with tempfile.TemporaryDirectory(prefix=prefix, dir=root) as outer:
        folder = Path(outer) / "new"
        folder.mkdir()
        yield folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Within the block nobody else who asks for ``path``, in any process, has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the place of ``path`` when the block succeeds.

    On any failure the partial file is removed and an older ``path`` stays as it was. The
    temporary name keeps the suffix, since some writers choose the format by it.

    Raises OutOfSpace when the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = f"{os.getpid()}-{threading.get_native_id()}"
    beside = path.with_name(f".{path.stem[:40]}.{mine}.part{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        if is_full(error):
            raise OutOfSpace(
                f"No space left to write {path}. Free some space on that disk and try again."
            ) from error
        raise
    finally:
        beside.unlink(missing_ok=True)
