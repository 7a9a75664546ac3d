"""The players: each turns the bars of a plan into notes, as its pattern says.

A note here is (place, length, pitch, gain): place and length in beats from the start of the piece.
"""

from dataclasses import dataclass

import numpy as np

from mini.compose.form import BEATS, STEPS, Bar
from mini.compose.instruments import DRUMS, INSTRUMENTS
from mini.compose.theory import Chord, near, scale_of, voiced

Beat = tuple[float, float, int, float]  # place, length, pitch, gain
STRENGTH = {"X": 1.0, "x": 0.75, "o": 0.38}


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


def accent(place: int, meter: str) -> float:
    """How much a step is stressed: the first most, beats more than what lies between."""
    if place == 0:
        return 1.0
    return 0.92 if place % (STEPS[meter] // BEATS[meter]) == 0 else 0.82


def drums(
    bars: list[Bar],
    patterns: tuple[dict[str, str], ...],
    meter: str,
    enters: float,
    rng: np.random.Generator,
) -> list[Beat]:
    """Groove, a crash on new sections, a fill before them, less in thin sections."""
    made: list[Beat] = []
    per_beat = STEPS[meter] / BEATS[meter]
    choice = {tag: patterns[int(rng.integers(len(patterns)))] for tag in ("thin", "full")}
    for bar in bars:
        start = bar.index * BEATS[meter]
        if bar.last:
            made += (
                [(start, 1.0, DRUMS["crash"], 0.7), (start, 1.0, DRUMS["kick"], 0.9)]
                if enters <= 0.65
                else []
            )
            continue
        if bar.intensity < enters:
            continue
        groove = choice["full" if bar.intensity >= 0.85 else "thin"]
        fill = bar.place == bar.of - 1 and bar.of >= 4 and rng.random() < 0.7
        for drum, pattern in groove.items():
            if bar.tag == "intro" and drum in ("snare", "clap"):
                continue
            for step in read(pattern):
                if fill and drum == "snare" and step.place >= STEPS[meter] // 2:
                    continue
                gain = STRENGTH[step.symbol] * (0.7 + 0.3 * bar.intensity) * rng.uniform(0.88, 1.06)
                made.append((start + step.place / per_beat, 0.5, DRUMS[drum], float(gain)))
        if fill:
            made += _fill(start, meter, rng)
        if bar.place == 0 and bar.intensity >= 0.85:
            made.append((start, 2.0, DRUMS["crash"], 0.55))
    return made


def _fill(start: int, meter: str, rng: np.random.Generator) -> list[Beat]:
    """Toms or snare through the second half of a bar."""
    half = STEPS[meter] // 2
    per_beat = STEPS[meter] / BEATS[meter]
    names = ("snare", "tom1", "tom2", "tom3") if rng.random() < 0.6 else ("snare",) * 4
    every = 1 if rng.random() < 0.4 else 2
    return [
        (
            start + step / per_beat,
            0.5,
            DRUMS[names[4 * (step - half) // half]],
            0.5 + 0.4 * (step - half) / half,
        )
        for step in range(half, STEPS[meter], every)
    ]


def bass(
    bars: list[Bar], pattern: str, name: str, meter: str, rng: np.random.Generator
) -> list[Beat]:
    """A bass line: the symbols of ``pattern`` over each bar's chord, approaching the next root."""
    made: list[Beat] = []
    instrument = INSTRUMENTS[name]
    low, high = instrument.low + 2, min(instrument.high, instrument.low + 24)
    per_beat = STEPS[meter] / BEATS[meter]
    for bar in bars:
        start = bar.index * BEATS[meter]
        root = _into(near(bar.chord.root, low + 8), low, high)
        if bar.last:
            made.append((start, 1.6 * BEATS[meter], root, 1.0))
            continue
        coming = _into(near(bar.following.root, root), low, high)
        now = root
        for step in read(pattern):
            now = _into(
                _bass_note(step.symbol, bar.chord, root, now, coming, rng), low - 2, high + 5
            )
            gain = accent(step.place, meter) * float(rng.uniform(0.92, 1.04))
            made.append((start + step.place / per_beat, 0.95 * step.length / per_beat, now, gain))
    return made


def _bass_note(
    symbol: str, chord: Chord, root: int, now: int, coming: int, rng: np.random.Generator
) -> int:
    tones = chord.tones
    fixed = {
        "R": 0,
        "8": 12,
        "4": -12,
        "5": _tone(tones, 2, 7),
        "3": _tone(tones, 1, 4),
        "7": _tone(tones, 3, 12),
    }
    if symbol in fixed:
        return root + fixed[symbol]
    if symbol == "a":
        return (
            coming + int(rng.choice([-1, -2, 1, 2], p=[0.4, 0.2, 0.2, 0.2]))
            if coming != root
            else root + fixed["5"]
        )
    choices = [root + tone for tone in tones if abs(root + tone - now) in range(1, 8)]
    return int(rng.choice(choices)) if choices else root + 7  # a walking step


def _tone(tones: tuple[int, ...], index: int, otherwise: int) -> int:
    return tones[index] if index < len(tones) else otherwise


def chords(
    bars: list[Bar],
    pattern: str,
    name: str,
    meter: str,
    centre: int,
    strum_beats: float,
    rng: np.random.Generator,
) -> list[Beat]:
    """Comping or an arpeggio: close voicings around ``centre``."""
    made: list[Beat] = []
    instrument = INSTRUMENTS[name]
    centre = min(max(centre, instrument.low + 9), instrument.high - 9)
    per_beat = STEPS[meter] / BEATS[meter]
    broken = not any(symbol in pattern for symbol in "C")
    for bar in bars:
        start = bar.index * BEATS[meter]
        notes = voiced(bar.chord, centre)
        low = near(bar.chord.root, centre - 12)
        if bar.last:
            spread = 0.08 if broken or strum_beats else 0.0
            final = [low, *notes] if low >= instrument.low else list(notes)
            made += [
                (start + spread * i, 1.6 * BEATS[meter], note, 0.85) for i, note in enumerate(final)
            ]
            continue
        for step in read(pattern):
            gain = accent(step.place, meter) * float(rng.uniform(0.9, 1.05))
            played = _played(step.symbol, notes, low)
            for i, note in enumerate(played):
                place = start + step.place / per_beat + i * strum_beats
                length = step.length / per_beat * (1.6 if broken else 0.95)
                made.append((place, length, note, gain * (0.62 if len(played) > 1 else 0.95)))
    return made


def _played(symbol: str, notes: tuple[int, ...], low: int) -> tuple[int, ...]:
    if symbol == "C":
        return notes
    if symbol == "B":
        return (low,)
    above, index = divmod(int(symbol) - 1, len(notes))
    return (notes[index] + 12 * above,)


def melody(
    bars: list[Bar],
    rhythms: tuple[str, ...],
    name: str,
    meter: str,
    key: str,
    kind: str,
    centre: int,
    rng: np.random.Generator,
) -> list[Beat]:
    """A tune: each section's tag has its own motifs, and says them again when it comes back."""
    made: list[Beat] = []
    instrument = INSTRUMENTS[name]
    centre = min(max(centre, instrument.low + 9), instrument.high - 9)
    themes: dict[str, list[tuple[str, list[int]]]] = {}
    per_beat = STEPS[meter] / BEATS[meter]
    scale = [p for p in range(instrument.low, instrument.high + 1) if p % 12 in scale_of(key, kind)]
    for bar in bars:
        tag = "verse" if bar.tag in ("intro", "outro") else bar.tag
        if tag not in themes:
            themes[tag] = _theme(rhythms, rng)
        start = bar.index * BEATS[meter]
        middle = centre + (3 if bar.tag == "chorus" else 0)
        if bar.last:
            home = near(bar.chord.root, middle)
            made.append((start, 1.5 * BEATS[meter], home, 0.9))
            continue
        pattern, moves = themes[tag][bar.place % len(themes[tag])]
        closing = bar.place % 4 == 3
        pitches = _pitches(read(pattern), moves, bar.chord, scale, middle, meter)
        for step, pitch in zip(read(pattern), pitches, strict=True):
            if closing and step.place >= STEPS[meter] * 3 // 4:
                break  # a breath at the end of the phrase
            gain = accent(step.place, meter) * float(rng.uniform(0.92, 1.05))
            made.append((start + step.place / per_beat, 0.93 * step.length / per_beat, pitch, gain))
    return made


def _theme(rhythms: tuple[str, ...], rng: np.random.Generator) -> list[tuple[str, list[int]]]:
    """Four bars made of two or three motifs (a rhythm and its moves in scale steps)."""
    motifs = []
    for _ in range(3):
        rhythm = rhythms[int(rng.integers(len(rhythms)))]
        slope = float(rng.choice([-0.6, 0.0, 0.6]))
        moves = [int(round(move)) for move in rng.normal(slope, 1.2, len(read(rhythm)))]
        motifs.append((rhythm, moves))
    plan = ("aaab", "abab", "aabc", "abac")[int(rng.integers(4))]
    return [motifs["abc".index(letter)] for letter in plan]


def _pitches(
    steps: list[Step], moves: list[int], chord: Chord, scale: list[int], centre: float, meter: str
) -> list[int]:
    """Motif moves over a chord: stressed notes are chord tones, the others step along the scale."""
    tones = [p for p in range(scale[0], scale[-1] + 1) if p % 12 in chord.classes]
    beat = STEPS[meter] // BEATS[meter]
    now = float(centre)
    made: list[int] = []
    for step, move in zip(steps, moves, strict=True):
        index = int(np.argmin([abs(p - now) for p in scale])) + move
        now = scale[min(max(index, 0), len(scale) - 1)]
        now += -3 if now > centre + 9 else 3 if now < centre - 8 else 0
        allowed = tones if step.place % beat == 0 or step.length >= beat else scale
        now = min(allowed, key=lambda p: abs(p - now))
        made.append(int(now))
    return made


def _into(pitch: int, low: int, high: int) -> int:
    """The pitch moved by octaves to lie between ``low`` and ``high``."""
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch
