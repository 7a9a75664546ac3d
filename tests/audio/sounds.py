"""Music made by formula, whose tempo, key and beats are known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Sound = NDArray[np.float32]

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
DEGREES = (0, 3, 4, 0)  # tonic, subdominant, dominant, tonic


def sine(hz: float, seconds: float, rate_hz: int, level: float = 0.5) -> Sound:
    """(1, n) samples of a sine wave."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return (level * np.sin(2 * np.pi * hz * times)).astype(np.float32)[None]


def clicks(
    bpm: float, seconds: float, rate_hz: int, accent_every: int = 0, first_s: float = 0.0
) -> Sound:
    """(1, n) samples: a short burst on each beat, and a deep drum with each accent."""
    rng = np.random.default_rng(0)
    out = np.zeros(round(seconds * rate_hz))
    burst = rng.standard_normal(rate_hz // 50) * np.exp(-np.arange(rate_hz // 50) * 250 / rate_hz)
    times = np.arange(rate_hz // 5) / rate_hz
    drum = np.sin(2 * np.pi * 60 * times) * np.exp(-12 * times)
    for beat, at_s in enumerate(np.arange(first_s, seconds, 60 / bpm)):
        _add(out, at_s, burst * 0.3, rate_hz)
        if accent_every and beat % accent_every == 0:
            _add(out, at_s, drum * 0.8, rate_hz)
    return out.astype(np.float32)[None]


def chords(
    tonic: int,
    scale: Sequence[int],
    seconds: float,
    rate_hz: int,
    bar_s: float = 2.0,
    cents: float = 0,
) -> Sound:
    """(1, n) samples: triads of I, IV, V, I with a bass, one a bar, ``cents`` out of tune."""
    out = np.zeros(round(seconds * rate_hz))
    for bar, at_s in enumerate(np.arange(0, seconds, bar_s)):
        degree = DEGREES[bar % len(DEGREES)]
        steps = [degree, degree + 2, degree + 4]
        pitches = [60 + tonic + scale[s % 7] + 12 * (s // 7) for s in steps]
        for pitch in (pitches[0] - 24, *pitches):
            _add(out, at_s, _note(pitch + cents / 100, bar_s, rate_hz), rate_hz)
    return out.astype(np.float32)[None]


def band(bpm: float, tonic: int, scale: Sequence[int], seconds: float, rate_hz: int) -> Sound:
    """(1, n) samples: chords that change with each bar of four, drums on its beats."""
    drums = clicks(bpm, seconds, rate_hz, accent_every=4)
    return drums + 0.5 * chords(tonic, scale, seconds, rate_hz, bar_s=240 / bpm)


def write(path: Path, samples: Sound, rate_hz: int, **options: str) -> Path:
    """Write samples (channels, n) in the format of the suffix, with libsndfile."""
    soundfile.write(path, samples.T, rate_hz, **options)
    return path


def _note(pitch: float, seconds: float, rate_hz: int) -> NDArray[np.float64]:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    hz = 440 * 2 ** ((pitch - 69) / 12)
    waves = sum(np.sin(2 * np.pi * hz * k * times) / k for k in (1, 2, 3))
    return np.asarray(0.1 * waves * np.exp(-0.7 * times))


def _add(out: NDArray[np.float64], at_s: float, sound: NDArray[np.float64], rate_hz: int) -> None:
    start = round(at_s * rate_hz)
    room = out[start : start + len(sound)]
    room += sound[: len(room)]
