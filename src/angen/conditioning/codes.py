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

from angen.conditioning.figures import FASTEST, KEYS, SLOWEST, key_in, tempo_in

TEMPO_CODE = 80  # numbers of a tempo's code, and tempi that are told apart: SLOWEST to FASTEST
BLUR = 1.5  # width of a code in steps of the scale, 2.3 % each
KEY_CODE = 48

_MODE = re.compile(r"\b(major|minor)\b", re.IGNORECASE)
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


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
