"""Cutting a line into stretches of one language each."""

import re
from itertools import groupby

_CHINESE = re.compile(r"[\u4e00-\u9fa5]")
_LATIN = re.compile(r"[A-Za-z]")


def _language_of(character: str) -> str:
    """``zh``, ``en``, or nothing for a character that belongs to any language."""
    if _CHINESE.match(character):
        return "zh"
    return "en" if _LATIN.match(character) else ""


def english_and_chinese(text: str) -> list[tuple[str, str]]:
    """Stretches (language, text) of ``text``, whose texts joined give ``text`` again.

    A new stretch begins where a Chinese character follows a Latin letter or the other way
    round. Everything else (blanks, digits, marks, other scripts) goes with the stretch before
    it, or with the first one. Empty when ``text`` has neither Chinese characters nor letters.
    """
    languages = [_language_of(character) for character in text]
    current = next((language for language in languages if language), "")
    if not current:
        return []
    owners = []
    for language in languages:
        current = language or current
        owners.append(current)
    pairs = groupby(zip(owners, text, strict=True), key=lambda pair: pair[0])
    return [(language, "".join(c for _, c in group)) for language, group in pairs]
