"""One piece of music, from a seed and a style to a score with exact labels."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mini.compose import form, players
from mini.compose.base_styles import BASE
from mini.compose.held_out_styles import HELD_OUT
from mini.compose.instruments import INSTRUMENTS, KITS
from mini.compose.players import Beat
from mini.compose.score import Event, Labels, Score, Track
from mini.compose.styles import Part, Style
from mini.compose.theory import TONICS, tonic_of

ALL_STYLES: dict[str, Style] = {style.name: style for style in (*BASE, *HELD_OUT)}
LOUDNESS = {"low": -21.0, "medium": -18.0, "high": -16.0}  # LUFS
TAIL_S = 1.6  # how long the last chord may ring after its bar has begun, at least


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the caller fixes; None leaves it to the seed."""

    seconds: float
    style: str
    ends: bool
    bpm: float | None = None
    key: str | None = None
    meter: str | None = None
    mood: str | None = None
    energy: str | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that is decided before the first note."""

    style: Style
    bpm: float
    key: str
    meter: str
    mood: str
    energy: str
    bars: list[form.Bar]
    times: NDArray[np.float64]  # (beats + 1,) seconds
    ending: str


def compose(wishes: Wishes, rng: np.random.Generator) -> Score:
    """The score of a piece. Same wishes and same generator state: same score.

    Raises ValueError for an unknown style, or a key or metre that does not exist.
    """
    plan = _plan(wishes, rng)
    tracks = [track for track in _tracks(plan, rng) if track.events]
    end_s = wishes.seconds
    if wishes.ends:
        last_bar_s = float(plan.times[-1 - form.BEATS[plan.meter]])
        ring = max(TAIL_S, min(4.0, 1.5 * (plan.times[-1] - last_bar_s)))
        end_s = min(wishes.seconds, last_bar_s + ring)
    tracks = [_cut(track, end_s) for track in tracks]
    beats = plan.times[plan.times < end_s - 0.05]
    fade_s = min(8.0, end_s / 3) if wishes.ends and plan.ending == "fade" else 0.0
    return Score(
        labels=_labels(plan, tracks, end_s),
        tracks=[track for track in tracks if track.events],
        beats=beats,
        downbeats=beats[:: form.BEATS[plan.meter]],
        end_s=end_s,
        ends=wishes.ends,
        fade_s=fade_s,
        reverb=plan.style.reverb * float(rng.uniform(0.6, 1.4)),
        loudness=LOUDNESS[plan.energy] + float(rng.uniform(-1.5, 1.5)),
        brightness={"low": 0.55, "medium": 0.8, "high": 1.0}[plan.energy],
    )


T = TypeVar("T")


def _one(choices: tuple[T, ...], rng: np.random.Generator) -> T:
    return choices[int(rng.integers(len(choices)))]


def _plan(wishes: Wishes, rng: np.random.Generator) -> Plan:
    if wishes.style not in ALL_STYLES:
        raise ValueError(f"style={wishes.style!r} is not one of {', '.join(ALL_STYLES)}")
    style = ALL_STYLES[wishes.style]
    energy = wishes.energy or _one(style.energies, rng)
    drawn_bpm = _tempo(style, energy, rng)
    bpm = wishes.bpm or drawn_bpm
    drawn_key = f"{_one(TONICS, rng)} {'minor' if rng.random() < style.minor_share else 'major'}"
    key = wishes.key or drawn_key
    mode = tonic_of(key)[1]
    meter = wishes.meter or _one(style.meters, rng)
    if meter not in style.meters:
        raise ValueError(f"meter={meter!r}: {style.name} is played in {', '.join(style.meters)}")
    mood = wishes.mood or _one(style.moods[mode], rng)
    ending = _one(style.endings, rng)
    bar_s = form.BEATS[meter] * 60 / bpm
    lead_in_s = float(rng.uniform(0.01, 0.08))
    room_s = wishes.seconds - lead_in_s - (max(TAIL_S, bar_s) if wishes.ends else 0)
    if wishes.ends and ending == "ritard":
        room_s -= 0.4 * bar_s
    count = max(1, int(room_s / bar_s) + 1) if wishes.ends else int(room_s / bar_s) + 2
    bars = form.bars_of(
        form.sections_for(count, wishes.ends, rng),
        _progressions(style, mode, rng),
        key,
        wishes.ends,
    )
    times = form.beat_times(count, meter, bpm, lead_in_s, wishes.ends and ending == "ritard")
    return Plan(
        style=style, bpm=bpm, key=key, meter=meter, mood=mood, energy=energy, bars=bars, times=times, ending=ending
    )  # fmt: skip


def _tempo(style: Style, energy: str, rng: np.random.Generator) -> float:
    """Calm pieces lie lower in the style's range, energetic ones higher. Whole or half numbers."""
    low, high = style.bpm
    centre = {"low": 0.3, "medium": 0.5, "high": 0.7}[energy]
    share = float(np.clip(rng.normal(centre, 0.28), 0, 1))
    return float(round(low + share * (high - low)))


