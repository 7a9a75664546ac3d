"""Figures into English words, the way that the released model's texts were written out."""

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import inflect

_LONGEST = 36  # digits; inflect has no name for larger numbers


def spell_numbers(text: str) -> str:
    """``text`` with money, fractions, percentages, ordinals and numbers as words.

    The order matters, and so do the blanks left around: "3.14" becomes "three point fourteen",
    "1999" "nineteen ninety-nine", "$5.50" "five dollars, fifty cents".
    """
    for pattern, words in _STEPS:
        text = pattern.sub(words, text)
    return text


@cache
def _engine() -> "inflect.engine":
    import inflect  # half a second: only when a text has figures

    return inflect.engine()


def _in_words(number: str, **options: object) -> str:
    if len(number) > _LONGEST:
        options = {"group": 1}
    return str(_engine().number_to_words(number, **options))  # type: ignore[arg-type]


def _without_commas(match: re.Match[str]) -> str:
    return match[0].replace(",", "")


def _dollars(match: re.Match[str]) -> str:
    amount = match[1].replace(",", "")
    parts = amount.split(".")
    if len(parts) > 2:
        return f" {amount} dollars "
    dollars = parts[0].lstrip("0")
    cents = parts[1].lstrip("0") if len(parts) == 2 else ""
    said = [
        f"{count} {unit if count == '1' else unit + 's'}"
        for count, unit in ((dollars, "dollar"), (cents, "cent"))
        if count
    ]
    return f" {', '.join(said) or 'zero dollars'} "


def _fraction(match: re.Match[str]) -> str:
    above, below = match[1], match[2]
    if below in ("2", "4"):
        part = "half" if below == "2" else "quarter"
        if above == "1":
            return f" one {part} "
        return f" {_in_words(above)} {'halves' if below == '2' else 'quarters'} "
    return f" {_in_words(above)} {_engine().ordinal(_in_words(below))} "


def _ordinal(match: re.Match[str]) -> str:
    return f" {_in_words(match[0])} "


def _cardinal(match: re.Match[str]) -> str:
    number = match[0]
    if len(number) > 4 or not 1000 < int(number) < 3000:
        return f" {_in_words(number, andword='')} "
    year = int(number)
    if year == 2000:
        return " two thousand "
    if 2000 < year < 2010:
        return f" two thousand {_in_words(str(year % 100))} "
    if year % 100 == 0:
        return f" {_in_words(str(year // 100))} hundred "
    pairs = _in_words(number, andword="", zero="oh", group=2)
    return f" {pairs.replace(', ', ' ')} "


_STEPS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"[0-9][0-9,]+[0-9]"), _without_commas),
    (re.compile(r"£([0-9,]*[0-9]+)"), r" \1 pounds "),
    (re.compile(r"\$([0-9.,]*[0-9]+)"), _dollars),
    (re.compile(r"([0-9]+)/([0-9]+)"), _fraction),
    (re.compile(r"([0-9]+)\.([0-9]+)"), r" \1 point \2 "),
    (re.compile(r"([0-9]+)%"), r" \1 percent "),
    (re.compile(r"[0-9]+(?:st|nd|rd|th)"), _ordinal),
    (re.compile(r"[0-9]+"), _cardinal),
)
