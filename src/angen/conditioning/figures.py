"""Tempo and key in the words of a prompt.

As people write them: "120 BPM", "97 beats per minute", "80-100 bpm" (their middle), "A minor",
"E Flat Major", "F#m".
"""

import re

SLOWEST, FASTEST = 40.0, 240.0  # beats per minute: figures outside are no tempo
KEYS = 24  # C major to B major, then C minor to B minor

_FIGURE = r"(?<![\d.,/])(\d{2,3}(?:\.\d+)?)"
_WITH_UNIT = re.compile(
    _FIGURE + r"(?:\s*(?:-|–|to)\s*(\d{2,3}(?:\.\d+)?))?"
    r"\s*-?\s*(?:bpm|beats?\s+(?:per|a)\s+minute)\b",
    re.IGNORECASE,
)
_NO_TEMPO = r"\s*-?\s*(?:%|(?:s|secs?|seconds?|mins?|minutes?|hours?|years?|[km]?hz|db|kbps)\b)"
_BARE = re.compile(
    rf"(?<!\btop ){_FIGURE}(?![\d.]*\d|\w|'|-bit|/|{_NO_TEMPO})", re.IGNORECASE
)  # "top 40 pop", "a 60 second song"
_KEY = re.compile(
    r"\b(?P<tonic>[A-Ga-g])(?P<sign>#|♯|b|♭|[\s-]*(?i:sharp|flat))?"
    r"(?:[\s-]*(?P<mode>(?i:major|minor|maj|min))\b|(?P<short>m)\b)"
    r"(?P<rest>\s+(?:key|mood|mode|scale|feel|feeling|sound|tonality|vibe)\b)?"
)
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


def _tempo_found(text: str) -> re.Match[str] | None:
    for pattern in (_WITH_UNIT, _BARE):
        for match in pattern.finditer(text):
            if SLOWEST <= _bpm(match) <= FASTEST:
                return match
    return None


def _bpm(match: re.Match[str]) -> float:
    """The figure of a match, or the middle of two."""
    figures = [float(figure) for figure in match.groups() if figure]
    return sum(figures) / len(figures)


def tempo_in(text: str) -> float | None:
    """The tempo that a text names, in beats per minute; a figure with its unit comes first."""
    found = _tempo_found(text)
    return _bpm(found) if found else None


def _key_found(text: str) -> re.Match[str] | None:
    for match in _KEY.finditer(text):
        if match["tonic"] == "a" and not match["sign"] and match["rest"]:
            continue  # "in a minor key" names no tonic
        if match["short"] and match["tonic"].islower():
            continue  # "I am"
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
    return tonic + (12 if _is_minor(found) else 0)


def _is_minor(found: re.Match[str]) -> bool:
    return bool(found["short"]) or found["mode"].lower().startswith("min")


def without_figures(text: str) -> str:
    """The text without the tempo and the tonic that the codes say already."""
    found = _key_found(text)
    if found:
        mode = "minor" if _is_minor(found) else "major"
        text = text[: found.start()] + mode + text[found.end() :]
    found = _tempo_found(text)
    return text[: found.start()] + text[found.end() :] if found else text
