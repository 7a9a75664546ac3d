"""Recordings that people bring: kept as they came, each in a folder of its own, known by an id.

    <home>/training_data/user_uploads/files/<id>/
      upload.json           what it is
      <safe name>.<suffix>  the recording

A folder appears when its recording is whole and can be read; half an upload leaves nothing.
"""

import hashlib
import logging
import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from angen.amounts import size_text
from angen.audio.files import SUFFIXES, probe
from angen.errors import BadInput, OutOfSpace, Unknown
from angen.files import is_full, remove, set_aside
from angen.names import safe
from angen.studio.requests.fields import check_id
from angen.studio.settings import Settings

logger = logging.getLogger(__name__)

FACTS_FILE = "upload.json"
_CHUNK = 2**20
_PART = ".part"


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A recording that was brought."""

    id: str
    name: str  # as its owner calls it; to be shown, never to be opened
    file: str  # its name in the folder
    created: str  # ISO 8601, UTC
    size_bytes: int
    duration_s: float
    rate_hz: int
    channels: int
    sha256: str
    warnings: tuple[str, ...] = ()


_FACTS = TypeAdapter(Upload)


def save_upload(settings: Settings, name: str, stream: BinaryIO) -> Upload:
    """Keep a recording that comes in as ``stream`` and is called ``name``.

    Raises BadInput for what is no recording, is too large, or too many; OutOfSpace. Then nothing
    of it stays.
    """
    shown = _shown(name)
    suffix = PurePosixPath(shown).suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(sorted(mark.removeprefix(".") for mark in SUFFIXES))
        raise BadInput(f"{shown!r} is no recording that can be read. Bring one of: {known}.")
    others = list_uploads(settings)
    if len(others) >= settings.max_uploads:
        raise BadInput(
            f"There are {len(others)} uploads, as many as are kept. Delete some that were prepared."
        )
    identity = secrets.token_hex(8)
    with _incoming(settings, identity) as folder:
        file = safe(PurePosixPath(shown).stem, 80) + suffix
        size, sha256 = _receive(stream, folder / file, settings.max_upload_bytes, shown)
        upload = _described(folder / file, identity, shown, size, sha256, others)
        (folder / FACTS_FILE).write_bytes(_FACTS.dump_json(upload, indent=1))
    return upload


def list_uploads(settings: Settings) -> list[Upload]:
    """All recordings that were brought, oldest first."""
    if not settings.uploads.is_dir():
        return []
    folders = (path for path in settings.uploads.iterdir() if not path.name.startswith("."))
    found = [upload for folder in folders if (upload := _read(folder)) is not None]
    return sorted(found, key=lambda upload: (upload.created, upload.name, upload.id))


def known_upload(settings: Settings, identity: str) -> Upload | None:
    """One of them, or None when it was deleted."""
    return _read(settings.uploads / check_id("upload", identity))


def get_upload(settings: Settings, identity: str) -> Upload:
    """One of them. Raises Unknown."""
    upload = known_upload(settings, identity)
    if upload is None:
        raise Unknown(f"There is no upload {identity!r}: it was deleted, or never arrived.")
    return upload


def upload_path(settings: Settings, upload: Upload) -> Path:
    """Where the recording lies."""
    return settings.uploads / upload.id / upload.file


def delete_upload(
    settings: Settings, identity: str, guard: AbstractContextManager[object] | None = None
) -> None:
    """Remove a recording. What was made of it stays. Raises Unknown.

    guard: within it nobody begins to need the recording.
    """
    with guard or nullcontext():
        doomed = set_aside(settings.uploads / get_upload(settings, identity).id)
    remove(doomed)


def _shown(name: str) -> str:
    """The last part of a name, printable, of bounded length."""
    last = name.replace("\\", "/").rpartition("/")[2]
    line = "".join(letter if letter.isprintable() else "-" for letter in last).strip()
    stem, dot, suffix = line.rpartition(".")
    return f"{stem[:150]}{dot}{suffix[:10]}" if line else "recording"


@contextmanager
def _incoming(settings: Settings, identity: str) -> Iterator[Path]:
    """A folder beside the uploads, which becomes one of them when the block succeeds."""
    folder = settings.uploads / f".{identity}{_PART}"
    try:
        folder.mkdir(parents=True)
        yield folder
        folder.rename(settings.uploads / identity)
    except OSError as error:
        if not is_full(error):
            raise
        raise OutOfSpace("The disk is full. Free some space and bring the file again.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _receive(stream: BinaryIO, path: Path, limit: int, shown: str) -> tuple[int, str]:
    """Write the stream; its size and sha256."""
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise BadInput(
                    f"{shown!r} is larger than {size_text(limit)}. Bring it as FLAC, or in parts; "
                    "ANGEN_MAX_UPLOAD_MB raises the limit."
                )
            digest.update(chunk)
            file.write(chunk)
    if not size:
        raise BadInput(f"{shown!r} is empty. Bring it again.")
    return size, digest.hexdigest()


def _described(
    path: Path, identity: str, shown: str, size: int, sha256: str, others: list[Upload]
) -> Upload:
    try:
        info = probe(path)
    except BadInput as error:
        reason = str(error).removeprefix(f"{path}: ").replace(str(path), repr(shown))
        raise BadInput(reason if shown in reason else f"{shown!r}: {reason}") from error
    warnings = [info.warning.replace(str(path), repr(shown))] if info.warning else []
    twin = next((other.name for other in others if other.sha256 == sha256), None)
    if twin is not None:
        warnings.append(f"It has the same content as {twin!r}, which is here already.")
    return Upload(
        id=identity,
        name=shown,
        file=path.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        size_bytes=size,
        duration_s=round(info.duration_s, 3),
        rate_hz=info.rate_hz,
        channels=info.channels,
        sha256=sha256,
        warnings=tuple(warnings),
    )


def _read(folder: Path) -> Upload | None:
    try:
        return _seen(folder, (folder / FACTS_FILE).stat().st_mtime_ns)
    except (FileNotFoundError, NotADirectoryError):
        return None


@lru_cache(maxsize=4096)
def _seen(folder: Path, _changed_ns: int) -> Upload | None:
    """What is noted of an upload, remembered until it changes."""
    try:
        return _FACTS.validate_json((folder / FACTS_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        logger.warning("%s is no upload that can be read: %s", folder, error)
        return None
