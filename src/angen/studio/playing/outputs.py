"""The songs that were made: each is a file with the request that made it inside."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from angen.audio.files import probe, read_comment
from angen.errors import BadInput, Unknown
from angen.names import check_known
from angen.studio.requests.fields import Strict
from angen.studio.requests.songs import SongRequest
from angen.studio.settings import Settings

MAX_SONGS = 1_000  # in a list
_SUFFIX = ".wav"


class Made(Strict):
    """What else the sound depends on, noted in the file."""

    angen: str
    torch: str
    device: str
    threads: int
    base_fingerprint: str
    style: str = ""  # whose weights made the style vector, and their licence, if not the base's own


class Note(Strict):
    """The text inside a song's file."""

    request: SongRequest
    made: Made


@dataclass(frozen=True, kw_only=True, slots=True)
class SongInfo:
    """A song as the history shows it."""

    id: str  # its file's name without suffix
    title: str
    created: str  # ISO 8601, UTC
    duration_s: float
    rate_hz: int
    size_bytes: int
    request: SongRequest | None  # None: it was not made here
    path: Path
    job: str | None = None  # that made it, as long as it is remembered


def read_note(path: Path) -> Note:
    """The request inside a song's file. Raises BadInput when there is none."""
    text = read_comment(path)
    try:
        return Note.model_validate(json.loads(text or ""))
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"{path} holds no request: it was not made by `angen generate`, or another program "
            "has written it since."
        ) from error


def list_songs(settings: Settings, limit: int = MAX_SONGS) -> list[SongInfo]:
    """The songs, newest first."""
    if not settings.outputs.is_dir():
        return []
    dated = []
    for path in settings.outputs.glob(f"*{_SUFFIX}"):
        with suppress(FileNotFoundError):  # deleted meanwhile
            stat = path.stat()
            dated.append((stat.st_mtime_ns, stat.st_size, path))
    newest = sorted(dated, reverse=True)[: min(limit, MAX_SONGS)]
    found = [_seen(path, changed, size) for changed, size, path in newest if path.name[0] != "."]
    return [song for song in found if song is not None]


def get_song(settings: Settings, identity: str) -> SongInfo:
    """One song. Raises Unknown."""
    path = settings.outputs / f"{check_known('song', identity)}{_SUFFIX}"
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise Unknown(f"There is no song {identity!r}: it was deleted, or never made.") from None
    song = _seen(path, stat.st_mtime_ns, stat.st_size)
    if song is None:
        raise BadInput(f"{path.name} cannot be played: it is damaged. Delete it.")
    return song


def delete_song(settings: Settings, identity: str) -> None:
    """Remove a song. Raises Unknown."""
    path = settings.outputs / f"{check_known('song', identity)}{_SUFFIX}"
    try:
        path.unlink()
    except FileNotFoundError:
        raise Unknown(f"There is no song {identity!r}.") from None


@lru_cache(maxsize=2 * MAX_SONGS)
def _seen(path: Path, changed_ns: int, size_bytes: int) -> SongInfo | None:
    """What a file holds; None when it is no sound. Remembered until it changes."""
    try:
        info = probe(path)
    except BadInput:
        return None
    try:
        request = read_note(path).request
    except BadInput:
        request = None
    return SongInfo(
        id=path.stem,
        title=request.prompt if request else path.stem,
        created=datetime.fromtimestamp(changed_ns / 1e9, UTC).isoformat(timespec="seconds"),
        duration_s=round(info.duration_s, 3),
        rate_hz=info.rate_hz,
        size_bytes=size_bytes,
        request=request,
        path=path,
    )
