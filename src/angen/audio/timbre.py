"""What a recording sounds like, as numbers that do not depend on how loud it was recorded.

Shapes: F frames, K frequencies, M = 24 mel bands, B = 4 bands of onsets.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from angen.audio.loudness import Loudness
from angen.audio.signal import LISTENING_RATE_HZ, Floats

BANDS = 24
FRAME_SIZE = 1024
FLOOR = 1e-8  # of band power: about -80 dB
LOWEST_HZ, HIGHEST_HZ = 40.0, 10_000.0

Doubles = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Timbre:
    """Statistics of the spectrum over a recording."""

    mean: Doubles  # (M,) mean log power of each mel band
    spread: Doubles  # (M,) its standard deviation
    motion: Doubles  # (M,) mean absolute change from frame to frame
    shape: Doubles  # (4,) mean of centroid (octaves) and flatness, then their spread


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All that names are drawn from."""

    timbre: Timbre
    flux: Floats  # (F, B) onset strength
    treble: Floats  # (F', 12) chroma
    change: float  # how much the harmony changes from beat to beat, 0..1
    bpm: float  # 0 where nothing beats
    triple: bool  # three beats in a bar
    minor: bool
    loudness: Loudness


class TimbreListener:
    """Collects statistics of a stream of magnitude spectra."""

    def __init__(self) -> None:
        self._mel = mel_bands()
        self._octaves = np.log2(np.fft.rfftfreq(FRAME_SIZE, 1 / LISTENING_RATE_HZ)[1:])
        self._sums = np.zeros((3, BANDS))
        self._shape = np.zeros((2, 2))
        self._count = 0
        self._last: Floats | None = None

    def hear(self, spectra: Floats) -> None:
        """Hear magnitude spectra (F, K) of frames of `FRAME_SIZE`."""
        if len(spectra) == 0:
            return
        power = spectra**2
        level = np.log(power @ self._mel + FLOOR)  # (F, M)
        before = level[:1] if self._last is None else self._last
        motion = np.abs(np.diff(level, axis=0, prepend=before))
        for total, values in zip(self._sums, (level, level**2, motion), strict=True):
            total += values.sum(axis=0, dtype=np.float64)
        shape = self._shapes(power[:, 1:])
        self._shape += [shape.sum(axis=0), (shape**2).sum(axis=0)]
        self._count += len(spectra)
        self._last = level[-1:]

    def _shapes(self, power: Floats) -> Doubles:
        """Centroid in octaves and flatness in nepers of each frame: (F, 2)."""
        power = power + np.float32(1e-12)
        total = power.sum(axis=1)
        centroid = power @ self._octaves.astype(np.float32) / total
        flatness = np.log(power).mean(axis=1) - np.log(total / power.shape[1])
        return np.stack([centroid, flatness], axis=1).astype(np.float64)

    def finish(self) -> Timbre:
        """The statistics of all that was heard."""
        mean, square, motion = self._sums / max(1, self._count)
        shape_mean, shape_square = self._shape / max(1, self._count)
        return Timbre(
            mean=mean,
            spread=np.sqrt(np.maximum(square - mean**2, 0)),
            motion=motion,
            shape=np.concatenate(
                [shape_mean, np.sqrt(np.maximum(shape_square - shape_mean**2, 0))]
            ),
        )


def features(facts: Facts) -> Doubles:
    """The numbers (N,) that a classifier is given. Loudness comes last, so that it can be cut off.

    Source of the choice: Tzanetakis and Cook 2002, Musical Genre Classification of Audio Signals;
    rhythm and harmony are ours.
    """
    timbre = facts.timbre
    tilt = timbre.mean - timbre.mean.mean()  # (M,) what is left when the level is taken out
    return np.concatenate(
        [
            tilt,
            timbre.spread,
            timbre.motion,
            timbre.shape,
            _rhythm(facts),
            _harmony(facts),
            _level(facts),
        ]
    )


def _rhythm(facts: Facts) -> Doubles:
    """How much begins in each band, how unevenly, how often; how fast it beats, and in what."""
    flux = facts.flux.astype(np.float64) + 1e-6
    mean = flux.mean(axis=0)
    peak = np.quantile(flux, 0.98, axis=0) / mean
    rate = (flux > 3 * mean).mean(axis=0)
    pace = np.log2(facts.bpm / 100) if facts.bpm else 0.0
    tail = [pace, pace**2, float(facts.triple)]
    return np.concatenate([np.log(mean), np.log(peak), rate, tail])


def _harmony(facts: Facts) -> Doubles:
    """How many pitch classes share the sound, how much the chords change, and the mode."""
    chroma = facts.treble.sum(axis=0, dtype=np.float64) + 1e-9
    share = np.sort(chroma / chroma.sum())[::-1]
    frames = facts.treble / (facts.treble.sum(axis=1, keepdims=True) + 1e-9)
    at_once = float((-(frames * np.log(frames + 1e-9)).sum(axis=1)).mean()) if len(frames) else 0.0
    spread = float(-(share * np.log(share)).sum())
    return np.array([spread, at_once, share[0], share[6:].sum(), facts.change, float(facts.minor)])


def _level(facts: Facts) -> Doubles:
    """Dynamics, then loudness."""
    levels = facts.loudness.levels_db
    heard = levels[levels > levels.max() - 40] if len(levels) else np.zeros(1)
    return np.array([float(heard.std()), facts.loudness.crest_db, facts.loudness.lufs])


def mel_bands() -> Floats:
    """Triangles (K, M), evenly spaced on the mel scale, each of sum 1."""
    hz = np.fft.rfftfreq(FRAME_SIZE, 1 / LISTENING_RATE_HZ)
    mel = 2595 * np.log10(1 + hz / 700)
    lowest, highest = 2595 * np.log10(1 + np.array([LOWEST_HZ, HIGHEST_HZ]) / 700)
    edges = np.linspace(lowest, highest, BANDS + 2)
    rise = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rise, fall))
    scaled: Floats = (bands / (bands.sum(axis=0) + 1e-9)).astype(np.float32)
    return scaled