def _progressions(style: Style, mode: str, rng: np.random.Generator) -> dict[str, tuple[str, ...]]:
    choices = style.major if mode == "major" else style.minor
    picked = {}
    for tag in form.INTENSITY:
        picked[tag] = tuple(_one(choices, rng).split())
    if rng.random() < 0.6:
        picked["chorus"] = picked["verse"]
    picked["inst"] = picked["chorus"]
    picked["intro"] = picked["outro"] = picked["verse"]
    home = min((name for row in choices for name in row.split()), key=_homeliness)
    return picked | {"home": (home,)}


def _homeliness(numeral: str) -> tuple[int, int]:
    """Tonic chords first, and the plainest of them."""
    degree = numeral.rstrip("maj0123456789suo")
    return (0 if degree in ("I", "i") else 1, len(numeral))


def _tracks(plan: Plan, rng: np.random.Generator) -> list[Track]:
    made: list[Track] = []
    style, meter = plan.style, plan.meter
    level = {"low": 0.85, "medium": 1.0, "high": 1.1}[plan.energy]
    if style.lead is not None:
        made.append(_lead(plan, style.lead, rng))
    used = {track.sound for track in made}
    for part in style.parts:
        enters = part.enters - (0.1 if plan.energy == "high" else 0.0)
        if rng.random() < part.chance and meter in part.patterns:
            fresh = tuple(name for name in part.instruments if name not in used) or part.instruments
            made.append(_comping(plan, part, _one(fresh, rng), enters, rng))
            used.add(made[-1].sound)
    if style.bass is not None and rng.random() < style.bass.chance and meter in style.bass.patterns:
        made.append(_bass(plan, style.bass, rng))
    if style.kits and meter in style.drums:
        made.append(_drums(plan, level, rng))
    return made


def _lead(plan: Plan, part: Part, rng: np.random.Generator) -> Track:
    sound = _one(part.instruments, rng)
    bars = _playing(plan.bars, plan.style.lead_enters)
    notes = players.melody(
        bars,
        part.patterns[plan.meter],
        sound,
        plan.meter,
        plan.key,
        plan.style.scale,
        part.centre,
        rng,
    )
    return _track(plan, sound, sound, 0.62 * part.gain, notes, rng)


def _comping(plan: Plan, part: Part, sound: str, enters: float, rng: np.random.Generator) -> Track:
    patterns = part.patterns[plan.meter]
    strum = part.strum_s * plan.bpm / 60
    chosen = _one(patterns, rng)
    notes = players.chords(
        _playing(plan.bars, enters), chosen, sound, plan.meter, part.centre, strum, rng
    )
    return _track(plan, sound, sound, 0.42 * part.gain, notes, rng)


def _bass(plan: Plan, part: Part, rng: np.random.Generator) -> Track:
    sound = _one(part.instruments, rng)
    pattern = _one(part.patterns[plan.meter], rng)
    notes = players.bass(_playing(plan.bars, part.enters), pattern, sound, plan.meter, rng)
    return _track(plan, sound, sound, 0.6 * part.gain, notes, rng)


