"""A finished score: notes in seconds, and the exact labels of what they are."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What a listener could say about a piece, known exactly because we composed it."""

    style: str
    bpm: float  # beats a minute; in 6/8 the beat is the dotted quarter
    key: str  # "C major", "A minor"
    meter: str  # "4/4", "3/4" or "6/8"
    mood: str
    energy: str  # low, medium, high
    instruments: tuple[str, ...]  # that sound, the most important first
    sections: tuple[tuple[str, float, float], ...]  # (tag, start_s, end_s)


@dataclass(frozen=True, slots=True)
class Event:
    """One note. ``pitch`` is MIDI, or the General MIDI drum key; ``gain`` is 0 to about 1.3."""

    start_s: float
    length_s: float
    pitch: int
    gain: float


@dataclass(kw_only=True)
class Track:
    """All notes of one player. ``sound`` names an instrument or a drum kit."""

    sound: str
    label: str  # what a listener calls it
    gain: float
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Score:
    """Everything that rendering needs."""

    labels: Labels
    tracks: list[Track]
    beats: NDArray[np.float64]  # (N,) seconds
    downbeats: NDArray[np.float64]  # (M,) seconds
    end_s: float  # where the music is over, or is cut
    ends: bool  # whether it comes to an end, or is cut short
    fade_s: float  # length of a fade-out before ``end_s``; 0 for none
    reverb: float
    loudness: float  # LUFS
    brightness: float  # 0 dull to 1 as recorded
