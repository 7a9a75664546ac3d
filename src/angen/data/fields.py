"""Fields of a person's metadata: what others call them, which values say nothing, which do not fit.

Trainers and spreadsheets write one thing in many ways. A field that is not known is kept as a note,
a value that does not fit is named, and the rest is used.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pydantic import ValidationError

from angen.data.manifest import ClipMetadata

CLEAR = "-"
OTHER = "other"  # among values: the fields that are not known
MAX_OTHER = 50
_SHOWN = 60
_OTHER_CHARACTERS = 2_000
_NAMES = {
    "file": "file filename filepath path audio audiopath audiofile audiofilepath wav relativepath",
    "genre": "genre genres",
    "bpm": "bpm tempo tempobpm bpmtempo beatsperminute",
    "key": "key keyscale musicalkey keysignature",
    "mood": "mood moods",
    "instruments": "instruments instrument instrumentation",
    "description": "description caption captions prompt styleprompt tags text style",
    "lyrics": "lyrics lyric",
    "energy": "energy",
}
_FIELDS = {name: known for known, names in _NAMES.items() for name in names.split()}
_NOTHING = re.compile(
    r"(n/?a|n\.a\.|none|null|nan|nil|nat|unknown|undefined|tbd|not (available|applicable)|<na>"
    r"|\(?(blank|empty)\)?|\?+|-{2,}|[\u2010-\u2015]+|#[^\s,]+[!?]|#n/?[av])",
    re.IGNORECASE,
)
_TEMPO = re.compile(r"[~≈]?\s*(\d+)(?:[.,](\d+))?\s*(bpm)?", re.IGNORECASE)
_WANTED = {
    "bpm": "write beats per minute as a number, such as 92, at most 1000",
    "energy": "write low, medium or high",
    "instruments": "write names with commas between",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What a row or a note gives."""

    file: str = ""
    values: dict[str, Any] = field(default_factory=dict)  # fields of EDITABLE, and OTHER
    faults: tuple[str, ...] = ()  # fields that are not used, and why


def field_of(column: str) -> str | None:
    """The field that a column or a name in a note means; None for others."""
    return _FIELDS.get(re.sub(r"[\W_]+", "", column.casefold()))


def says_nothing(value: Any) -> bool:
    """Whether a value stands for none: N/A, null, nan, an error of a spreadsheet..."""
    if isinstance(value, str):
        return not value.strip() or _NOTHING.fullmatch(value.strip()) is not None
    return value is None or (isinstance(value, float) and math.isnan(value)) or value in ([], ())


def coerced(name: str, value: Any) -> Any:
    """A value as its field takes it; the empty text where it says nothing.

    What cannot be taken stays as it is, to be refused.
    """
    if says_nothing(value):
        return ""
    if isinstance(value, str):
        value = value.strip()
    if value == CLEAR:
        return value
    match name:
        case "bpm":
            return _tempo(value)
        case "energy" if isinstance(value, str):
            return value.lower()
        case "instruments":
            parts = value.split(",") if isinstance(value, str) else value
            if isinstance(parts, list | tuple) and all(isinstance(part, str) for part in parts):
                return tuple(part.strip() for part in parts if not says_nothing(part))
        case "genre" | "mood" | "description":
            if isinstance(value, list) and all(isinstance(part, str) for part in value):
                return ", ".join(part.strip() for part in value if not says_nothing(part))
    return value


def _tempo(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value)  # pydantic takes True for 1
    found = _TEMPO.fullmatch(value) if isinstance(value, str) else None
    return float(f"{found[1]}.{found[2] or 0}") if found else value


def read_fields(pairs: Iterable[tuple[str, Any]]) -> Given:
    """Sort names and values of a row or note into fields.

    Two names of one field may say the same; captions and tags are put together.
    """
    files: list[str] = []
    found: dict[str, Any] = {}
    other: dict[str, str] = {}
    faults: list[str] = []
    for column, value in pairs:
        name = field_of(column)
        if name == "file":
            files.append(str(value or "").strip())
        elif name is None:
            if not says_nothing(value) and len(other) < MAX_OTHER:
                other[_printable(column)[:100]] = _note(value)
        elif (new := coerced(name, value)) not in ("", ()):
            fault = unfit(name, new)
            if not fault and found.get(name, new) != new:
                if name == "description":
                    new = f"{found[name]}, {new}"
                else:
                    fault = f"{name} is given twice, {found.pop(name)!r:.60} and {new!r:.60}"
            if fault:
                faults.append(fault)
            else:
                found[name] = new
    return Given(
        file=_file(files, faults),
        values=found | ({OTHER: other} if other else {}),
        faults=tuple(faults),
    )


def _file(names: list[str], faults: list[str]) -> str:
    """The longest of a row's names for its file, all of which name one."""
    longest = max(names, key=len, default="")
    last = PurePosixPath(longest.replace("\\", "/")).name
    for name in names:
        if name and PurePosixPath(name.replace("\\", "/")).name != last:
            faults.append(f"it names two files, {longest!r:.60} and {name!r:.60}")
            return ""
    return longest


def unfit(name: str, value: Any) -> str:
    """Why a value does not fit its field, and what would; empty when it does."""
    if value == CLEAR:
        return ""
    try:
        ClipMetadata.model_validate({name: value})
    except ValidationError as error:
        fault = error.errors()[0]
        if fault["type"] == "string_too_long":
            wanted = f"write {fault['ctx']['max_length']} characters at most"
        else:
            wanted = _WANTED.get(name, "write it as text")
        return f"{name} is {_printable(str(value)[:_SHOWN])!r}: {wanted}"
    return ""


def _note(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return _printable(text[:_OTHER_CHARACTERS])


def _printable(text: str) -> str:
    """Text that can be written: halves of characters are replaced."""
    return text.encode("utf-8", "replace").decode()
