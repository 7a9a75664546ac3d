"""What can go wrong that a person can put right.

AngenError
├── BadInput        a file, value or request cannot be used as it is
│   ├── Unknown     there is nothing of that name
│   └── Taken       the name is taken, or the thing is in use
├── MissingWeights  a model part is not on this machine
├── Incompatible    two things do not belong together: adapter and base, encoder and decoder
├── OutOfSpace      the disk is full
└── Stopped         the user asked to stop; what was done is saved
"""

import re


class AngenError(Exception):
    """A fault whose message says what was wrong and what to do; shown without a traceback."""

    def __str__(self) -> str:
        return readable(super().__str__())


def readable(text: str) -> str:
    """``text`` in characters that can be written as UTF-8.

    Names of files that are not in UTF-8 reach Python with a lone surrogate for each odd byte; such
    bytes are read as Windows and Latin-1 have them: é, ü, ñ.
    """
    return re.sub("[\ud800-\udfff]", _letter, text)


def _letter(found: re.Match[str]) -> str:
    code = ord(found.group()) - 0xDC00
    return bytes([code]).decode("cp1252", "replace") if 0x80 <= code <= 0xFF else "�"


class BadInput(AngenError):
    """A file, value or request cannot be used as it is."""


class Unknown(BadInput):
    """There is nothing of that name; the message says what there is."""


class Taken(BadInput):
    """The name is taken, or the thing is in use just now."""


class MissingWeights(AngenError):
    """A model part is not on this machine; the message says how to get it."""


class Incompatible(AngenError):
    """Two things do not belong together, or one of them is damaged."""


class OutOfSpace(AngenError):
    """The disk is full; nothing half-written was left behind."""


class Stopped(AngenError):
    """The user asked to stop; the message says what was saved and how to go on."""
