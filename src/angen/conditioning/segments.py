"""Cutting a line into stretches of one language each."""

import re
import unicodedata
from collections.abc import Callable
from itertools import groupby

_CHINESE = re.compile(r"[\u4e00-\u9fa5]")
_LATIN = re.compile(r"[A-Za-z]")
_ANY_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa]")
_HANGUL = re.compile(r"[\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e]")

Segments = list[tuple[str, str]]


def english_and_chinese(text: str) -> Segments:
    """Stretches (language, text) of ``text``, whose texts joined give ``text`` again.

    A new stretch begins where a Chinese character follows a Latin letter or the other way
    round. Everything else (blanks, digits, marks, other scripts) goes with the stretch before
    it, or with the first one. Empty when ``text`` has neither Chinese characters nor letters.
    """
    return _stretches(text, _english_or_chinese)


def by_script(text: str, *, japanese: bool = False) -> Segments:
    """Stretches of ``text`` by their letters: ``latin``, ``zh``, ``ja``, ``ko`` or ``other``.

    Chinese characters are Japanese in a line that has kana, and where ``japanese`` says so. Digits,
    blanks and marks go with the stretch before them, or with the first one. Empty when there are
    no letters at all.
    """
    japanese = japanese or has_kana(text)

    def script_of(character: str) -> str:
        if _ANY_LATIN.match(character):
            return "latin"
        if _HANGUL.match(character):
            return "ko"
        if _KANA.match(character) or _CHINESE.match(character):
            return "ja" if japanese else "zh"
        return "other" if unicodedata.category(character) in ("Lo", "Lu", "Ll", "Lt") else ""

    return _stretches(text, script_of)


def has_kana(text: str) -> bool:
    return _KANA.search(text) is not None


def has_hangul(text: str) -> bool:
    return _HANGUL.search(text) is not None


def has_words(text: str) -> bool:
    """Whether there is a letter or a figure in ``text``, of any script."""
    return any(character.isalnum() for character in text)


def has_chinese(text: str) -> bool:
    return _CHINESE.search(text) is not None


def mostly_chinese(text: str) -> bool:
    return len(_CHINESE.findall(text)) > len(_LATIN.findall(text))


def script_name(text: str) -> str:
    """The script of the first letter in ``text``: Cyrillic, Arabic, Devanagari ..."""
    letter = next((character for character in text if character.isalpha()), "")
    return unicodedata.name(letter, "unknown").split()[0].capitalize() if letter else "unknown"


def _english_or_chinese(character: str) -> str:
    if _CHINESE.match(character):
        return "zh"
    return "en" if _LATIN.match(character) else ""


def _stretches(text: str, language_of: Callable[[str], str]) -> Segments:
    languages = [language_of(character) for character in text]
    current = next((language for language in languages if language), "")
    if not current:
        return []
    owners = []
    for language in languages:
        current = language or current
        owners.append(current)
    pairs = groupby(zip(owners, text, strict=True), key=lambda pair: pair[0])
    return [(language, "".join(c for _, c in group)) for language, group in pairs]
