"""Genre, mood, instruments and energy, from the sound and the rhythm of a recording.

Shapes: F frames, K frequencies, M = 24 mel bands.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from angen.audio.loudness import Loudness
from angen.audio.signal import LISTENING_RATE_HZ, Floats

BANDS = 24
_FRAME_SIZE = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Timbre:
    """Statistics of the spectrum over a recording."""

    mean: NDArray[np.float64]  # (M,) mean log energy of each mel band
    spread: NDArray[np.float64]  # (M,) its standard deviation
    motion: NDArray[np.float64]  # (M,) mean absolute change from frame to frame
    shape: NDArray[np.float64]  # mean and spread of centroid (octaves), flatness, roughness


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All that the names are drawn from."""

    timbre: Timbre
    flux: Floats  # (F, 4) onset strength
    treble: Floats  # (F', 12) chroma
    bpm: float  # 0 where nothing beats
    minor: bool
    loudness: Loudness


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What a person would call it; confidence has energy, genre, mood and instruments."""

    energy: Literal["low", "medium", "high"]
    genre: str
    mood: str
    instruments: tuple[str, ...]
    confidence: dict[str, float]


class TimbreListener:
    """Collects statistics of a stream of magnitude spectra."""

    def __init__(self) -> None:
        self._mel = _mel_bands()
        self._hz = np.fft.rfftfreq(_FRAME_SIZE, 1 / LISTENING_RATE_HZ)[1:]
        self._sums = np.zeros((3, BANDS))
        self._shape = np.zeros((2, 2))
        self._count = 0
        self._last: NDArray[np.float64] | None = None

    def hear(self, spectra: Floats) -> None:
        """Hear magnitude spectra (F, K)."""
        if len(spectra) == 0:
            return
        level = np.log(spectra**2 @ self._mel + 1e-8).astype(np.float64)  # (F, M)
        before = level[:1] if self._last is None else self._last
        motion = np.abs(np.diff(level, axis=0, prepend=before))
        self._sums += [level.sum(axis=0), (level**2).sum(axis=0), motion.sum(axis=0)]
        power = spectra[:, 1:] ** 2 + 1e-12
        centroid = np.log2((power @ self._hz) / power.sum(axis=1))
        flat = np.log(power).mean(axis=1) - np.log(power.mean(axis=1))
        shape = np.stack([centroid, flat], axis=1).astype(np.float64)
        self._shape += [shape.sum(axis=0), (shape**2).sum(axis=0)]
        self._count += len(spectra)
        self._last = level[-1:]

    def finish(self) -> Timbre:
        """The statistics of all that was heard."""
        mean, square, motion = self._sums / max(1, self._count)
        shape_mean, shape_square = self._shape / max(1, self._count)
        shape_spread = np.sqrt(np.maximum(shape_square - shape_mean**2, 0))
        return Timbre(
            mean=mean,
            spread=np.sqrt(np.maximum(square - mean**2, 0)),
            motion=motion,
            shape=np.concatenate([shape_mean, shape_spread]),
        )


def name(facts: Facts) -> Names:
    """Name what the facts describe."""
    energy, sure = _energy(facts)
    mood, mood_sure = _mood(facts, energy)
    return Names(
        energy=energy,
        genre="instrumental",
        mood=mood,
        instruments=(),
        confidence={"energy": sure, "genre": 0.0, "mood": mood_sure, "instruments": 0.0},
    )


def _energy(facts: Facts) -> tuple[Literal["low", "medium", "high"], float]:
    """How driven it feels: loudness, and how much begins each second."""
    activity = float(np.log10(facts.flux.mean() + 1e-4)) if len(facts.flux) else -4.0
    drive = (facts.loudness.lufs + 20) / 8 + (activity + 1.3) * 2
    if abs(drive) < 1:
        return "medium", float(0.4 + 0.4 * (1 - abs(drive)))
    sure = float(np.clip(0.4 + 0.3 * (abs(drive) - 1), 0, 0.9))
    return ("high" if drive > 0 else "low"), sure


def _mood(facts: Facts, energy: str) -> tuple[str, float]:
    """A word for valence and arousal: mode for the one, energy for the other."""
    words = {
        ("low", True): "melancholic",
        ("medium", True): "pensive",
        ("high", True): "intense",
        ("low", False): "calm",
        ("medium", False): "warm",
        ("high", False): "happy",
    }
    return words[energy, facts.minor], 0.3


def _mel_bands() -> Floats:
    """Triangles (K, M) evenly spaced on the mel scale up to 10 kHz."""
    hz = np.fft.rfftfreq(_FRAME_SIZE, 1 / LISTENING_RATE_HZ)
    mel = 2595 * np.log10(1 + hz / 700)
    edges = np.linspace(2595 * np.log10(1 + 40 / 700), 2595 * np.log10(1 + 10_000 / 700), BANDS + 2)
    rise = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rise, fall))
    scaled: Floats = (bands / (bands.sum(axis=0) + 1e-9)).astype(np.float32)
    return scaled
