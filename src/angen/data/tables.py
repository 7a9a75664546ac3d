"""What people know of their recordings: tables and notes beside the files, read and written.

A table is CSV or JSON with a column for the file and any of the metadata columns. A note is a file
beside a recording, of the same name: ``song.json`` with fields, ``song.txt`` with ``field: value``
lines or a free description, ``song.lyrics.txt`` with lyrics. A person's value replaces the
machine's; an empty one leaves it, and ``-`` clears it.
"""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from angen.amounts import size_text
from angen.audio.description import describe
from angen.data.manifest import EDITABLE, Clip, ClipMetadata, DatasetInfo
from angen.errors import BadInput
from angen.files import replacing

Values = Mapping[str, Any]  # field -> value, fields of EDITABLE
COLUMNS = ("file", *EDITABLE)
CLEAR = "-"
MAX_BYTES = 64_000_000
_WANTED = {
    "bpm": "write beats per minute as a number, such as 92, at most 1000",
    "energy": "write low, medium or high",
    "instruments": "write names with commas between",
}
_DESCRIBED = ("genre", "bpm", "key", "mood", "instruments", "energy")
_ALIASES = {
    "filename": "file",
    "file_name": "file",
    "path": "file",
    "caption": "description",
    "tempo": "bpm",
    "keyscale": "key",
    "instrument": "instruments",
}


def with_values(metadata: ClipMetadata, values: Values, origin: str) -> ClipMetadata:
    """``metadata`` with a person's ``values``, which are marked as such.

    origin: file and row, for the message.

    Raises BadInput that names the field and what it wants.
    """
    empty = ClipMetadata()
    given = {
        field: getattr(empty, field) if value == CLEAR else value
        for field, value in values.items()
        if value not in ("", None, [], ())
    }
    if not given:
        return metadata
    edited = dict.fromkeys((*metadata.edited, *given))
    try:
        return ClipMetadata.model_validate(
            {**metadata.model_dump(), **given, "edited": tuple(edited)}
        )
    except ValidationError as error:
        faults = "; ".join(_unfit(fault, given) for fault in error.errors())
        raise BadInput(f"{origin}: {faults}.") from error


def _unfit(fault: Any, given: Values) -> str:
    """A value that does not fit its field, and what would."""
    field = str(fault["loc"][0])
    if fault["type"] == "string_too_long":
        wanted = f"write {fault['ctx']['max_length']} characters at most"
    else:
        wanted = _WANTED.get(field, "write it as text")
    return f"{field} is {str(given.get(field))[:60]!r}: {wanted}"


def sentence_of(metadata: ClipMetadata) -> str:
    """What the other columns say, as the machine describes it."""
    return describe(**{field: getattr(metadata, field) for field in _DESCRIBED})


def described(metadata: ClipMetadata, heard: ClipMetadata) -> ClipMetadata:
    """``metadata`` with a description that does not contradict what a person has changed.

    A person's own description stays; so does the machine's where it still holds.
    """
    if "description" in metadata.edited or not heard.description:
        return metadata
    holds = all(getattr(metadata, field) == getattr(heard, field) for field in _DESCRIBED)
    said = heard.description if holds else sentence_of(metadata)
    return metadata.model_copy(update={"description": said})


def read_table(path: Path) -> dict[str, Values]:
    """File name -> values, from a CSV or JSON table.

    JSON is a list of objects with a ``file`` field, or an object by file name. Unknown columns are
    an error: a field dropped in silence is a lesson that the model never gets.

    Raises BadInput that names the file and the row.
    """
    text = _text(path)
    rows = _json_rows(path, text) if path.suffix.lower() == ".json" else _csv_rows(path, text)
    table: dict[str, Values] = {}
    for number, row in enumerate(rows, start=1):
        values = _known(row, f"{path}, row {number}")
        name = str(values.pop("file", "") or "").strip()
        if not name:
            raise BadInput(f"{path}, row {number}: no file name. Fill the column `file`.")
        table[name] = values
    return table