def _drums(plan: Plan, level: float, rng: np.random.Generator) -> Track:
    kit = KITS[_one(plan.style.kits, rng)]
    enters = plan.style.drums_enter + (0.1 if plan.energy == "low" else 0.0)
    notes = players.drums(plan.bars, plan.style.drums[plan.meter], plan.meter, enters, rng)
    gain = 0.62 * plan.style.drum_gain * kit.gain * level
    return _track(plan, kit.name, kit.label, gain, notes, rng)


def _playing(bars: list[form.Bar], enters: float) -> list[form.Bar]:
    """The bars in which a part plays: intense sections, and the closing chord."""
    return [bar for bar in bars if bar.last or bar.intensity >= enters]


def _track(
    plan: Plan, sound: str, label: str, gain: float, notes: list[Beat], rng: np.random.Generator
) -> Track:
    """Notes in beats become notes in seconds: swing, tempo, a hair of human timing, dynamics."""
    own = INSTRUMENTS[sound].gain if sound in INSTRUMENTS else 1.0
    track = Track(sound=sound, label=label, gain=gain * own * float(rng.uniform(0.85, 1.15)))
    if not notes:
        return track
    places, lengths, pitches, gains = (np.asarray(column) for column in zip(*notes, strict=True))
    grid = np.arange(len(plan.times), dtype=np.float64)
    ends = np.minimum(_swung(places + lengths, plan.style.swing, plan.meter), grid[-1])
    starts_s = np.interp(_swung(places, plan.style.swing, plan.meter), grid, plan.times)
    lengths_s = np.interp(ends, grid, plan.times) - starts_s
    beyond = places + lengths > grid[-1]
    lengths_s = np.where(
        beyond, lengths_s + (places + lengths - grid[-1]) * 60 / plan.bpm, lengths_s
    )
    loose = 0.0 if plan.style.name in ("techno", "house", "chiptune") else 0.006
    starts_s = np.maximum(0, starts_s + rng.normal(0, loose, len(starts_s)).clip(-0.014, 0.014))
    bar = np.minimum(places // form.BEATS[plan.meter], len(plan.bars) - 1).astype(int)
    shape = np.asarray([0.72 + 0.28 * each.intensity for each in plan.bars])[bar]
    for start, length, pitch, loud in zip(starts_s, lengths_s, pitches, gains * shape, strict=True):
        track.events.append(Event(float(start), float(max(0.05, length)), int(pitch), float(loud)))
    return track


def _swung(places: NDArray[np.float64], swing: float, meter: str) -> NDArray[np.float64]:
    """Bend each beat so that its middle comes at ``swing`` of it (0.5 is straight)."""
    if meter == "6/8" or swing == 0.5:
        return places
    whole = np.floor(places + 1e-9)
    return whole + np.interp(places - whole, [0.0, 0.5, 1.0], [0.0, swing, 1.0])


def _cut(track: Track, end_s: float) -> Track:
    events = [event for event in track.events if event.start_s < end_s - 0.03]
    return Track(sound=track.sound, label=track.label, gain=track.gain, events=events)


def _labels(plan: Plan, tracks: list[Track], end_s: float) -> Labels:
    heard: dict[str, float] = {}
    for track in tracks:
        if len(track.events) > 2:
            heard.setdefault(track.label, 0.0)
    starts: list[tuple[str, float]] = []
    for bar in plan.bars:
        start = float(plan.times[bar.index * form.BEATS[plan.meter]])
        if bar.place == 0 and start < end_s - 0.05:
            starts.append((bar.tag, 0.0 if bar.index == 0 else start))
    stops = [start for _, start in starts[1:]] + [end_s]
    sections = tuple((tag, start, stop) for (tag, start), stop in zip(starts, stops, strict=True))
    return Labels(
        style=plan.style.name,
        bpm=plan.bpm,
        key=plan.key,
        meter=plan.meter,
        mood=plan.mood,
        energy=plan.energy,
        instruments=tuple(heard),
        sections=sections,
    )
