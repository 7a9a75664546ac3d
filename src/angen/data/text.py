"""Tables and notes as text: decoded as they say, JSON with each of its names."""

import codecs
import json
from pathlib import Path
from typing import Any

from angen.amounts import size_text
from angen.errors import BadInput
from angen.jsons import read_bytes

MAX_BYTES = 64_000_000
_MARKS = {  # first bytes -> encoding
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class JsonObject(dict[str, Any]):
    """A JSON object that still has names that stand in it twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def read_text(path: Path) -> str:
    """The text of a table or note, its line ends as they are. Raises BadInput."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path} is larger than {size_text(MAX_BYTES)}: not a table or note.")
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path} is not UTF-8 text, perhaps from an older program or Excel's plain CSV. "
            'Save it as UTF-8 (Excel: "CSV UTF-8").'
        ) from error
    if "\0" in text:
        raise BadInput(f"{path} is no text, or UTF-16 without its mark. Save it as UTF-8.")
    return text


def read_json(path: Path) -> Any:
    """The values of a JSON file; its objects are ``JsonObject``. Raises BadInput."""
    text = read_text(path)
    try:
        read_bytes(path, MAX_BYTES)
    except ValueError as error:
        raise BadInput(f"{path} cannot be read: {error}.") from error
    return parsed(text, str(path))


def parsed(text: str, called: str) -> Any:
    """The same of a text."""
    try:
        return json.loads(text, object_pairs_hook=JsonObject)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{called} is not JSON: {error}.") from error
