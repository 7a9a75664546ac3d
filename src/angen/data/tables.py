"""Tables of what people know of their recordings, read and written.

A table is CSV or JSON with a column for the file and any of the metadata columns; ``fields`` knows
what others call them. A person's value replaces the machine's; an empty one leaves it, and ``-``
clears it. Rows and fields that cannot be used are named, and the others are used.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from angen.audio.description import describe
from angen.data.fields import CLEAR, OTHER, coerced, field_of, read_fields, says_nothing, unfit
from angen.data.manifest import EDITABLE, Clip, ClipMetadata, DatasetInfo, Problem, trusted
from angen.data.matching import Values, fitting, spelled
from angen.data.text import JsonObject, parsed, read_json, read_text
from angen.errors import BadInput, readable
from angen.files import replacing

Pairs = Sequence[tuple[str, Any]]
COLUMNS = ("file", *EDITABLE)
MAX_ROWS = 100_000
MAX_COLUMNS = 500
_DESCRIBED = ("genre", "bpm", "key", "mood", "instruments", "energy")
_FORMULA = re.compile(r"[=+\-@\t\r]|'[=+\-@\t\r']")  # and what a guarded one looks like
_TABLES = (".csv", ".tsv", ".jsonl")
_MAYBE_TABLES = ("metadata.json", "dataset.json", "samples.json")  # other .json is a note


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A person's rows by file name, and what there is to say about them."""

    rows: Mapping[str, Values] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def unread_tables(sources: Iterable[Path]) -> list[Problem]:
    """Tables that lie in folders of recordings, of which nobody said that they should be read."""
    folders = (source for source in sources if source.is_dir())
    found = (path for folder in folders for path in sorted(folder.iterdir()))
    return [
        Problem(
            file=readable(path.name),
            reason="this table was not read. Give it as --table to use what it says",
            left_out=False,
        )
        for path in found
        if path.is_file()
        and not path.name.startswith(".")
        and (path.suffix.lower() in _TABLES or path.name.lower() in _MAYBE_TABLES)
    ]


def with_values(metadata: ClipMetadata, values: Values, origin: str) -> ClipMetadata:
    """``metadata`` with a person's ``values``, which are marked as such.

    origin: file and row, for the message.

    Raises BadInput that names the field and what it wants.
    """
    empty = ClipMetadata()
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name != OTHER and (new := coerced(name, value)) not in ("", ()):
            given[name] = getattr(empty, name) if new == CLEAR else new
    other = metadata.other | values.get(OTHER, {})
    edited = dict.fromkeys((*metadata.edited, *given))
    if not given and other == metadata.other:
        return metadata
    try:
        return ClipMetadata.model_validate(
            {**metadata.model_dump(), **given, "edited": tuple(edited), "other": other}
        )
    except ValidationError as error:
        faults = "; ".join(filter(None, (unfit(name, value) for name, value in given.items())))
        raise BadInput(f"{origin}: {faults}.") from error


def sentence_of(metadata: ClipMetadata) -> str:
    """What the other columns say, as the machine describes it; guesses not sure are left out."""
    empty = ClipMetadata()
    return describe(
        **{
            field: getattr(metadata if trusted(metadata, field) else empty, field)
            for field in _DESCRIBED
        }
    )


def described(metadata: ClipMetadata, heard: ClipMetadata) -> ClipMetadata:
    """``metadata`` with a description that does not contradict what a person has changed.

    A person's own description stays; so does the machine's where it still holds.
    """
    if "description" in metadata.edited or not heard.description:
        return metadata
    holds = all(getattr(metadata, field) == getattr(heard, field) for field in _DESCRIBED)
    said = heard.description if holds else sentence_of(metadata)
    return metadata.model_copy(update={"description": said})


def read_table(path: Path) -> Table:
    """A CSV or JSON table.

    JSON is a list of objects with a field for the file, an object by file name, or one with such a
    list. Of two rows for one file with other values neither is used.

    Raises BadInput that names the file, for a table of which nothing can be used.
    """
    problems: list[Problem] = []
    first: dict[str, tuple[str, str, Values]] = {}  # name without its spelling -> name, row, values
    twice: set[str] = set()
    unknown: dict[str, None] = {}
    for place, pairs in _rows(path, problems):
        given = read_fields(pairs)
        name = given.file
        shown = name or place
        for fault in given.faults:
            _say(problems, shown, f"{path.name}, {place}: {fault}; not used", left_out=False)
        if says_nothing(name):
            _say(problems, shown, f"{path.name}, {place}: no file name. Fill the column `file`.")
            continue
        unknown |= dict.fromkeys(given.values.get(OTHER, {}))
        before = first.setdefault(spelled(name), (name, place, given.values))
        if before[2] != given.values:
            twice.add(spelled(name))
            reason = f"{path.name}: {before[1]} and {place} say different things of this file. "
            _say(problems, name, f"{reason}Neither is used: remove one of them")
    if not first:
        said = "".join(f" {problem.reason}" for problem in problems[:3])
        raise BadInput(f"{path}: no row of it can be used.{said}")
    if unknown:
        columns = ", ".join(list(unknown)[:20])
        _say(
            problems,
            path.name,
            f"columns not known here are kept as notes: {columns}",
            left_out=False,
        )
    rows = {name: values for key, (name, _, values) in first.items() if key not in twice}
    return Table(rows=rows, problems=tuple(problems))


def _say(problems: list[Problem], file: str, reason: str, *, left_out: bool = True) -> None:
    problems.append(Problem(file=file, reason=reason, left_out=left_out))


