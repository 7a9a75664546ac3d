"""Tempo and key in the words of a prompt.

As people write them: "120 BPM", "97 beats per minute", "A minor", "E flat major".
"""

import re

SLOWEST, FASTEST = 40.0, 240.0  # beats per minute: figures outside are no tempo
KEYS = 24  # C major to B major, then C minor to B minor

_FIGURE = r"(?<![\d.,/])(\d{2,3}(?:\.\d+)?)"
_WITH_UNIT = re.compile(_FIGURE + r"\s*-?\s*(?:bpm|beats?\s+(?:per|a)\s+minute)\b", re.IGNORECASE)
_BARE = re.compile(_FIGURE + r"(?![\d.]*\d|\w|'|-bit|/)")
_KEY = re.compile(
    r"\b(?P<tonic>[A-Ga-g])(?P<sign>#|♯|b|♭|[\s-]*sharp|[\s-]*flat)?[\s-]*"
    r"(?P<mode>major|minor|maj|min)\b(?P<rest>\s+key\b)?"
)
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


def _tempo_found(text: str) -> re.Match[str] | None:
    for pattern in (_WITH_UNIT, _BARE):
        for match in pattern.finditer(text):
            if SLOWEST <= float(match[1]) <= FASTEST:
                return match
    return None


def tempo_in(text: str) -> float | None:
    """The tempo that a text names, in beats per minute; a figure with its unit comes first."""
    found = _tempo_found(text)
    return float(found[1]) if found else None


def _key_found(text: str) -> re.Match[str] | None:
    for match in _KEY.finditer(text):
        if match["tonic"] == "a" and not match["sign"] and match["rest"]:
            continue  # "in a minor key" names no tonic
        return match
    return None


def key_in(text: str) -> int | None:
    """The key that a text names, as a number below ``KEYS``: 0 is C major, 12 C minor."""
    found = _key_found(text)
    if found is None:
        return None
    sign = (found["sign"] or "").strip(" -").lower()
    shift = {"": 0, "#": 1, "♯": 1, "sharp": 1}.get(sign, -1)
    tonic = (_STEPS[found["tonic"].lower()] + shift) % 12
    return tonic + (12 if found["mode"].startswith("min") else 0)


def without_figures(text: str) -> str:
    """The text without the tempo and the tonic that the codes say already."""
    found = _key_found(text)
    if found:
        mode = "minor" if found["mode"].startswith("min") else "major"
        text = text[: found.start()] + mode + text[found.end() :]
    found = _tempo_found(text)
    return text[: found.start()] + text[found.end() :] if found else text
