"""Writing that is never half done: beside, then renamed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from angen.errors import OutOfSpace


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the place of ``path`` when the block succeeds.

    On any failure the partial file is removed and an older ``path`` stays as it was. The
    temporary name keeps the suffix, since some writers choose the format by it.

    Raises OutOfSpace when the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem[:40]}.{os.getpid()}.part{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpace(
                f"No space left to write {path}. Free some space on that disk and try again."
            ) from error
        raise
    finally:
        beside.unlink(missing_ok=True)
