"""Notes beside a recording, as people and trainers keep them: ``song.wav`` with any of these.

    song.txt                      fields as ``bpm: 92`` lines, lyrics, or a style prompt
    song.caption.txt .prompt.txt .tags.txt .caption     a style prompt
    song.lrc  song.lyrics.txt     lyrics
    song.json                     fields

A later line goes before an earlier one. ``song_prompt.txt`` and ``song.wav.txt`` are found as well.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from angen.conditioning.tags import section
from angen.data.fields import OTHER, Given, field_of, read_fields
from angen.data.manifest import Problem
from angen.data.text import JsonObject, read_json, read_text
from angen.errors import BadInput

Folders = dict[Path, dict[str, list[Path]]]  # what lies in folders, by name without its spelling
_STYLE = ("caption", "prompt", "tags", "style")
_KINDS = {  # end of a note's name -> what it holds
    ".txt": "text",
    ".caption": "description",
    **{f"{mark}{kind}.txt": "description" for kind in _STYLE for mark in "._"},
    ".lrc": "lyrics",
    "_lyrics.txt": "lyrics",
    ".lyrics.txt": "lyrics",
    ".json": "fields",
}
_PROSE = 90  # characters of a line on average from which it is no line of a song
_FIELD = re.compile(r"\s*(\w[\w ]{0,30}?)\s*:(.*)")
_BRACKETS = re.compile(r"[\s#*_>]*[\[(【［（〔{<]([^\])】］）〕}>]*)[\])】］）〕}>]")
_TIME = re.compile(r"\s*\[\d{1,3}:\d\d")  # as in LRC


@dataclass(frozen=True, kw_only=True, slots=True)
class Notes:
    """What a person says of a recording beside it, and what there is to say about that."""

    values: dict[str, Any]
    problems: tuple[Problem, ...]


def read_notes(audio: Path, folders: Folders | None = None) -> Notes:
    """The notes beside a recording. A note, or a field, that cannot be used costs no other.

    folders: remembers what lies in folders from one recording to the next.
    """
    listing = _listing(audio.parent, {} if folders is None else folders)
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    problems: list[Problem] = []

    def say(note: Path, reason: str, *, left_out: bool = False) -> None:
        problems.append(Problem(file=note.name, reason=reason, left_out=left_out))

    for ending, kind in _KINDS.items():
        for note in _notes(audio, ending, listing):
            try:
                given, remark = _read(note, kind)
            except BadInput as error:
                say(note, str(error), left_out=True)
                continue
            for reason in (*given.faults, *([remark] if remark else ())):
                say(note, reason)
            if OTHER in given.values:
                say(
                    note,
                    f"fields that are not known here are kept: {', '.join(given.values[OTHER])}",
                )
            for field, value in given.values.items():
                if field == OTHER:
                    values[OTHER] = values.get(OTHER, {}) | value
                    continue
                if values.get(field, value) != value:
                    say(note, f"says another {field} than {origin[field]}, and goes before it")
                values[field], origin[field] = value, note.name
    return Notes(values=values, problems=tuple(problems))


def together(problems: Sequence[Problem]) -> list[Problem]:
    """The same, those of one reason as one."""
    files: defaultdict[tuple[str, bool], list[str]] = defaultdict(list)
    for problem in problems:
        files[problem.reason, problem.left_out].append(problem.file)
    return [
        Problem(
            file=names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more",
            reason=reason,
            left_out=left_out,
        )
        for (reason, left_out), names in files.items()
    ]


def _listing(folder: Path, folders: Folders) -> dict[str, list[Path]]:
    if folder not in folders:
        found: dict[str, list[Path]] = {}
        for path in sorted(folder.iterdir()):
            found.setdefault(_spelled(path.name), []).append(path)
        folders[folder] = found
    return folders[folder]


def _spelled(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _notes(audio: Path, ending: str, listing: dict[str, list[Path]]) -> Sequence[Path]:
    """The notes of one kind; where spellings differ in case alone, those of the recording's."""
    found: list[Path] = []
    for stem in (audio.stem, audio.name):
        same = [path for path in listing.get(_spelled(stem + ending), ()) if path.is_file()]
        exact = [path for path in same if path.name.startswith(stem)]
        found += exact or same
    return found


def _read(note: Path, kind: str) -> tuple[Given, str]:
    if kind == "fields":
        return _fields(read_json(note)), ""
    text = read_text(note).strip()
    if kind == "text":
        return _sorted(note, text)
    return read_fields([(kind, text)]), ""


def _fields(data: Any) -> Given:
    row = data[0] if isinstance(data, list) and len(data) == 1 else data
    if not isinstance(row, JsonObject):
        raise BadInput("holds no JSON object with fields such as genre and bpm: not used")
    return read_fields((name, value) for name, value in row.pairs if field_of(name) != "file")


def _sorted(note: Path, text: str) -> tuple[Given, str]:
    """A plain text: fields, lyrics or a prompt; and a remark where that is not sure."""
    lines = [line for line in text.splitlines() if line.strip()]
    if text.startswith(("{", "[{")):
        return _fields(read_json(note)), ""
    if pairs := _pairs(text.splitlines()):
        return read_fields(pairs), ""
    if any(map(_is_marked, lines)):
        return read_fields([("lyrics", text)]), ""
    if len(lines) < 2:
        return read_fields([("description", text)]), ""
    if sum(map(len, lines)) / len(lines) < _PROSE:
        name = f"{note.stem}.caption.txt"
        remark = f"has several lines and is taken as lyrics. Name it {name} if it is a style prompt"
        return read_fields([("lyrics", text)]), remark
    remark = f"has long lines and is taken as a style prompt. Lyrics go into {note.stem}.lyrics.txt"
    return read_fields([("description", " ".join(lines))]), remark


def _is_marked(line: str) -> bool:
    """Whether a line begins as only those of lyrics do: with a structure tag, or a time."""
    found = _BRACKETS.match(line)
    return _TIME.match(line) is not None or (found is not None and section(found[1]) is not None)


def _pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    """``field: value`` lines, of which the first is of a known field; none for other text.

    Lyrics go on to the end, or to the next line of a known field of another kind.
    """
    pairs: list[tuple[str, str]] = []
    for line in lines:
        found = _FIELD.fullmatch(line)
        singing = bool(pairs) and field_of(pairs[-1][0]) == "lyrics"
        if found and (field_of(found[1]) or (pairs and not singing)):
            pairs.append((found[1], found[2].strip()))
        elif pairs:
            name, value = pairs[-1]
            pairs[-1] = name, f"{value}\n{line}"
        elif line.strip():
            return []
    return pairs
