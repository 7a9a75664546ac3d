"""Sounds that no composer wrote, so that the codec learns sound and not only our instruments."""

import numpy as np
from numpy.typing import NDArray


def random_sound(samples: int, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random sound (samples,), peak at most 1: tones, glides, chords, clicks, noise or a mix."""
    makers = (harmonic_notes, glide, noise_bursts)
    count = int(rng.integers(1, 4))
    sound = np.zeros(samples)
    for _ in range(count):
        maker = makers[int(rng.integers(len(makers)))]
        sound += rng.uniform(0.2, 1) * maker(samples, rate_hz, rng)
    return (sound / max(1.0, float(np.abs(sound).max()))).astype(np.float32)


def harmonic_notes(samples: int, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A few notes with random overtones, attacks, decays and vibrato."""
    sound = np.zeros(samples)
    for _ in range(int(rng.integers(1, 7))):
        start = int(rng.integers(0, samples - 99))
        time = np.arange(samples - start) / rate_hz
        pitch_hz = 27.5 * 2 ** rng.uniform(0.5, 6.5)
        vibrato = rng.uniform(0, 0.006) * np.sin(2 * np.pi * rng.uniform(3, 7) * time)
        phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + vibrato)) / rate_hz
        tilt = rng.uniform(0.3, 2.5)
        note = np.zeros(len(time))
        for k in range(1, int(rng.integers(1, 16)) + 1):
            if k * pitch_hz < 0.45 * rate_hz:
                note += k**-tilt * rng.uniform(0.3, 1) * np.sin(k * phase + rng.uniform(0, 6))
        attack = 1 - np.exp(-time / rng.uniform(0.001, 0.05))
        sound[start:] += rng.uniform(0.2, 1) * note * attack * np.exp(-time / rng.uniform(0.05, 3))
    return np.asarray(sound / (np.abs(sound).max() + 1e-9))


def glide(samples: int, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A tone that slides between two pitches."""
    ends = 40 * 2 ** rng.uniform(0, 7, 2)
    pitch_hz = np.geomspace(ends[0], ends[1], samples)
    return np.sin(2 * np.pi * np.cumsum(pitch_hz) / rate_hz) * rng.uniform(0.2, 1)


def noise_bursts(samples: int, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Filtered noise that decays from random moments on, as of drums."""
    sound = np.zeros(samples)
    for _ in range(int(rng.integers(1, 8))):
        start = int(rng.integers(0, samples - 99))
        time = np.arange(samples - start) / rate_hz
        burst = rng.standard_normal(len(time)) * np.exp(-time / rng.uniform(0.005, 0.4))
        smooth = int(rng.integers(1, 24))
        if rng.random() < 0.5:
            burst = np.convolve(burst, np.ones(smooth) / smooth, mode="same")
        else:
            burst = np.diff(burst, prepend=0)
        sound[start:] += rng.uniform(0.2, 1) * burst
    return np.asarray(sound / (np.abs(sound).max() + 1e-9))
