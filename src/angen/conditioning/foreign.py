"""Which lines in Latin letters are not English, by their small words and their own letters.

A rule of thumb for a warning, never for how a line is read: words that several languages share
count for all of them, English first, so that a line without evidence stays English.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources

_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH = "English"
UNSURE = "another language"  # several have as much for them


@cache
def _known() -> dict[str, tuple[frozenset[str], str]]:
    """Small words of each language, with words that songs are full of, and letters of its own."""
    file = resources.files("angen.conditioning").joinpath("foreign_words.json")
    languages = json.loads(file.read_text("utf-8"))
    return {
        name: (frozenset(one["words"].split()), one["letters"]) for name, one in languages.items()
    }


def foreign_languages(lines: Sequence[str]) -> list[str | None]:
    """The language that each line looks to be in, or ``UNSURE``; None for what may be English."""
    evidence = [_evidence(line) for line in lines]
    looks = [_likely(found, len(_words(line))) for found, line in zip(evidence, lines, strict=True)]
    counts = Counter(look for look in looks if look and look != UNSURE)
    if not counts:
        return looks
    common, times = counts.most_common(1)[0]
    each = list(zip(lines, evidence, looks, strict=True))
    mostly = times > sum(found[_ENGLISH] > 0 for _, found, look in each if not look)
    if not mostly and times < 2:
        return looks
    return [_settled(line, found, look, common, mostly) for line, found, look in each]


def _settled(
    line: str, found: Counter[str], look: str | None, common: str, mostly: bool
) -> str | None:
    """What a line looks like among its neighbours, whose language is ``common``."""
    if look and found[common] and (look == UNSURE or found[common] >= found[look] - 1):
        return common
    if not look and mostly and (not found[_ENGLISH] or not line.isascii()):
        return common
    return look


def _words(line: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", line).lower())


def _evidence(line: str) -> Counter[str]:
    """How many words of a line each language knows, or has letters of its own in."""
    found: Counter[str] = Counter()
    for word in _words(line):
        for language, (words, letters) in _known().items():
            found[language] += (word in words) + any(letter in letters for letter in word)
        found["Vietnamese"] += any("\u1ea0" <= letter <= "\u1ef9" for letter in word)
    found["Spanish"] += any(mark in line for mark in "¿¡")
    return found


def _likely(found: Counter[str], words: int) -> str | None:
    others = Counter({name: count for name, count in found.items() if name != _ENGLISH})
    if not others or not words:
        return None
    language, hits = others.most_common(1)[0]
    second = others.most_common(2)[1][1]
    sure = hits >= 2 or (hits == 1 and not found[_ENGLISH] and hits * 3 >= words)
    if not sure or hits <= found[_ENGLISH]:
        return None
    return language if hits > second else UNSURE
