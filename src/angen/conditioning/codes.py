"""Tempo and key as fixed codes: what a prompt says of them in figures, and what an ear may answer.

Both towers of the style encoder write tempo and key in the same places of the style vector, the
text exactly, the sound as the mean of the codes it holds possible. 119 and 120 beats per minute
are neighbours, and so are keys that share notes.
"""

import math
import re
from functools import cache

import torch
from torch import Tensor

TEMPO_CODE = 80  # numbers of a tempo's code, and tempi that are told apart
SLOWEST, FASTEST = 40.0, 240.0  # beats per minute, the ends of a logarithmic scale
BLUR = 1.5  # width of a code in steps of the scale, 2.3 % each
KEY_CODE = 48
KEYS = 24  # C major to B major, then C minor to B minor

_FIGURE = r"(?<![\d.,/])(\d{2,3}(?:\.\d+)?)"
_WITH_UNIT = re.compile(_FIGURE + r"\s*-?\s*(?:bpm|beats?\s+(?:per|a)\s+minute)\b", re.IGNORECASE)
_BARE = re.compile(_FIGURE + r"(?![\d.]*\d|\w|'|-bit|/)")
_KEY = re.compile(
    r"\b(?P<tonic>[A-Ga-g])(?P<sign>#|♯|b|♭|[\s-]*sharp|[\s-]*flat)?[\s-]*"
    r"(?P<mode>major|minor|maj|min)\b(?P<rest>\s+key\b)?"
)
_MODE = re.compile(r"\b(major|minor)\b", re.IGNORECASE)
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


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


def tempo_places(bpm: Tensor) -> Tensor:
    """Where tempi (B,) lie on the scale of ``TEMPO_CODE`` steps, fractions allowed: (B,)."""
    return (bpm / SLOWEST).log() / math.log(FASTEST / SLOWEST) * (TEMPO_CODE - 1)


def tempo_code(bpm: Tensor) -> Tensor:
    """Codes (B, TEMPO_CODE) of length 1 of tempi (B,): a bump at their place on the scale."""
    away = torch.arange(TEMPO_CODE, device=bpm.device) - tempo_places(bpm)[:, None]
    bump = (-0.5 * (away / BLUR).square()).exp()
    code: Tensor = bump / bump.norm(dim=1, keepdim=True)
    return code


def tempo_of_code(code: Tensor) -> float | None:
    """The tempo in beats per minute that a code (P,) of any length says; None where it is empty.

    Where several are possible, the likeliest.
    """
    if float(code.norm()) < 0.05:
        return None
    at = min(max(int(code.argmax()), 1), TEMPO_CODE - 2)
    low, mid, high = code[at - 1 : at + 2].double().clamp_min(1e-6).log().tolist()
    curve = low - 2 * mid + high  # a bump is a parabola in its logarithm
    place = at + (min(1.0, max(-1.0, (low - high) / (2 * curve))) if curve < 0 else 0.0)
    return float(SLOWEST * (FASTEST / SLOWEST) ** (place / (TEMPO_CODE - 1)))


@cache
def tempo_codes() -> Tensor:
    """The code of each step of the scale: (TEMPO_CODE, TEMPO_CODE)."""
    steps = torch.linspace(0, 1, TEMPO_CODE)
    return tempo_code(SLOWEST * (FASTEST / SLOWEST) ** steps)


@cache
def key_codes() -> Tensor:
    """The code of each key, (KEYS, KEY_CODE) of length 1: itself, its tonic and its scale."""
    codes = torch.zeros(KEYS, KEY_CODE)
    for key in range(KEYS):
        tonic, mode = key % 12, "major" if key < 12 else "minor"
        codes[key, key] = 1.0
        codes[key, KEYS + tonic] = 0.7
        scale = [KEYS + 12 + (tonic + step) % 12 for step in _SCALES[mode]]
        codes[key, KEYS + 12 :] = -0.25
        codes[key, scale] = 0.25
    unit: Tensor = codes / codes.norm(dim=1, keepdim=True)
    return unit


def text_codes(text: str) -> tuple[Tensor, Tensor]:
    """Codes (TEMPO_CODE,) and (KEY_CODE,) of what a text says; zeros for what it does not.

    A mode without a tonic gives the mean of its twelve keys.
    """
    bpm, key = tempo_in(text), key_in(text)
    tempo = torch.zeros(TEMPO_CODE) if bpm is None else tempo_code(torch.tensor([bpm]))[0]
    if key is not None:
        return tempo, key_codes()[key]
    mode = _MODE.search(text)
    if mode is None:
        return tempo, torch.zeros(KEY_CODE)
    first = 12 if mode[1].lower() == "minor" else 0
    return tempo, key_codes()[first : first + 12].mean(0)
