"""One piece of music, from wishes and a generator to a score with exact labels."""

import numpy as np
from numpy.typing import NDArray

from mini.compose.bassline import bass
from mini.compose.comping import chords
from mini.compose.drumming import drums
from mini.compose.form import BEATS, Bar
from mini.compose.instruments import INSTRUMENTS, KITS
from mini.compose.melody import Voice, melody
from mini.compose.patterns import Note, suiting
from mini.compose.planning import Plan, Wishes, one, plan
from mini.compose.score import Event, Labels, Score, Track
from mini.compose.styles import Part

LOUDNESS = {"low": -21.0, "medium": -18.0, "high": -16.0}  # LUFS
BRIGHTNESS = {"low": 0.6, "medium": 0.85, "high": 1.0}
DRUM_LEVEL = {"low": 0.85, "medium": 1.0, "high": 1.1}
LEVELS = {"lead": 0.62, "comping": 0.42, "bass": 0.6, "drums": 0.62}
MACHINES = ("techno", "house", "chiptune")  # styles in exact time
HEARD = 3  # an instrument with fewer notes than this is not in the labels


def compose(wishes: Wishes, rng: np.random.Generator) -> Score:
    """The score of a piece. The same wishes and generator state give the same score."""
    plan_ = plan(wishes, rng)
    tracks = [_cut(track, plan_.end_s) for track in _tracks(plan_, rng)]
    beats = plan_.times[plan_.times < plan_.end_s - 0.05]
    fading = plan_.ends and plan_.ending == "fade"
    return Score(
        labels=_labels(plan_, tracks),
        tracks=[track for track in tracks if track.events],
        beats=beats,
        downbeats=beats[:: BEATS[plan_.meter]],
        end_s=plan_.end_s,
        ends=plan_.ends,
        fade_s=min(8.0, plan_.end_s / 3) if fading else 0.0,
        reverb=plan_.style.reverb * float(rng.uniform(0.6, 1.4)),
        loudness=LOUDNESS[plan_.energy] + float(rng.uniform(-1.5, 1.5)),
        brightness=min(1.0, max(0.4, BRIGHTNESS[plan_.energy] + 0.2 * plan_.lightness)),
    )


def _tracks(plan_: Plan, rng: np.random.Generator) -> list[Track]:
    """The players of the style, each with its part; the leading one first."""
    style, meter = plan_.style, plan_.meter
    made = [_lead(plan_, style.lead, rng)] if style.lead is not None else []
    used = {track.sound for track in made}
    for part in style.parts:
        if rng.random() < part.chance and meter in part.patterns:
            fresh = tuple(name for name in part.instruments if name not in used)
            made.append(_comping(plan_, part, one(fresh or part.instruments, rng), rng))
            used.add(made[-1].sound)
    if style.bass is not None and rng.random() < style.bass.chance and meter in style.bass.patterns:
        made.append(_bass(plan_, style.bass, rng))
    if style.kits and meter in style.drums:
        made.append(_drums(plan_, rng))
    return made


def _lead(plan_: Plan, part: Part, rng: np.random.Generator) -> Track:
    sound = one(part.instruments, rng)
    voice = Voice(
        instrument=sound,
        rhythms=part.patterns[plan_.meter],
        meter=plan_.meter,
        key=plan_.key,
        kind=plan_.style.scale,
        centre=part.centre + 2 * plan_.lightness,
        energy=plan_.energy,
        legato=0.72 if plan_.lightness > 0 else 0.95,
    )
    notes = melody(_playing(plan_.bars, plan_.style.lead_enters), voice, rng)
    return _track(plan_, sound, sound, LEVELS["lead"] * part.gain, notes, rng)


def _comping(plan_: Plan, part: Part, sound: str, rng: np.random.Generator) -> Track:
    pattern = suiting(part.patterns[plan_.meter], plan_.energy, rng)
    enters = part.enters - (0.1 if plan_.energy == "high" else 0.0)
    strum = part.strum_s * plan_.bpm / 60  # [s] * [beat/min] / [s/min] = [beat]
    centre = part.centre + plan_.lightness
    bars = _playing(plan_.bars, enters)
    notes = chords(bars, pattern, sound, plan_.meter, centre, strum, rng)
    return _track(plan_, sound, sound, LEVELS["comping"] * part.gain, notes, rng)


