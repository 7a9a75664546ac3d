"""Archives of strangers: limits before anything is parsed, and sizes counted while unpacking."""

import errno
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from angen.amounts import size_text
from angen.errors import BadInput, Incompatible

_DAMAGED = (  # what ``zipfile`` raises for an archive that is damaged, or not one
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # a feature that Python lacks
    RuntimeError,  # a password is asked for
    ValueError,
    OverflowError,
)
_NO_PLACE = (  # the system's, for offsets before a file and names that no file can have
    errno.EINVAL,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
)
_KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others need memory as the archive says
_LOCKED = 0x1
_DIRECTORY_BYTES = 8_000_000  # of a list of files: some 100,000
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


class _File(io.BufferedReader):
    """A file that gives little at once: ``zipfile`` reads a list of files in one piece."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its list of files claims {size_text(size)}")
        return super().read(size)


@contextmanager
def opened(path: Path, called: str) -> Iterator[zipfile.ZipFile]:
    """A stranger's archive; what is wrong with it, within the block too, is BadInput.

    called: the archive, at the beginning of a message.
    """
    try:
        with _File(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except _DAMAGED as error:
        raise _damaged(called, error) from error
    except OSError as error:
        if error.errno not in _NO_PLACE:
            raise
        raise _damaged(called, error.strerror or "") from error


def _damaged(called: str, reason: object) -> BadInput:
    return BadInput(
        f"{called} is no .zip archive that can be read ({str(reason)[:_SHOWN]}). It is damaged or "
        "incomplete: download or export it again."
    )


def files_in(
    archive: zipfile.ZipFile, called: str, what: str, most: int
) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by name, once it is sure that none leaves its folder.

    what: an adapter, a dataset. most: files that such an archive has.

    Raises BadInput for more, two of one name, links, and paths that leave the folder.
    """
    found = archive.infolist()
    if len(found) > most:
        raise BadInput(f"{called} holds {len(found)} files; {most} is the most.")
    _check_paths(found, called, what)
    files: dict[str, zipfile.ZipInfo] = {}
    for entry in found:
        if entry.filename in files:
            raise BadInput(
                f"{called} holds {entry.filename[:_SHOWN]!r} twice, and which is meant cannot be "
                "known. Export it again."
            )
        if not entry.is_dir():
            files[entry.filename] = entry
    return files


def _check_paths(entries: Iterable[zipfile.ZipInfo], holder: str, what: str) -> None:
    for entry in entries:
        path = PurePosixPath(entry.filename)
        unsafe = path.is_absolute() or ".." in path.parts or not path.parts
        link = (entry.external_attr >> 16) & 0o170000 == _SYMLINK
        if unsafe or link or set("\\:") & set(entry.filename) or "\0" in entry.orig_filename:
            raise BadInput(
                f"{holder} holds {entry.filename[:_SHOWN]!r}, which would be written outside of "
                f"the {what}'s folder. Do not use this archive."
            )


def unpack(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, limit: int, holder: str
) -> int:
    """Write one file of an archive to ``target``, which must be new; its size in bytes.

    Raises BadInput beyond ``limit`` bytes, whatever size the archive claims, with a password, and
    for a compression other than that of usual archives.
    """
    size = 0
    if entry.flag_bits & _LOCKED:
        raise BadInput(f"{holder} is locked with a password. Pack it without one.")
    if entry.compress_type not in _KNOWN:
        raise BadInput(
            f"{holder}: {entry.filename[:_SHOWN]!r} is compressed in a way that is not read here. "
            "Pack it as an ordinary .zip (Deflate)."
        )
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
