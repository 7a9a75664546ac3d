"""Timbres made by formula: no samples, no licence but ours.

Every function returns one note, (S,) float32, loudness-matched to the sampled bank.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mini.compose.instruments import DRUMS, INSTRUMENTS

Samples = NDArray[np.float64]
FULL = 0.25  # RMS of the loudest 100 ms, as in the sampled bank


def note(name: str, pitch: int, rate_hz: int) -> NDArray[np.float32]:
    """One note of a formula instrument, or one hit of the noise kit: (S,) float32."""
    if name == "noise":
        made = _noise_drum(pitch, rate_hz)
    else:
        length_s = INSTRUMENTS[name].hold_s + 0.3
        t = np.arange(round(length_s * rate_hz)) / rate_hz  # (S,) seconds
        made = TIMBRES[name](440 * 2 ** ((pitch - 69) / 12), t, rate_hz)
    fade = min(len(made), rate_hz // 50)
    made[-fade:] *= np.linspace(1, 0, fade)
    return (made * (FULL / _loudest(made, rate_hz))).astype(np.float32)


def _loudest(made: Samples, rate_hz: int) -> float:
    window = rate_hz // 10
    energy = np.cumsum(np.concatenate([np.zeros(window), made**2]))
    return float(np.sqrt(max(1e-9, np.max(energy[window:] - energy[:-window]) / window)))


def _partials(hz: float, rate_hz: int, most: int = 60) -> NDArray[np.int64]:
    """The harmonics of ``hz`` that a signal at ``rate_hz`` can hold."""
    return np.arange(1, max(2, min(most, int(0.47 * rate_hz / hz)) + 1))


def _sum(hz: float, t: Samples, weights: Samples) -> Samples:
    """Harmonics 1..K of ``hz`` with the given weights, by the Chebyshev recurrence."""
    phase = 2 * np.pi * hz * t
    twice, before, now = 2 * np.cos(phase), np.zeros_like(t), np.sin(phase)
    total = weights[0] * now
    for weight in weights[1:]:
        before, now = now, twice * now - before
        total += weight * now
    return np.asarray(total)


def pulse(hz: float, t: Samples, rate_hz: int, duty: float = 0.25) -> Samples:
    """A band-limited pulse wave with an 8-bit console's quick attack and slight decay."""
    k = _partials(hz, rate_hz)
    wave = _sum(hz * (1 + 0.0004), t, np.sin(np.pi * k * duty) / k)
    return np.asarray(wave * np.minimum(1, t / 0.002) * (0.65 + 0.35 * np.exp(-t / 0.25)))


def triangle(hz: float, t: Samples, rate_hz: int) -> Samples:
    k = _partials(hz, rate_hz, most=24)
    weights = np.where(k % 2 == 1, (-1.0) ** ((k - 1) // 2) / k**2, 0.0)
    return np.asarray(_sum(hz, t, weights) * np.minimum(1, t / 0.003))


def pluck(hz: float, t: Samples, rate_hz: int) -> Samples:
    """A saw whose harmonics die the faster the higher they are."""
    k = _partials(hz, rate_hz, most=24)
    total = np.zeros_like(t)
    for each in k:
        total += np.sin(2 * np.pi * hz * each * t) / each * np.exp(-t * (2.5 + 1.2 * each))
    return np.asarray(total * np.minimum(1, t / 0.003))


def acid(hz: float, t: Samples, rate_hz: int) -> Samples:
    """A saw through a resonant filter that closes after the attack."""
    k = _partials(hz, rate_hz, most=40)
    cutoff = 350 + 2600 * np.exp(-t / 0.15)  # (S,) Hz
    total = np.zeros_like(t)
    for each in k:
        ratio = hz * each / cutoff
        response = 1 / np.sqrt((1 - ratio**2) ** 2 + (ratio / 1.6) ** 2)
        total += np.sin(2 * np.pi * hz * each * t) / each * response
    return np.asarray(total * np.minimum(1, t / 0.003))


def music_box(hz: float, t: Samples, rate_hz: int) -> Samples:
    """A plucked steel tine: nearly pure, with two high, short, inharmonic partials."""
    made = np.exp(-t / 0.75) * np.sin(2 * np.pi * hz * t)
    for ratio, weight, life_s in ((3.01, 0.22, 0.16), (6.27, 0.16, 0.05), (2.0, 0.1, 0.4)):
        if hz * ratio < 0.47 * rate_hz:
            made += weight * np.exp(-t / life_s) * np.sin(2 * np.pi * hz * ratio * t)
    return np.asarray(made * np.minimum(1, t / 0.001))


def bell(hz: float, t: Samples, _rate_hz: int) -> Samples:
    """Frequency modulation at 3.5 times the pitch: a bell."""
    index = 1.6 * np.exp(-t / 0.5) * min(1.0, 1500 / hz)
    tone = np.sin(2 * np.pi * hz * t + index * np.sin(2 * np.pi * 3.5 * hz * t))
    return np.asarray(tone * np.exp(-t / 1.1) * np.minimum(1, t / 0.002))


def metallophone(hz: float, t: Samples, rate_hz: int) -> Samples:
    """A struck bronze bar, two of them a few hertz apart, as a gamelan is tuned."""
    made = np.zeros_like(t)
    for ratio, weight, life_s in ((1.0, 1.0, 0.9), (2.76, 0.45, 0.3), (5.4, 0.25, 0.1)):
        for beat_hz in (0.0, 6.0):
            if hz * ratio < 0.45 * rate_hz:
                swing = np.sin(2 * np.pi * (hz * ratio + beat_hz) * t)
                made += weight * np.exp(-t / life_s) * swing
    return np.asarray(made * np.minimum(1, t / 0.001))


def gong(hz: float, t: Samples, _rate_hz: int) -> Samples:
    made = np.zeros_like(t)
    for ratio, weight, life_s in (
        (1, 1, 2.2),
        (1.52, 0.5, 1.5),
        (2.13, 0.45, 1.1),
        (3.31, 0.3, 0.6),
    ):
        made += weight * np.exp(-t / life_s) * np.sin(2 * np.pi * hz * ratio * t)
    return np.asarray(made * np.minimum(1, t / 0.03))


def drone(hz: float, t: Samples, rate_hz: int) -> Samples:
    """A slow, breathing chord of one tone with itself, each harmonic at its own pace."""
    made = np.zeros_like(t)
    for k in _partials(hz, rate_hz, most=9):
        breath = 1 + 0.5 * np.sin(2 * np.pi * (0.11 + 0.07 * k) * t + k)
        for cents in (-5, 4):
            made += breath / k**1.2 * np.sin(2 * np.pi * hz * 2 ** (cents / 1200) * k * t)
    return np.asarray(made * np.minimum(1, t / 0.6))


def _noise_drum(pitch: int, rate_hz: int) -> Samples:
    """The drums of an 8-bit console: clocked noise and falling squares."""
    drum = {key: name for name, key in DRUMS.items()}[pitch]
    lives_s = {"kick": 0.09, "snare": 0.11, "open": 0.16, "crash": 0.45, "ride": 0.08}
    life_s = lives_s.get(drum, 0.1 if drum.startswith("tom") else 0.03)
    t = np.arange(round(max(0.12, 5 * life_s) * rate_hz)) / rate_hz
    if drum == "kick" or drum.startswith("tom"):
        top_hz = {"kick": 170.0, "tom1": 420.0, "tom2": 320.0, "tom3": 240.0}[drum]
        phase = 2 * np.pi * np.cumsum(45 + top_hz * np.exp(-t / 0.035)) / rate_hz
        return np.asarray(np.tanh(3 * np.sin(phase)) * np.exp(-t / life_s))
    clock = {"snare": 3, "crash": 2}.get(drum, 1)  # samples that each random value is held
    random = np.random.default_rng(pitch).choice([-1.0, 1.0], len(t) // clock + 1)
    return np.asarray(np.repeat(random, clock)[: len(t)] * np.exp(-t / life_s))


TIMBRES: dict[str, Callable[[float, Samples, int], Samples]] = {
    "pulse lead": pulse,
    "square lead": lambda hz, t, rate_hz: pulse(hz, t, rate_hz, duty=0.5),
    "pulse arpeggio": lambda hz, t, rate_hz: pulse(hz, t, rate_hz, duty=0.125),
    "triangle bass": triangle,
    "pluck synth": pluck,
    "acid synth": acid,
    "music box": music_box,
    "bells": bell,
    "metallophone": metallophone,
    "gong": gong,
    "drone": drone,
}
