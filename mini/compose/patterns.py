"""Bar patterns as text: reading them, stressing them, choosing among them.

A note is (place, length, pitch, gain): place and length in beats from the start of the piece.
"""

from dataclasses import dataclass

import numpy as np

from mini.compose.form import BEATS, STEPS

Note = tuple[float, float, int, float]  # place, length, pitch, gain


@dataclass(frozen=True, slots=True)
class Step:
    """One symbol of a pattern, with its place and length in steps."""

    symbol: str
    place: int
    length: int


def read(pattern: str) -> list[Step]:
    """The notes of a pattern: "x--.x-" is x at 0 for 3 steps and x at 4 for 2."""
    steps: list[Step] = []
    for place, symbol in enumerate(pattern):
        if symbol == "-" and steps and steps[-1].place + steps[-1].length == place:
            steps[-1] = Step(steps[-1].symbol, steps[-1].place, steps[-1].length + 1)
        elif symbol not in "-.":
            steps.append(Step(symbol, place, 1))
    return steps


def steps_a_beat(meter: str) -> int:
    return STEPS[meter] // BEATS[meter]


def accent(place: int, meter: str) -> float:
    """How much a step is stressed: the first most, beats more than what lies between."""
    if place == 0:
        return 1.0
    if place % steps_a_beat(meter) == 0:
        return 0.92
    return 0.6 if meter == "6/8" else 0.78


def suiting(patterns: tuple[str, ...], energy: str, rng: np.random.Generator) -> str:
    """One of the patterns: a sparser one for low energy, a busier one for high."""
    ordered = sorted(patterns, key=lambda pattern: len(read(pattern)))
    spared = len(ordered) // 3
    kept = ordered[spared:] if energy == "high" else ordered
    kept = kept[: len(kept) - spared] if energy == "low" else kept
    return kept[int(rng.integers(len(kept)))]


def into(pitch: int, low: int, high: int) -> int:
    """The pitch moved by octaves to lie between ``low`` and ``high``."""
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch
