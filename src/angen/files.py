"""Writing that is never half done: beside, then renamed."""

import errno
import fcntl
import logging
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from angen.errors import OutOfSpace, Taken

logger = logging.getLogger(__name__)

_STALE_S = 24 * 3600
_BIRTH_S = 5.0  # in which who makes a folder comes to hold it
_LINKS = 20  # of a chain of errors that are looked at
_FULL = ("no space left on device", "disk is full", "disk quota exceeded")
_OLD, _DELETED = ".old", ".deleted"  # .<name>.<random>.old: a folder that gives way to another
_ASIDE = re.compile(r"\.(?P<name>.+)\.[^.]+\.old")
_IN_THE_WAY = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)

Rename = Callable[[Path, Path], None]


def is_full(error: OSError) -> bool:
    """Whether the system says that a disk, or one's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def tells_full(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says that a disk is full.

    Libraries say so in words of their own: SQLite, PostgreSQL, libsndfile.
    """
    link: BaseException | None = error
    for _ in range(_LINKS):
        if link is None:
            return False
        text = str(link).casefold()
        if (isinstance(link, OSError) and is_full(link)) or any(word in text for word in _FULL):
            return True
        link = link.__cause__ or link.__context__
    return False


def sweep(root: Path, pattern: str) -> None:
    """Remove folders of ``root`` that killed runs left behind: those that nobody holds."""
    for folder in root.glob(pattern):
        with suppress(FileNotFoundError):
            if _abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """``folder``, which ``sweep`` leaves alone within the block; the system lets go of the dead."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems lock no folders: then its age counts
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(handle)


def _abandoned(folder: Path) -> bool:
    age = time.time() - folder.stat().st_mtime
    if abs(age) < _BIRTH_S:
        return False
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return age > _STALE_S
    finally:
        os.close(handle)
    return True


@contextmanager
def fresh_folder(root: Path, prefix: str) -> Iterator[Path]:
    """An empty folder in ``root``, gone after the block unless it was moved to its place.

    prefix: of the names of such folders; those that killed runs left behind are removed.
    """
    root.mkdir(parents=True, exist_ok=True)
    sweep(root, f"{prefix}*")
    with tempfile.TemporaryDirectory(prefix=prefix, dir=root) as outer, held(Path(outer)):
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


def put_in_place(
    folder: Path, place: Path, *, replace: bool = False, rename: Rename = os.rename
) -> None:
    """Have ``folder`` become ``place``: whole or not at all, and never neither old nor new.

    replace: what is at ``place`` gives way. It is kept beside until the new one stands; when that
    fails it is put back, and after a kill in between by ``restore_replaced``.
    rename: as the system does it.

    Raises Taken when something is there that should not give way.
    """
    with held(place.parent):
        _settle(place)
        old = _aside(place, _OLD) if replace and os.path.lexists(place) else None
        try:
            if old is not None:
                rename(place, old)
            rename(folder, place)
        except BaseException as error:
            if old is not None and not os.path.lexists(place):
                rename(old, place)  # else it stays beside, where it is found again
            if isinstance(error, OSError) and error.errno in _IN_THE_WAY:
                raise Taken(f"Another run has made {place.name!r} meanwhile.") from error
            raise
        doomed = None if old is None else _doom(old, place)
    remove(doomed)


def set_aside(folder: Path) -> Path:
    """Have ``folder`` be gone at once; what comes back is for ``remove``."""
    with held(folder.parent):
        _settle(folder)  # so that no older one comes back in its place
        return _doom(folder, folder)


def remove(folder: Path | None) -> None:
    """Delete a folder, or a link to one, as far as the system lets us."""
    if folder is not None and folder.is_symlink():
        folder.unlink()
    elif folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def restore_replaced(root: Path) -> None:
    """Put back the folders of ``root`` whose replacement was cut short; finish what was deleted."""
    with suppress(FileNotFoundError):
        found = [path.name for path in root.iterdir() if path.name.endswith((_OLD, _DELETED))]
        names = {match["name"] for name in found if (match := _ASIDE.fullmatch(name))}
        if names:
            with held(root):
                for name in names:
                    _settle(root / name)
        for name in found:
            if name.startswith(".") and name.endswith(_DELETED):
                remove(root / name)


def _settle(place: Path) -> None:
    """End an earlier replacement of ``place`` that was killed: back, or forward if the new stands.

    Called with the lock of its folder held.
    """
    found = [
        path
        for path in place.parent.iterdir()
        if (match := _ASIDE.fullmatch(path.name)) and match["name"] == place.name
    ]
    for old in sorted(found, key=lambda path: path.lstat().st_mtime, reverse=True):
        if os.path.lexists(place):
            remove(_doom(old, place))
        else:
            logger.warning("replacing %s was cut short; the earlier one is back", place)
            old.rename(place)


def _doom(folder: Path, place: Path) -> Path:
    doomed = _aside(place, _DELETED)
    folder.rename(doomed)
    return doomed


def _aside(place: Path, ending: str) -> Path:
    return place.with_name(f".{place.name}.{secrets.token_hex(4)}{ending}")


def linked(source: str | Path, target: str | Path) -> str:
    """The same file under a second name, which costs no space; a copy where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return str(target)


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
