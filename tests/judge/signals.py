"""Sounds by formula, the same on every machine."""

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000


def sung_and_struck() -> NDArray[np.float32]:
    """6 s at 16 kHz: two tones, one with vibrato, and bursts of noise twice a second."""
    n = np.arange(6 * RATE_HZ)
    t = n / RATE_HZ
    tones = 0.1 * np.sin(2 * np.pi * 220 * t)
    tones += 0.05 * np.sin(2 * np.pi * 440 * t * (1 + 0.001 * np.sin(2 * np.pi * 5 * t)))
    noise = (n * 7919 % 1013) / 1013 - 0.5
    return (tones + 0.05 * noise * (np.sin(2 * np.pi * 2 * t) > 0.7)).astype(np.float32)
