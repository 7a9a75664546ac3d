"""The bass player: roots, fifths, walks, and the approach to the next chord."""

import numpy as np

from mini.compose.form import BEATS, Bar
from mini.compose.instruments import INSTRUMENTS
from mini.compose.patterns import Note, accent, into, read, steps_a_beat
from mini.compose.theory import Chord, near


def bass(
    bars: list[Bar], pattern: str, name: str, meter: str, rng: np.random.Generator
) -> list[Note]:
    """A bass line: the symbols of ``pattern`` (see ``styles``) over the chord of each bar."""
    made: list[Note] = []
    low = INSTRUMENTS[name].low + 2
    high = min(INSTRUMENTS[name].high, low + 22)
    for bar in bars:
        start = bar.index * BEATS[meter]
        root = into(near(bar.chord.root, low + 6), low, high)
        if bar.last:
            made.append((start, 1.6 * BEATS[meter], root, 1.0))
            continue
        coming = into(near(bar.following.root, root), low, high)
        now = root
        for step in read(pattern):
            now = into(_pitch(step.symbol, bar.chord, root, now, coming, rng), low - 2, high + 5)
            loud = accent(step.place, meter) * float(rng.uniform(0.92, 1.04))
            place = start + step.place / steps_a_beat(meter)
            made.append((place, 0.95 * step.length / steps_a_beat(meter), now, loud))
    return made


def _pitch(
    symbol: str, chord: Chord, root: int, now: int, coming: int, rng: np.random.Generator
) -> int:
    tones = (*chord.tones, 12, 12)[:4]
    third, fifth, seventh = tones[1:] if len(chord.tones) > 2 else (7, 7, 12)
    fixed = {"R": 0, "8": 12, "4": -12, "5": fifth, "3": third, "7": seventh}
    if symbol in fixed:
        return root + fixed[symbol]
    if symbol == "a":
        steps = [-1, -2, 1, 2]
        beside = coming + int(rng.choice(steps, p=[0.4, 0.2, 0.2, 0.2]))
        return beside if coming != root else root + fifth
    choices = [root + tone for tone in chord.tones if abs(root + tone - now) in range(1, 8)]
    return int(rng.choice(choices)) if choices else root + fifth  # a walking step
