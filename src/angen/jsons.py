"""JSON that may come from strangers: limits on what is parsed, and nothing unclear in it."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_BYTES = 16_000_000
MOST_VALUES = 2_000_000  # of names and values together, which take some 100 bytes each
_MOST_DIGITS = 25
DEEPEST = 50  # lists and objects in each other; more than any of our files has


def read_object(
    path: Path,
    most_bytes: int = MOST_BYTES,
    constant: Callable[[str], Any] | None = None,
    most_values: int = MOST_VALUES,
) -> dict[str, Any]:
    """The JSON object in a file.

    constant: what NaN and Infinity become; they are refused else, since no JSON has them.

    Raises FileNotFoundError, and ValueError whose message says what is wrong: too large, no JSON,
    nested without end, a name twice in one object, half a character, a number beyond all bounds.
    """
    try:
        value = json.loads(
            read_bytes(path, most_bytes, most_values).decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_number,
            parse_int=_whole_number,
            parse_constant=constant or _number,
        )
    except RecursionError as error:
        raise ValueError("lists in it are nested without end") from error
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__}, not a JSON object")
    _check(value)
    return value


def read_bytes(path: Path, most_bytes: int, most_values: int = MOST_VALUES) -> bytes:
    """A JSON file that is small enough to be parsed: few bytes can hold many values.

    Raises FileNotFoundError, and ValueError that says what there is too much of.
    """
    if path.stat().st_size > most_bytes:
        raise ValueError(f"it is larger than {most_bytes:,} bytes")
    data = path.read_bytes()
    if sum(data.count(mark) for mark in (b",", b":", b"[", b"{")) > most_values:
        raise ValueError(f"it holds more than {most_values:,} values")
    return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:60]!a} stands in it twice")
    return value


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:60]} in it is no number that can be used")
    return number


def _whole_number(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"{text[:_MOST_DIGITS]}... in it is no number that can be used")
    return int(text)


def _check(value: Any) -> None:
    """Depth and characters, without recursion."""
    waiting = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError(f"lists in it are nested more than {DEEPEST} deep")
        if isinstance(part, dict):
            waiting += [(name, depth) for name in part]
            waiting += [(item, depth + 1) for item in part.values()]
        elif isinstance(part, list):
            waiting += [(item, depth + 1) for item in part]
        elif isinstance(part, str) and not _is_text(part):
            raise ValueError(f"{part[:60]!a} in it holds half a character")


def _is_text(text: str) -> bool:
    """Whether it can be written in UTF-8: JSON can name the two halves of a character alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
