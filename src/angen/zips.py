"""Archives of strangers: paths that stay in their folder, and sizes counted while unpacking."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from angen.amounts import size_text
from angen.errors import BadInput, Incompatible

UNREADABLE = (  # what ``zipfile`` raises for an archive that is damaged, or not one
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a compression that Python lacks
    RuntimeError,  # a password is asked for
    ValueError,
)
_CHUNK = 2**20
_SYMLINK = 0o120000
_SHOWN = 200  # characters of a name in a message


@contextmanager
def told_of(called: str, folder: Path) -> Iterator[None]:
    """Faults within the block are those of the archive ``called``, which is unpacked in ``folder``.

    Where that is, on this machine and for a moment, says nothing to a person.
    """
    try:
        yield
    except (BadInput, Incompatible) as error:
        message = within(str(error), folder)
        raise type(error)(message if called in message else f"{called}: {message}") from error


def within(message: str, folder: Path) -> str:
    """``message`` with paths in ``folder`` as they are in the archive."""
    return message.replace(f"{folder}/", "").replace(str(folder), "it")


def check_paths(entries: Iterable[zipfile.ZipInfo], holder: str, what: str) -> None:
    """Refuse an archive with links, or with a path that could leave its folder.

    holder: the archive, at the beginning of a message; what: an adapter, a dataset.

    Raises BadInput.
    """
    for entry in entries:
        path = PurePosixPath(entry.filename)
        unsafe = path.is_absolute() or ".." in path.parts or "\\" in entry.filename
        link = (entry.external_attr >> 16) & 0o170000 == _SYMLINK
        if unsafe or link or ":" in entry.filename or "\0" in entry.orig_filename:
            raise BadInput(
                f"{holder} holds {entry.filename[:_SHOWN]!r}, which would be written outside of "
                f"the {what}'s folder. Do not use this archive."
            )


def unpack(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, limit: int, holder: str
) -> int:
    """Write one file of an archive to ``target``, which must be new; its size in bytes.

    Raises BadInput beyond ``limit`` bytes, whatever size the archive claims.
    """
    size = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as packed, target.open("xb") as file:
        while chunk := packed.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise BadInput(
                    f"{holder}: {entry.filename[:_SHOWN]!r} unpacks to more than "
                    f"{size_text(limit)}, more than such a file ever has. Do not use this archive."
                )
            file.write(chunk)
    return size