def _csv_rows(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise BadInput(f"{path} is not a CSV table: {error}.") from error
    if any(None in row for row in rows):
        raise BadInput(f"{path}: a row has more cells than the header. Quote cells with commas.")
    return rows


def _json_rows(path: Path, text: str) -> list[dict[str, Any]]:
    data = _json(path, text)
    if isinstance(data, dict):
        data = [
            {"file": name, **row} if isinstance(row, dict) else None for name, row in data.items()
        ]
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise BadInput(
            f"{path}: expected a list of objects with a `file` field, or an object by file name."
        )
    return data


def _known(row: Mapping[str, Any], origin: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column, value in row.items():
        name = str(column).strip().lower()
        field = _ALIASES.get(name, name)
        if field not in COLUMNS:
            raise BadInput(
                f"{origin}: unknown column {column!r}. Use {', '.join(COLUMNS)}, or remove it."
            )
        values[field] = value.strip() if isinstance(value, str) else value
    return values


def read_notes(audio: Path) -> dict[str, Any]:
    """A person's values for a recording, from the notes beside it; empty without any.

    Raises BadInput that names the note.
    """
    values: dict[str, Any] = {}
    note = audio.with_suffix(".txt")
    if _there(note):
        values |= _from_text(note, _text(note))
    lyrics = audio.with_suffix(".lyrics.txt")
    if _there(lyrics):
        values["lyrics"] = _text(lyrics).strip()
    fields = audio.with_suffix(".json")
    if _there(fields):
        data = _json(fields, _text(fields))
        if not isinstance(data, dict):
            raise BadInput(f"{fields}: expected one object with fields such as genre and bpm.")
        values |= _known(data, str(fields))
    values.pop("file", None)
    return values


def _there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long with this suffix
        return False


def _from_text(path: Path, text: str) -> dict[str, Any]:
    lines = [line for line in text.splitlines() if line.strip()]
    pairs = [line.partition(":") for line in lines]
    fields = {*COLUMNS, *_ALIASES}
    if pairs and all(colon and key.strip().lower() in fields for key, colon, _ in pairs):
        return _known({key: value for key, _, value in pairs}, str(path))
    return {"description": text.strip()}


def values_for(table: Mapping[str, Values], path: Path) -> tuple[str, Values] | None:
    """The row of a recording: by its path's end, its name, or its name without suffix."""
    for name in (path.as_posix(), path.name, path.stem):
        if name in table:
            return name, table[name]
    for name, values in table.items():
        if "/" in name and path.as_posix().endswith("/" + name.lstrip("/")):
            return name, values
    return None


def apply_table(
    info: DatasetInfo, table: Mapping[str, Values], origin: str
) -> tuple[DatasetInfo, list[str]]:
    """A dataset with a person's rows: by clip file, else by song. And the rows that met no clip.

    Raises BadInput for a value that does not fit its field.
    """
    used: set[str] = set()

    def updated(clip: Clip) -> Clip:
        row = values_for(table, Path(clip.file)) or values_for(table, Path(clip.source.file))
        if row is None:
            return clip
        used.add(row[0])
        shown = cells(clip.metadata)
        changed = {field: value for field, value in row[1].items() if value != shown[field]}
        metadata = with_values(clip.metadata, changed, f"{origin}, {row[0]}")
        return clip.model_copy(update={"metadata": metadata})

    clips = tuple(updated(clip) for clip in info.clips)
    return info.model_copy(update={"clips": clips}), [name for name in table if name not in used]


def write_table(info: DatasetInfo, path: Path) -> None:
    """The metadata table as CSV, which ``read_table`` takes back. Raises OutOfSpace."""
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for clip in info.clips:
            writer.writerow({"file": clip.file, **cells(clip.metadata)})


def cells(metadata: ClipMetadata) -> dict[str, str]:
    """Metadata as a row of the table shows it."""
    shown = {field: getattr(metadata, field) for field in EDITABLE}
    shown["instruments"] = ", ".join(metadata.instruments)
    shown["bpm"] = "" if metadata.bpm is None else f"{metadata.bpm:g}"
    return {field: str(value or "") for field, value in shown.items()}


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path} is larger than {size_text(MAX_BYTES)}: not a table or note.")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is not JSON: {error}.") from error
