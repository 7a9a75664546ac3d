"""Names that people give, and file names made from them.

A name becomes a folder, on any system, and is typed on command lines: so letters and digits of any
script, and a little punctuation. ``check_name`` refuses the rest, ``safe`` replaces it.
"""

import re
import unicodedata
from pathlib import PurePath

from angen.errors import BadInput, Unknown

MAX_NAME_BYTES = 100  # leaves room for suffixes below the 255 bytes of most file systems
MAX_STEM_BYTES = 120
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "user_uploads", "best_model", "final_model", "checkpoints"}
    | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
)
_ALLOWED = re.compile(r"[\w .()+-]+")
_UNSAFE = re.compile(r"[^\w()+-]+")


def check_name(kind: str, name: str) -> str:
    """``name`` in composed form, fit to be a folder on every system.

    kind: what is named ("dataset", "adapter"), for the message.

    Raises BadInput that says which rule the name breaks.
    """
    name = unicodedata.normalize("NFC", name)
    if fault := _fault(name):
        raise BadInput(
            f"{kind} name {name!r} {fault}. Use letters, digits, spaces and ._()+-, "
            f"for example my_{kind}_v1."
        )
    return name


def check_known(kind: str, name: str) -> str:
    """The same for the name of something that should exist: a name that is unfit never does.

    Raises Unknown.
    """
    try:
        return check_name(kind, name)
    except BadInput as error:
        raise Unknown(str(error)) from error


def about(file: str, reason: str) -> str:
    """``reason`` with the file it is about in front, unless it names that file itself.

    Another file stands in quotation marks in a reason. One line, whatever the file is called.
    """
    named = PurePath(file).name in re.split("['\"]", reason)[0]
    line = reason if named else f"{file}: {reason}"
    return "".join(letter if letter.isprintable() else "�" for letter in line)


def _fault(name: str) -> str | None:
    if not name.strip():
        return "is empty"
    if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        return f"is longer than {MAX_NAME_BYTES} bytes"
    if name[0] in ". -" or name[-1] in ". ":
        return "begins with a dot, a dash or a space, or ends with a dot or a space"
    if not _ALLOWED.fullmatch(name):
        bad = next(char for char in name if not _ALLOWED.fullmatch(char))
        return f"contains {bad!r}"
    if name.split(".")[0].strip().casefold() in _RESERVED:
        return "is reserved"
    return None


def safe(text: str, max_bytes: int = MAX_STEM_BYTES) -> str:
    """``text`` as part of a file name: other characters become ``-``, at most ``max_bytes`` long.

    Empty or unusable text gives ``unnamed``. Two texts may give the same: see ``distinct``.
    """
    text = unicodedata.normalize("NFC", text)
    text = _UNSAFE.sub("-", text).strip("-")
    return shortened(text, max_bytes).strip("-") or "unnamed"


def shortened(text: str, max_bytes: int) -> str:
    """The longest beginning of ``text`` that fits, cut between characters."""
    return text.encode("utf-8", "ignore")[:max_bytes].decode("utf-8", "ignore")


def distinct(name: str, taken: set[str]) -> str:
    """``name``, or ``name-2``, ``name-3``... whichever is free; adds it to ``taken``.

    Compared without case, since some file systems do not tell cases apart.
    """
    candidate, n = name, 1
    while candidate.casefold() in taken:
        n += 1
        candidate = f"{name}-{n}"
    taken.add(candidate.casefold())
    return candidate