def _rows(path: Path, problems: list[Problem]) -> Iterator[tuple[str, Pairs]]:
    """Each row with its place; what is no row is among the problems."""
    match path.suffix.lower():
        case ".json":
            rows: Iterable[Any] = _json_rows(path, read_json(path))
        case ".jsonl" | ".ndjson":
            lines = filter(str.strip, read_text(path).splitlines())
            rows = (_json_line(line) for line in lines)
        case _:
            rows = _csv_rows(path, read_text(path), problems)
    for number, row in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise BadInput(f"{path} has more than {MAX_ROWS} rows.")
        if isinstance(row, JsonObject):
            row = row.pairs
        if isinstance(row, list):
            yield f"row {number}", row
        elif row is not None:
            _say(problems, path.name, f"row {number} is no object with a field `file`: {row!r:.60}")


def _json_line(line: str) -> Any:
    try:
        return parsed(line, "it")
    except BadInput:
        return line


def _json_rows(path: Path, data: Any) -> list[Any]:
    if isinstance(data, JsonObject):
        lists = [value for value in data.values() if isinstance(value, list)]
        rows = [value for value in lists if any(isinstance(row, JsonObject) for row in value)]
        if len(rows) == 1:
            return list(rows[0])
        data = [
            [("file", name), *row.pairs] if isinstance(row, JsonObject) else f"{name}: {row!r:.40}"
            for name, row in data.pairs
        ]
    elif isinstance(data, list):
        data = [row if isinstance(row, JsonObject) else repr(row) for row in data]
    if not isinstance(data, list) or all(isinstance(row, str) for row in data):
        raise BadInput(
            f"{path}: expected a list of objects with a `file` field, or an object by file name."
        )
    return data


def _csv_rows(path: Path, text: str, problems: list[Problem]) -> Iterator[Pairs | None]:
    text = re.sub(r"\A\s*(sep=.\r?\n)?", "", text, flags=re.IGNORECASE)  # the first line of Excel
    if not text.strip():
        raise BadInput(f"{path} is empty.")
    mark = max(",;\t|", key=lambda mark: _known_columns(text, mark))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=mark)
    try:
        header = [cell.strip() for cell in next(reader)]
        if not any(field_of(cell) == "file" for cell in header) or len(header) > MAX_COLUMNS:
            raise BadInput(
                f"{path}: its first row has no column `file`: {', '.join(header)[:200]!r}. "
                f"Name the columns {', '.join(COLUMNS)}."
            )
        for number, cells in enumerate(filter(any, reader), start=1):
            yield _csv_row(f"{path.name}, row {number}", header, cells, problems)
    except (csv.Error, StopIteration) as error:
        raise BadInput(f"{path} is not a CSV table: line {reader.line_num}: {error}.") from error


def _known_columns(text: str, mark: str) -> int:
    try:
        header = next(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    except (csv.Error, StopIteration):
        return 0
    return sum(field_of(cell) is not None for cell in header)


def _csv_row(
    place: str, header: Sequence[str], cells: Sequence[str], problems: list[Problem]
) -> Pairs | None:
    if any(cell.strip() for cell in cells[len(header) :]):
        _say(problems, place, "has more cells than the header: not used. Quote cells with commas")
        return None
    if len(cells) < len(header):
        reason = f"has {len(cells)} cells for {len(header)} columns: the last ones are empty"
        _say(problems, place, reason, left_out=False)
    pairs = [(column, _unguarded(cell)) for column, cell in zip(header, cells, strict=False)]
    return [(column, cell) for column, cell in pairs if column or cell.strip()]


def _guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; ``_unguarded`` gives the same text back."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell[1:]) else cell


def apply_table(info: DatasetInfo, table: Table, origin: str) -> tuple[DatasetInfo, list[Problem]]:
    """A dataset with a person's rows: by clip file, else by song; and what of it was not used."""
    by_clip, said = fitting(table.rows, (clip.file for clip in info.clips))
    doubled = [problem for problem in said if any(clip.file == problem.file for clip in info.clips)]
    used = {name for name, _ in by_clip.values()}
    rest = {name: values for name, values in table.rows.items() if name not in used}
    by_song, problems = fitting(rest, (clip.source.file for clip in info.clips))

    def updated(clip: Clip) -> Clip:
        row = by_clip.get(clip.file) or by_song.get(clip.source.file)
        if row is None:
            return clip
        shown = cells(clip.metadata)
        changed = {
            field: value
            for field, value in row[1].items()
            if field == OTHER or coerced(field, value) != coerced(field, shown[field])
        }
        metadata = with_values(clip.metadata, changed, f"{origin}, {row[0]}")
        return clip.model_copy(update={"metadata": metadata})

    clips = tuple(updated(clip) for clip in info.clips)
    return info.model_copy(update={"clips": clips}), [*table.problems, *doubled, *problems]


def write_table(info: DatasetInfo, path: Path) -> None:
    """The metadata table as CSV, which ``read_table`` takes back. Raises OutOfSpace.

    A cell that a spreadsheet would run as a formula has an apostrophe in front.
    """
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for clip in info.clips:
            row = {"file": clip.file, **cells(clip.metadata)}
            writer.writerow({column: _guarded(cell) for column, cell in row.items()})


def cells(metadata: ClipMetadata) -> dict[str, str]:
    """Metadata as a row of the table shows it."""
    shown = {field: getattr(metadata, field) for field in EDITABLE}
    shown["instruments"] = ", ".join(metadata.instruments)
    shown["bpm"] = "" if metadata.bpm is None else f"{metadata.bpm:g}"
    return {field: str(value or "") for field, value in shown.items()}
