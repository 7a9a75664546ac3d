"""Recordings to prepare: short pieces with a beat, written as files."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE_HZ = 16_000


def piece(
    seconds: float, *, bpm: float = 120, note_hz: float = 220, seed: int = 0
) -> NDArray[np.float64]:
    """A held fifth under a click on each beat (S,), at ``RATE_HZ``."""
    samples = round(seconds * RATE_HZ)
    time = np.arange(samples) / RATE_HZ
    sound = 0.2 * np.sin(2 * np.pi * note_hz * time) + 0.1 * np.sin(3 * np.pi * note_hz * time)
    noise = np.random.default_rng(seed)
    for beat in np.arange(0, seconds, 60 / bpm):
        at = round(beat * RATE_HZ)
        length = min(1_500, samples - at)
        decay = np.exp(-np.arange(length) / 200)
        sound[at : at + length] += 0.4 * noise.standard_normal(length) * decay
    return np.clip(sound, -0.99, 0.99)


def write_song(path: Path, seconds: float = 25, *, seed: int = 0, bpm: float = 120) -> Path:
    """A song of its own for each seed; the suffix says the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = piece(seconds, bpm=bpm, note_hz=220 * 2 ** (seed % 12 / 12), seed=seed)
    soundfile.write(path, sound, RATE_HZ)
    return path