def _bass(plan_: Plan, part: Part, rng: np.random.Generator) -> Track:
    sound = one(part.instruments, rng)
    pattern = suiting(part.patterns[plan_.meter], plan_.energy, rng)
    notes = bass(_playing(plan_.bars, part.enters), pattern, sound, plan_.meter, rng)
    return _track(plan_, sound, sound, LEVELS["bass"] * part.gain, notes, rng)


def _drums(plan_: Plan, rng: np.random.Generator) -> Track:
    kit = KITS[one(plan_.style.kits, rng)]
    enters = plan_.style.drums_enter + (0.1 if plan_.energy == "low" else 0.0)
    notes = drums(plan_.bars, plan_.style.drums[plan_.meter], plan_.meter, enters, rng)
    gain = LEVELS["drums"] * plan_.style.drum_gain * kit.gain * DRUM_LEVEL[plan_.energy]
    return _track(plan_, kit.name, kit.label, gain, notes, rng)


def _playing(bars: list[Bar], enters: float) -> list[Bar]:
    """The bars in which a part plays: intense sections, and the closing chord."""
    return [bar for bar in bars if bar.last or bar.intensity >= enters]


def _track(
    plan_: Plan, sound: str, label: str, gain: float, notes: list[Note], rng: np.random.Generator
) -> Track:
    """Notes in beats become notes in seconds: swing, tempo, a hair of human timing, dynamics."""
    own = INSTRUMENTS[sound].gain if sound in INSTRUMENTS else 1.0
    track = Track(sound=sound, label=label, gain=gain * own * float(rng.uniform(0.85, 1.15)))
    if not notes:
        return track
    places, lengths, pitches, gains = (np.asarray(column) for column in zip(*notes, strict=True))
    starts_s, stops_s = (_seconds(plan_, when) for when in (places, places + lengths))
    loose_s = 0.0 if plan_.style.name in MACHINES else 0.006
    shift_s = rng.normal(0, loose_s, len(starts_s)).clip(-0.014, 0.014)
    lengths_s = np.maximum(0.05, stops_s - starts_s)
    starts_s = np.maximum(0, starts_s + shift_s)
    bar = np.minimum(places // BEATS[plan_.meter], len(plan_.bars) - 1).astype(int)
    shape = np.asarray([0.72 + 0.28 * each.intensity for each in plan_.bars])[bar]
    rows = zip(starts_s, lengths_s, pitches, gains * shape, strict=True)
    track.events = [Event(float(at), float(s), int(p), float(g)) for at, s, p, g in rows]
    return track


def _seconds(plan_: Plan, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """When beats ``places`` sound: (N,) seconds. Past the last bar the tempo goes on."""
    grid = np.arange(len(plan_.times), dtype=np.float64)
    inside = np.interp(_swung(places, plan_.style.swing, plan_.meter), grid, plan_.times)
    return np.asarray(inside + np.maximum(0, places - grid[-1]) * 60 / plan_.bpm)


def _swung(places: NDArray[np.float64], swing: float, meter: str) -> NDArray[np.float64]:
    """Bend each beat so that its middle comes at ``swing`` of it (0.5 is straight)."""
    if meter == "6/8" or swing == 0.5:
        return places
    whole = np.floor(places + 1e-9)
    return np.asarray(whole + np.interp(places - whole, [0.0, 0.5, 1.0], [0.0, swing, 1.0]))


def _cut(track: Track, end_s: float) -> Track:
    events = [event for event in track.events if event.start_s < end_s - 0.03]
    return Track(sound=track.sound, label=track.label, gain=track.gain, events=events)


def _labels(plan_: Plan, tracks: list[Track]) -> Labels:
    heard = dict.fromkeys(track.label for track in tracks if len(track.events) >= HEARD)
    opening = [bar for bar in plan_.bars if bar.place == 0]
    starts = [float(plan_.times[bar.index * BEATS[plan_.meter]]) for bar in opening]
    starts[0] = 0.0
    tags = [bar.tag for bar, start in zip(opening, starts, strict=True) if start < plan_.end_s]
    edges = [*starts[: len(tags)], plan_.end_s]
    return Labels(
        style=plan_.style.name,
        bpm=plan_.bpm,
        key=plan_.key,
        meter=plan_.meter,
        mood=plan_.mood,
        energy=plan_.energy,
        instruments=tuple(heard),
        sections=tuple(zip(tags, edges[:-1], edges[1:], strict=True)),
    )
