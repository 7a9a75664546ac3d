"""Figures into English words, the way that the released model's texts were written out.

Upstream writes numbers with the package `inflect`; the rules here give its words, commas and
hyphens included ("twelve thousand, three hundred"), without the seconds that its import takes.
"""

import re
from collections.abc import Callable

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_GROUPS = [
    "_",
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
]
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_LAST_PART = re.compile(r"[a-z]+$")


def spell_numbers(text: str) -> str:
    """``text`` with money, fractions, percentages, ordinals and numbers as words.

    The order matters, and so do the blanks left around: "3.14" becomes "three point fourteen",
    "1999" "nineteen ninety-nine", "$5.50" "five dollars, fifty cents".
    """
    for pattern, words in _STEPS:
        text = pattern.sub(words, text)
    return text


def cardinal(figures: str, joint: str = " and ") -> str:
    """Words of a whole number; ``joint`` stands between the hundreds and what follows.

    Numbers without a name (from 10 to the 36th) are read figure by figure.
    """
    figures = figures.lstrip("0") or "0"
    if len(figures) > 3 * len(_GROUPS):
        return ", ".join(_SMALL[int(figure)] for figure in figures)
    parts = []
    for i, end in enumerate(range(len(figures), 0, -3)):
        group = int(figures[max(0, end - 3) : end])
        if group or figures == "0":
            parts.append(_below_thousand(group, joint) + (f" {_GROUPS[i]}" if i else ""))
    *before, last = reversed(parts)
    between = joint if before and " " not in last else ", "
    return ", ".join(before) + (between if before else "") + last


def ordinal(words: str) -> str:
    """The ordinal of a number in words: "twenty-one" gives "twenty-first"."""

    def last(match: re.Match[str]) -> str:
        word = match[0]
        if word.endswith("y"):
            return word[:-1] + "ieth"
        return _ORDINALS.get(word, word + "th")

    return _LAST_PART.sub(last, words)


def _below_thousand(number: int, joint: str) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    return f"{_SMALL[hundreds]} hundred" + (joint + _below_hundred(rest) if rest else "")


def _below_hundred(number: int) -> str:
    if number < 20:
        return _SMALL[number]
    tens, units = divmod(number, 10)
    return f"{_TENS[tens]}-{_SMALL[units]}" if units else _TENS[tens]


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
        return f" {cardinal(above)} {'halves' if below == '2' else 'quarters'} "
    return f" {cardinal(above)} {ordinal(cardinal(below))} "


def _ordinal(match: re.Match[str]) -> str:
    return f" {ordinal(cardinal(match[1]))} "


def _cardinal(match: re.Match[str]) -> str:
    figures = match[0].lstrip("0") or "0"
    if len(figures) != 4 or not 1000 < int(figures) < 3000:
        return f" {cardinal(figures, joint=' ')} "
    return f" {_year(int(figures))} "


def _year(year: int) -> str:
    if year == 2000:
        return "two thousand"
    if 2000 < year < 2010:
        return f"two thousand {_SMALL[year % 100]}"
    century, rest = divmod(year, 100)
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'oh ' if rest < 10 else ''}{_below_hundred(rest)}"


_STEPS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"[0-9][0-9,]+[0-9]"), _without_commas),
    (re.compile(r"£([0-9,]*[0-9]+)"), r"\1 pounds"),
    (re.compile(r"\$([0-9.,]*[0-9]+)"), _dollars),
    (re.compile(r"([0-9]+)/([0-9]+)"), _fraction),
    (re.compile(r"([0-9]+)\.([0-9]+)"), r"\1 point \2"),
    (re.compile(r"([0-9]+)%"), r"\1 percent "),
    (re.compile(r"([0-9]+)(?:st|nd|rd|th)"), _ordinal),
    (re.compile(r"[0-9]+"), _cardinal),
)
