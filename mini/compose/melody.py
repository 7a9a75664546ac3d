"""The tune: short motifs, said again over new chords, closing on the tonic."""

from dataclasses import dataclass

import numpy as np

from mini.compose.form import BEATS, STEPS, Bar
from mini.compose.instruments import INSTRUMENTS
from mini.compose.patterns import Note, Step, accent, read, steps_a_beat, suiting
from mini.compose.theory import Chord, near, scale_of, tonic_of

Motif = tuple[str, list[int]]  # a rhythm, and a move in scale steps for each of its notes
PLANS = ("aaab", "abab", "aabc", "abac")
PULL = {0: 0.0, 7: 0.8}  # semitones above the tonic: how far off a chord tone may be, and win
OTHER_PULL = 1.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Voice:
    """Who plays a tune, and from what it is made."""

    instrument: str
    rhythms: tuple[str, ...]
    meter: str
    key: str
    kind: str  # of scale: diatonic, pentatonic, blues, pelog
    centre: int  # MIDI
    energy: str
    legato: float  # 0.93 joined, 0.6 short


def melody(bars: list[Bar], voice: Voice, rng: np.random.Generator) -> list[Note]:
    """A tune: each kind of section has its own motifs, and says them again when it comes back."""
    made: list[Note] = []
    instrument = INSTRUMENTS[voice.instrument]
    centre = min(max(voice.centre, instrument.low + 9), instrument.high - 9)
    themes: dict[str, list[Motif]] = {}
    beats = BEATS[voice.meter]
    for bar in bars:
        tag = "verse" if bar.tag in ("intro", "outro") else bar.tag
        if tag not in themes:
            themes[tag] = _theme(voice, rng)
        middle = centre + (3 if bar.tag == "chorus" else 0)
        if bar.last:
            made.append((bar.index * beats, 1.5 * beats, near(bar.chord.root, middle), 0.9))
            continue
        motif = themes[tag][bar.place % 4]
        for step, pitch in _phrase(bar, motif, voice, middle):
            loud = accent(step.place, voice.meter) * float(rng.uniform(0.92, 1.05))
            length = voice.legato * step.length / steps_a_beat(voice.meter)
            place = bar.index * beats + step.place / steps_a_beat(voice.meter)
            made.append((place, length, pitch, loud))
    return made


def _theme(voice: Voice, rng: np.random.Generator) -> list[Motif]:
    """Four bars made of two or three motifs."""
    motifs: list[Motif] = []
    for _ in range(3):
        rhythm = suiting(voice.rhythms, voice.energy, rng)
        slope = float(rng.choice([-0.6, 0.0, 0.6]))
        moves = [round(move) for move in rng.normal(slope, 1.2, len(read(rhythm)))]
        motifs.append((rhythm, moves))
    plan = PLANS[int(rng.integers(len(PLANS)))]
    return [motifs["abc".index(letter)] for letter in plan]


def _phrase(bar: Bar, motif: Motif, voice: Voice, middle: int) -> list[tuple[Step, int]]:
    """One bar of the tune; each fourth bar leaves a breath and comes to rest."""
    pattern, moves = motif
    steps = read(pattern)
    notes = _scale(voice, bar.chord)
    pitches = _pitches(steps, moves, bar.chord, notes, middle, voice)
    if bar.place % 4 != 3:
        return list(zip(steps, pitches, strict=True))
    kept = [step for step in steps if step.place < STEPS[voice.meter] * 3 // 4]
    pitches = pitches[: len(kept)]
    if kept and bar.place % 8 == 7:
        tonic = tonic_of(voice.key)[0]
        rest = tonic if tonic in bar.chord.classes else bar.chord.root
        pitches[-1] = near(rest, pitches[-1])
    return list(zip(kept, pitches, strict=True))


def _scale(voice: Voice, chord: Chord) -> list[int]:
    """The notes within reach: the scale, bent where the chord has a note that it lacks."""
    classes = set(scale_of(voice.key, voice.kind))
    for foreign in chord.classes - classes:
        beside = {(foreign - 1) % 12, (foreign + 1) % 12}
        classes = (classes - (beside - chord.classes)) | {foreign}
    instrument = INSTRUMENTS[voice.instrument]
    return [p for p in range(instrument.low, instrument.high + 1) if p % 12 in classes]


def _pitches(
    steps: list[Step],
    moves: list[int],
    chord: Chord,
    scale: list[int],
    centre: float,
    voice: Voice,
) -> list[int]:
    """Motif moves over a chord: stressed notes are chord tones, the others go by the scale."""
    tonic = tonic_of(voice.key)[0]
    tones = [p for p in scale if p % 12 in chord.classes]
    cost = {p: PULL.get((p - tonic) % 12, OTHER_PULL) for p in tones}
    beat = steps_a_beat(voice.meter)
    now = float(centre)
    made: list[int] = []
    for step, move in zip(steps, moves, strict=True):
        index = int(np.argmin([abs(p - now) for p in scale])) + move
        now = scale[min(max(index, 0), len(scale) - 1)]
        now += -3 if now > centre + 9 else 3 if now < centre - 8 else 0
        stressed = step.place % beat == 0 or step.length >= beat
        made.append(_nearest(now, tones if stressed else scale, cost if stressed else {}))
        now = made[-1]
    return made


def _nearest(aim: float, allowed: list[int], cost: dict[int, float]) -> int:
    return min(allowed, key=lambda pitch: abs(pitch - aim) + cost.get(pitch, 0.0))
