"""The metadata table: the clips of some recordings, what was heard in each, what people say of it.

    <home>/training_data/user_uploads/collections/<id>.json
    <home>/training_data/user_uploads/clips/<id>/<genre>_<song>_clip001.wav

A person's value goes before the machine's and is never overwritten by it; the machine's is kept
beside, so that it can be had back.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from angen.data.manifest import ClipMetadata, Problem, Sha256, prompt_of
from angen.errors import BadInput, Unknown
from angen.files import locked, remove, replacing
from angen.studio.material.doubts import judged
from angen.studio.material.edits import edited
from angen.studio.requests.fields import check_id
from angen.studio.requests.material import MetadataEdit
from angen.studio.settings import Settings

MAX_ROWS = 10_000
MAX_COLLECTIONS = 1_000
_LOCK = ".lock"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Row(_Strict):
    """A clip: a row of the table."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    file: str  # name of the clip, as in ``jazz_mysong_clip001.wav``
    audio: str  # where it lies, relative to the home
    upload: str  # id of the recording
    source: str  # the recording's name
    song: str  # clips of one song share it
    start_s: float = Field(ge=0)  # in the recording
    duration_s: float = Field(gt=0)
    ends_song: bool
    sha256: Sha256
    source_sha256: Sha256
    licence: str | None = None
    loudness_lufs: float | None = None
    metadata: ClipMetadata  # what counts
    heard: ClipMetadata  # the machine's alone
    stems: dict[str, str] = {}  # vocals, drums... -> relative to the home
    separator: str = ""  # that made them
    findings: tuple[str, ...] = ()  # about the sound: clipping, silence...
    warnings: tuple[str, ...] = ()  # findings, and doubts that hold now
    prompt: str = ""  # exactly what the model is told
    left_out: bool = False  # a person keeps it in the table, and out of training sets

    @field_validator("audio")
    @classmethod
    def _inside(cls, value: str) -> str:
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts or "\\" in value:
            raise ValueError(f"{value!r} is no path inside the home")
        return value


class Collection(_Strict):
    """A metadata table."""

    version: Literal[1] = 1
    id: str
    name: str
    created: str  # ISO 8601, UTC
    rows: tuple[Row, ...] = ()
    skipped: tuple[Problem, ...] = ()  # recordings that were left out, and why
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        return sum(row.duration_s for row in self.rows)

    @property
    def used(self) -> tuple[Row, ...]:
        """The rows that training sets are made of."""
        return tuple(row for row in self.rows if not row.left_out)


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectionInfo:
    """A metadata table, as the list shows it."""

    id: str
    name: str
    created: str
    clips: int
    songs: int
    minutes: float
    problem: str = ""


def list_collections(settings: Settings) -> list[CollectionInfo]:
    """All tables, newest first; damaged ones too, with their problem."""
    if not settings.collections.is_dir():
        return []
    paths = [path for path in settings.collections.glob("*.json") if path.name[0] != "."]
    found = [_info(settings, path.stem) for path in paths[:MAX_COLLECTIONS]]
    return sorted(found, key=lambda info: (info.created, info.id), reverse=True)


def get_collection(settings: Settings, identity: str) -> Collection:
    """One table. Raises Unknown, BadInput when its file is damaged."""
    path = settings.collections / f"{check_id('collection', identity)}.json"
    try:
        return Collection.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise Unknown(f"There is no metadata table {identity!r}.") from None
    except ValidationError as error:
        raise BadInput(f"{path.name} is damaged: {error.errors()[0]['msg']}.") from error


def new_collection(name: str, identity: str | None = None) -> Collection:
    """An empty table, not yet on disk. ``identity``: of the job that makes it, else a new one."""
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return Collection(
        id=check_id("collection", identity or secrets.token_hex(6)),
        name=name or f"Recordings of {made[:16].replace('T', ' ')}",
        created=made,
    )


def save_collection(settings: Settings, collection: Collection) -> Collection:
    """Write a table, with its prompts and warnings as they are now; what was written."""
    if len(collection.rows) > MAX_ROWS:
        raise BadInput(
            f"The table would have {len(collection.rows)} rows; {MAX_ROWS} is the most. "
            "Prepare a part of the recordings first."
        )
    warnings = judged(
        [(row.song, row.sha256, row.loudness_lufs, row.metadata) for row in collection.rows],
        left_out={number for number, row in enumerate(collection.rows) if row.left_out},
    )
    rows = tuple(
        row.model_copy(
            update={
                "prompt": prompt_of(row.metadata),
                "warnings": (*row.findings, *found),
            }
        )
        for row, found in zip(collection.rows, warnings, strict=True)
    )
    saved = collection.model_copy(update={"rows": rows})
    with replacing(settings.collections / f"{saved.id}.json") as path:
        text = json.dumps(saved.model_dump(mode="json"), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    return saved


def held(settings: Settings, identity: str) -> AbstractContextManager[None]:
    """Within the block nobody else, in this process or another, changes the table."""
    return locked(settings.collections / f".{check_id('collection', identity)}{_LOCK}")


def edit_rows(
    settings: Settings,
    identity: str,
    edits: Mapping[str, MetadataEdit],
    left_out: Mapping[str, bool] = MappingProxyType({}),
) -> Collection:
    """Take over a person's values, by row; the table afterwards.

    An empty value clears a field, None gives it back to the machine. left_out: rows that training
    sets leave out (True), or that are brought back (False).

    Raises Unknown for a table or row that is not there, BadInput for a value that does not fit;
    nothing is changed then.
    """
    with held(settings, identity):
        collection = get_collection(settings, identity)
        known = {row.id for row in collection.rows}
        if strangers := sorted({*edits, *left_out} - known):
            raise Unknown(f"The table has no row {strangers[0]!r}.")
        rows = tuple(
            row.model_copy(
                update={
                    "metadata": edited(row.metadata, row.heard, edits[row.id], row.file)
                    if row.id in edits
                    else row.metadata,
                    "left_out": left_out.get(row.id, row.left_out),
                }
            )
            for row in collection.rows
        )
        return save_collection(settings, collection.model_copy(update={"rows": rows}))


def delete_collection(
    settings: Settings, identity: str, guard: AbstractContextManager[object] | None = None
) -> None:
    """Remove a table with its clips and stems. Datasets made of it stay. Raises Unknown.

    guard: within it nobody begins to need the table.
    """
    path = settings.collections / f"{check_id('collection', identity)}.json"
    with guard or nullcontext(), held(settings, identity):
        if not path.is_file():
            raise Unknown(f"There is no metadata table {identity!r}.")
        path.unlink()
    for folder in (settings.clips / identity, settings.stems / identity):
        remove(folder)
    (settings.collections / f".{identity}{_LOCK}").unlink(missing_ok=True)


def row_of(collection: Collection, identity: str) -> Row:
    """A row by its id. Raises Unknown."""
    for row in collection.rows:
        if row.id == identity:
            return row
    raise Unknown(f"The table {collection.name!r} has no row {identity!r}.")


def row_path(settings: Settings, row: Row) -> Path:
    """Where the clip of a row lies. Raises Unknown when the file is gone."""
    path = settings.home / row.audio
    if not path.is_file():
        raise Unknown(f"The clip {row.file} is gone. Analyse its recording again.")
    return path


def songs_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The songs of some rows, in their order."""
    return tuple(dict.fromkeys(row.song for row in rows))


def _info(settings: Settings, identity: str) -> CollectionInfo:
    try:
        stat = (settings.collections / f"{identity}.json").stat()
    except FileNotFoundError:  # deleted meanwhile
        return _seen(settings, identity, 0, 0)
    return _seen(settings, identity, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=MAX_COLLECTIONS)
def _seen(settings: Settings, identity: str, _changed_ns: int, _size: int) -> CollectionInfo:
    """A table as its list shows it, remembered until it changes."""
    values: dict[str, Any] = {"name": identity, "created": "", "clips": 0, "songs": 0, "minutes": 0}
    try:
        found = get_collection(settings, identity)
    except BadInput as error:
        return CollectionInfo(id=identity, **values, problem=str(error))
    return CollectionInfo(
        id=found.id,
        name=found.name,
        created=found.created,
        clips=len(found.rows),
        songs=len(songs_of(found.rows)),
        minutes=round(found.duration_s / 60, 2),
    )
