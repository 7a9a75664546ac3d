"""The drummer: a groove, fills before new sections, a crash on them, less in thin ones."""

import numpy as np

from mini.compose.form import BEATS, STEPS, Bar
from mini.compose.instruments import DRUMS
from mini.compose.patterns import Note, read, steps_a_beat

STRENGTH = {"X": 1.0, "x": 0.75, "o": 0.38}
ENERGETIC = 0.85  # sections at least so intense get the busier groove and a crash


def drums(
    bars: list[Bar],
    grooves: tuple[dict[str, str], ...],
    meter: str,
    enters: float,
    rng: np.random.Generator,
) -> list[Note]:
    """All hits of a piece; the pitch of a note is its General MIDI drum key."""
    made: list[Note] = []
    thin, full = (grooves[int(rng.integers(len(grooves)))] for _ in range(2))
    for bar in bars:
        start = bar.index * BEATS[meter]
        if bar.last and enters <= 0.65:
            made.append((start, 1.0, DRUMS["crash"], 0.7))
            made.append((start, 1.0, DRUMS["kick"], 0.9))
        if bar.last or bar.intensity < enters:
            continue
        filling = bar.place == bar.of - 1 and bar.of >= 4 and rng.random() < 0.7
        groove = full if bar.intensity >= ENERGETIC else thin
        made += _groove(bar, groove, meter, filling, rng)
        if filling:
            made += _fill(start, meter, rng)
        if bar.place == 0 and bar.intensity >= ENERGETIC:
            made.append((start, 2.0, DRUMS["crash"], 0.5))
    return made


def _groove(
    bar: Bar, groove: dict[str, str], meter: str, filling: bool, rng: np.random.Generator
) -> list[Note]:
    made: list[Note] = []
    for drum, pattern in groove.items():
        if bar.tag == "intro" and drum in ("snare", "clap"):
            continue
        for step in read(pattern):
            if filling and drum == "snare" and step.place >= STEPS[meter] // 2:
                continue
            loud = STRENGTH[step.symbol] * (0.7 + 0.3 * bar.intensity) * rng.uniform(0.88, 1.06)
            place = bar.index * BEATS[meter] + step.place / steps_a_beat(meter)
            made.append((place, 0.5, DRUMS[drum], float(loud)))
    return made


def _fill(start: int, meter: str, rng: np.random.Generator) -> list[Note]:
    """Toms or snare through the second half of a bar, growing."""
    half = STEPS[meter] // 2
    names = ("snare", "tom1", "tom2", "tom3") if rng.random() < 0.6 else ("snare",) * 4
    every = 1 if rng.random() < 0.4 else 2
    made: list[Note] = []
    for step in range(0, half, every):
        place = start + (half + step) / steps_a_beat(meter)
        made.append((place, 0.5, DRUMS[names[4 * step // half]], 0.5 + 0.4 * step / half))
    return made
