"""The accompanists: chords struck, strummed, held or broken."""

import numpy as np

from mini.compose.form import BEATS, Bar
from mini.compose.instruments import INSTRUMENTS
from mini.compose.patterns import Note, Step, accent, read, steps_a_beat
from mini.compose.theory import near, voiced

RINGING = 1.6  # notes of a broken chord sound on into the next


def chords(
    bars: list[Bar],
    pattern: str,
    name: str,
    meter: str,
    centre: int,
    strum_beats: float,
    rng: np.random.Generator,
) -> list[Note]:
    """Close voicings around ``centre`` (MIDI), played as ``pattern`` says (see ``styles``)."""
    made: list[Note] = []
    instrument = INSTRUMENTS[name]
    centre = min(max(centre, instrument.low + 9), instrument.high - 9)
    broken = "C" not in pattern
    for bar in bars:
        start = bar.index * BEATS[meter]
        notes = voiced(bar.chord, centre)
        low = near(bar.chord.root, centre - 12)
        if bar.last:
            spread = 0.08 if broken or strum_beats else 0.0
            final = [low, *notes] if low >= instrument.low else list(notes)
            held = 1.6 * BEATS[meter]
            made += [(start + spread * i, held, note, 0.85) for i, note in enumerate(final)]
            continue
        for step in read(pattern):
            loud = accent(step.place, meter) * float(rng.uniform(0.9, 1.05))
            place = start + step.place / steps_a_beat(meter)
            length = step.length / steps_a_beat(meter) * (RINGING if broken else 0.95)
            made += _struck(step, notes, low, place, length, loud, strum_beats)
    return made


def _struck(
    step: Step,
    notes: tuple[int, ...],
    low: int,
    place: float,
    length: float,
    loud: float,
    strum_beats: float,
) -> list[Note]:
    """The notes of one symbol: C the chord, B its root below, a digit one of its notes."""
    if step.symbol == "C":
        share = 1.25 / max(2, len(notes)) ** 0.5
        return [(place + i * strum_beats, length, p, loud * share) for i, p in enumerate(notes)]
    if step.symbol == "B":
        return [(place, length, low, loud)]
    above, index = divmod(int(step.symbol) - 1, len(notes))
    return [(place, length, notes[index] + 12 * above, loud)]
