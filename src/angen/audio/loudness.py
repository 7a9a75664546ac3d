"""How loud: integrated loudness, and a curve of levels.

Source: ITU-R BS.1770-4 (K weighting, gating); filter formulas after De Man 2014, which hold at
any sample rate.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from angen.audio.signal import Floats

SILENCE_LUFS = -70.0  # the absolute gate: what is softer counts as silence
LEVEL_RATE_HZ = 10  # steps of 100 ms


@dataclass(frozen=True, kw_only=True, slots=True)
class Loudness:
    """How loud a recording is over its length."""

    lufs: float  # integrated and gated; -70.0 for silence
    peak: float  # largest absolute sample, full scale at 1.0
    levels_db: Floats  # RMS of each 100 ms, in dB of full scale, at least -120
    crest_db: float  # peak over RMS


class LoudnessListener:
    """Measures a stream of mono blocks (S,) at ``rate_hz``."""

    def __init__(self, rate_hz: int) -> None:
        self._step = rate_hz // LEVEL_RATE_HZ
        self._sos = _k_weighting(rate_hz)  # (2, 6)
        self._state = np.zeros((2, 2))
        self._kept: Floats = np.zeros((0, 2), np.float32)
        self._powers: list[NDArray[np.float64]] = []
        self._peak = 0.0

    def feed(self, block: Floats) -> None:
        """Hear a block (S,)."""
        if len(block) == 0:
            return
        weighted, self._state = sosfilt(self._sos, block, zi=self._state)
        self._peak = max(self._peak, float(np.abs(block).max()))
        held = np.concatenate([self._kept, np.stack([block, weighted], axis=1)])
        whole = len(held) // self._step * self._step
        steps = held[:whole].reshape(-1, self._step, 2).astype(np.float64)
        self._powers.append((steps**2).mean(axis=1))
        self._kept = held[whole:].astype(np.float32)

    def finish(self) -> Loudness:
        """What was heard."""
        parts = [np.zeros((0, 2)), *self._powers]
        if len(self._kept):
            parts.append((self._kept.astype(np.float64) ** 2).mean(axis=0, keepdims=True))
        powers = np.concatenate(parts)  # (steps, plain and weighted)
        rms = math.sqrt(float(powers[:, 0].mean())) if len(powers) else 0.0
        levels = 10 * np.log10(powers[:, 0] + 1e-12)
        return Loudness(
            lufs=_gated(powers[:, 1]),
            peak=self._peak,
            levels_db=levels.astype(np.float32),
            crest_db=20 * math.log10(self._peak / rms) if rms > 0 else 0.0,
        )


def _gated(powers: NDArray[np.float64]) -> float:
    """Integrated loudness of weighted powers of 100 ms steps."""
    if len(powers) == 0:
        return SILENCE_LUFS
    width = min(4, len(powers))  # blocks of 400 ms that overlap by three quarters
    blocks = np.convolve(powers, np.full(width, 1 / width), mode="valid")
    loud = blocks[_lufs(blocks) > SILENCE_LUFS]
    if len(loud) == 0:
        return SILENCE_LUFS
    kept = loud[_lufs(loud) > float(_lufs(loud.mean())) - 10]
    return float(_lufs(kept.mean()))


def _lufs(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, 1e-15)))


def _k_weighting(rate_hz: int) -> NDArray[np.float64]:
    """The head's high shelf, then the low cut, as second-order sections (2, 6)."""
    gain, q, hz = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    k = math.tan(math.pi * min(hz, 0.45 * rate_hz) / rate_hz)
    high, band = 10 ** (gain / 20), 10 ** (gain / 20 * 0.4996667741545416)
    a0 = 1 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / q + k * k) / a0,
    ]
    q, hz = 0.5003270373238773, 38.13547087602444
    k = math.tan(math.pi * hz / rate_hz)
    a0 = 1 + k / q + k * k
    cut = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    return np.array([shelf, cut])
