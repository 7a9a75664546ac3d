"""Tempo and key in the words of a prompt.

As people write them: "120 BPM", "97 beats per minute", "80-100 bpm" (their middle), "A minor",
"E Flat Major", "F#m".
"""

import re

SLOWEST, FASTEST = 40.0, 240.0  # beats per minute: figures outside are no tempo
KEYS = 24  # C major to B major, then C minor to B minor

_FIGURE = r"(?<![\d.,/#$€£'’])(\d{2,3}(?:\.\d+)?)"
_SPAN = rf"{_FIGURE}(?:\s*(?:-|–|to)\s*(\d{{2,3}}(?:\.\d+)?))?"  # the second one without a sign
_WITH_UNIT = re.compile(
    rf"{_SPAN}\s*-?\s*(?:bpms?|b\.p\.m|beats?\s+(?:per|a)\s+min(?:ute)?)\b", re.IGNORECASE
)
# A figure without its unit is a tempo only behind a word for it, alone between commas, or, where it
# is too high for a year or a street, behind a genre: "Route 66", "Area 51", "80s", "synthwave 84".
_BEHIND_WORD = re.compile(
    r"(?:\b(?:tempo|bpm|speed|pulse)\b|♩)\s*(?:range\s+)?(?:of|at|is|around|about|near|[:=~≈])?"
    rf"\s*{_SPAN}(?![\d.]*\d|\w|[%/:'’])",
    re.IGNORECASE,
)
_ALONE = re.compile(
    rf"(?:(?:^|[,;|\n•·()\[\]])\s*(?:(?:about|circa)\s+)?|\b(?:at|around)\s+|[~≈]\s*){_SPAN}"
    r"\s*(?=$|[,;|\n•·()\[\]]|\.\s*$|with\b)",
    re.IGNORECASE,
)
_GENRES = (
    "ambient|bass|ballad|beats?|blues|bossa(?: nova)?|breakbeat|country|dance|disco|dnb|drill|dub|"
    "dubstep|edm|electro|electronica?|folk|funk|garage|grime|hardcore|hardstyle|hip[ -]?hop|house|"
    "indie|jazz|jungle|latin|lo-?fi|metal|music|phonk|pop|punk|r&b|rap|reggae|reggaeton|rock|salsa|"
    "samba|ska|soul|swing|synthwave|techno|track|trance|trap|waltz"
)
_BEHIND_GENRE = re.compile(
    rf"\b(?:{_GENRES})\s+(?:(?:at|around|about)\s+)?{_FIGURE}(?=\s*(?:$|[,;|\n.]))", re.IGNORECASE
)
_HIGHEST_YEAR = 100  # figures below may be years behind a genre
_PATTERNS = (_WITH_UNIT, _BEHIND_WORD, _ALONE, _BEHIND_GENRE)
# What comes before a figure or a key that is not wanted, or is only a bound: "not 120 BPM".
_NOT_THIS = re.compile(
    r"(?:\b(?:not|no|never|without|minus|avoid(?:ing)?|exclud(?:e|ing)|except(?: for)?|than|"
    r"nor|non|neither|instead of|anything but|all but|below|under|above|over|beyond|up to|at most|"
    r"at least|don['’]?t|isn['’]?t)\b|[<>≤≥])[\s-]*"
    r"(?:(?:a|an|any|at|in|on|to|be|is|go|use|set|it|the|key|tempo|speed|of|exactly|around|about|"
    r"strictly|played|written|or|bpm)[\s:]+){0,5}$",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"\b(?P<tonic>[A-Ga-g])(?P<sign>#|♯|b|♭|[\s-]*(?i:sharp|flat))?"
    r"(?:[\s-]*(?P<mode>(?i:major|minor|maj|min))\b|(?P<short>m)\b)"
    r"(?P<rest>\s+(?:key|mood|mode|scale|feel|feeling|sound|tonality|vibe)\b)?"
)
_NOUN = re.compile(r"\s+(?!(?:at|with|and|in)\b)[A-Za-z]")
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


def _tempo_found(text: str) -> re.Match[str] | None:
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            year = pattern is _BEHIND_GENRE and _bpm(match) < _HIGHEST_YEAR
            if SLOWEST <= _bpm(match) <= FASTEST and not year and _wanted(text, match.start()):
                return match
    return None


def _wanted(text: str, start: int) -> bool:
    """Whether no word before ``start`` takes away what stands there."""
    return _NOT_THIS.search(text[max(0, start - 80) : start]) is None


def _bpm(match: re.Match[str]) -> float:
    """The figure of a match, or the middle of two."""
    figures = [float(figure) for figure in match.groups() if figure]
    return sum(figures) / len(figures)


def tempo_in(text: str) -> float | None:
    """The tempo that a text names, in beats per minute; a figure with its unit comes first.

    None for one that is not wanted, or only a bound: "not 120 BPM", "slower than 100 BPM".
    """
    found = _tempo_found(text)
    return _bpm(found) if found else None


def _key_found(text: str) -> re.Match[str] | None:
    for match in _KEY.finditer(text):
        followed = match["rest"] or _NOUN.match(text, match.end())
        if match["tonic"] == "a" and not match["sign"] and followed:
            continue  # "in a minor key" and "a major hit" name no tonic
        if not _wanted(text, match.start()):
            continue
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
    return text[: found.start(1)] + text[found.end() :] if found else text
