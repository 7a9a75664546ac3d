"""Cleaning text before it is read aloud, and setting its punctuation among phonemes.

Eight marks reach the model, each as a symbol of its own: ``, . ? ! ; : ' …``. Everything else
that is neither a letter, a digit nor a blank vanishes without leaving a blank behind, hyphens
included ("half-light" is read "halflight"): so the released model was taught.
"""

import re
from collections.abc import Callable

MARKS = ",.?!;:'…"

_WIDE = str.maketrans("，。！？；：、‘’", ",.!?;:,''")
_ELLIPSIS = re.compile(r"⋯|···|・・・|\.\.\.")
_MARK_RUN = re.compile(rf"([{re.escape(MARKS)}]+)")
_EACH_MARK = re.compile(rf"([{re.escape(MARKS)}])")
_BLANKS_AROUND = re.compile(rf"\s*([{re.escape(MARKS)}])\s*")
_NOISE = re.compile(rf"[^\w\s{re.escape(MARKS)}]")


def plain_marks(text: str) -> str:
    """``text`` with full-width and typographic punctuation as the eight marks."""
    return _ELLIPSIS.sub("…", text.translate(_WIDE))


def clean(text: str) -> str:
    """``text`` with nothing but words, single blanks and the eight marks, no blanks at marks."""
    text = _NOISE.sub("", plain_marks(text.strip()))
    return " ".join(_BLANKS_AROUND.sub(r"\1", text).split())


def join(phonemes: str) -> str:
    """``phonemes`` with each mark as a symbol of its own and single separators."""
    return re.sub(r"\|+", "|", _EACH_MARK.sub(r"|\1|", phonemes)).rstrip("|")


def read_between_marks(text: str, read: Callable[[str], str]) -> str:
    """Phonemes of cleaned ``text``: ``read`` gets the stretches between marks, one at a time."""
    pieces = _MARK_RUN.split(text)  # stretches at even places, marks at odd ones
    spoken = [piece if i % 2 or not piece else read(piece) for i, piece in enumerate(pieces)]
    return join("".join(spoken))
