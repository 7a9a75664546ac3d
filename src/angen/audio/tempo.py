"""How fast: where something begins in the sound, and at which tempo it keeps beginning.

Shapes: F frames of `FRAME_RATE_HZ`, P candidate tempi, B bands.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from angen.audio.signal import LISTENING_RATE_HZ, Floats, local_mean

FRAME_SIZE = 1024
FRAME_HOP = 256
FRAME_RATE_HZ = LISTENING_RATE_HZ / FRAME_HOP  # 86.1 frames a second
BAND_EDGES_HZ = (30.0, 150.0, 500.0, 2_500.0, 10_000.0)
SLOWEST_BPM, FASTEST_BPM = 40.0, 240.0

# Beats are carried by the low bands; hats like to play between them.
_BAND_WEIGHTS: Floats = np.array([1.5, 1.0, 1.0, 0.5], np.float32)
_PRIOR_BPM = 100.0
_PRIOR_OCTAVES = 0.8
# What a pulse is found by: onsets recur after so many beats, the curve swings at so many times
# its rate. Which level of the pulse is the beat, learned weights decide.
_RECURRENCES = ((1, 1.0), (2, 0.8), (3, 0.4), (4, 0.6))
_MULTIPLES = ((1, 1.0), (2, 0.5), (3, 0.3), (4, 0.3))
_LEVELS = (1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0, 4 / 3, 3 / 2, 2.0, 3.0)  # of a pulse
_RATES = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 1.0, 3 / 2, 2.0, 3.0, 4.0)  # at which a level is looked at
_WINDOW_S = 12.0  # autocorrelations are taken over this much, then averaged
_MIN_SECONDS = 2.0
_NO_PULSE = 0.02  # of onsets that recur; a lone note has none
_FAINT = 0.01  # rises below this are ripples of a steady sound

_SPECTRUM = 1 << 15
_PER_MINUTE = np.fft.rfftfreq(_SPECTRUM, 1 / FRAME_RATE_HZ) * 60

Doubles = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tempo:
    """Beats per minute, how sure, and what else it may be called."""

    bpm: float
    confidence: float  # 0..1
    alternatives: tuple[float, ...]  # half, double or others, likeliest first


class OnsetListener:
    """Collects, from a stream of spectra, how strongly something begins in each frame and band."""

    def __init__(self) -> None:
        hz = np.fft.rfftfreq(FRAME_SIZE, 1 / LISTENING_RATE_HZ)
        self._edges = np.searchsorted(hz, BAND_EDGES_HZ)
        self._last: Floats | None = None
        self._flux: list[Floats] = []

    def finish(self) -> Floats:
        """Onset strength (F, 4) of all that was heard."""
        if not self._flux:
            return np.zeros((0, len(BAND_EDGES_HZ) - 1), np.float32)
        return np.concatenate(self._flux)

    def hear(self, spectra: Floats) -> None:
        """Hear magnitude spectra (F, K) of frames of `FRAME_SIZE`, `FRAME_HOP` apart."""
        level = np.log1p(1000 * spectra)  # (F, K); a loud onset must not drown the soft ones
        before = np.zeros_like(level[:1]) if self._last is None else self._last
        rise = np.maximum(np.diff(level, axis=0, prepend=before), 0)
        self._last = level[-1:]
        low, high = self._edges[:-1], self._edges[1:]
        bands = [rise[:, a:b].mean(axis=1) for a, b in zip(low, high, strict=True)]
        self._flux.append(np.stack(bands, axis=1).astype(np.float32))


def onset_curve(flux: Floats) -> Floats:
    """One onset curve (F,) of the bands (F, B): each against its own surroundings, then summed."""
    sharp = np.maximum(flux - local_mean(flux, round(0.5 * FRAME_RATE_HZ)) - _FAINT, 0)
    spread = np.sqrt(np.maximum(local_mean(sharp**2, round(8 * FRAME_RATE_HZ)), 0))
    floor = 0.1 * sharp.std(axis=0, keepdims=True) + 1e-6
    curve: Floats = sharp / (spread + floor) @ _BAND_WEIGHTS
    return curve


def estimate_tempo(flux: Floats) -> Tempo | None:
    """Tempo of onset strength (F, B); None where nothing begins or it is under 2 s.

    A pulse is believed as far as onsets recur after one, two, three and four of its beats
    (autocorrelation) and as the curve swings at its rate (spectrum). Which of its levels (half,
    double, ...) is the beat is a choice between them, learned from music whose beats are known.
    """
    found = levels(flux)
    if found is None:
        return None
    bpm, numbers, clarity = found
    scores = numbers @ np.array(weights()["levels"])
    odds = np.exp(scores - scores.max())
    order = np.argsort(odds)[::-1]
    best = float(odds[order[0]] / odds.sum())
    return Tempo(
        bpm=round(float(bpm[order[0]]), 1),
        confidence=float(best * np.clip((clarity[order[0]] - 0.1) / 0.2, 0, 1)),
        alternatives=tuple(round(float(bpm[i]), 1) for i in order[1:4]),
    )


def levels(flux: Floats) -> tuple[Doubles, Doubles, Doubles] | None:
    """Levels of the pulse of onset strength (F, B): tempi (L,), features (L, N), clarity (L,).

    None where nothing beats. Clarity is the share of the onset curve that recurs.
    """
    if len(flux) < _MIN_SECONDS * FRAME_RATE_HZ or not flux.any():
        return None
    curve = onset_curve(flux)
    curves = [_Periods.of(part) for part in (*flux.T, curve)]
    bpm = np.exp(np.linspace(np.log(SLOWEST_BPM), np.log(FASTEST_BPM), 720))  # (P,)
    whole = curves[-1].recurrence(bpm)  # (P,)
    score = sum(part.recurrence(bpm) for part in curves) * np.sqrt(curves[-1].swing(bpm))
    octaves = np.log2(bpm / _PRIOR_BPM) / _PRIOR_OCTAVES
    best = int((score * np.exp(-0.5 * octaves**2)).argmax())
    if score[best] <= 0 or whole[best] < _NO_PULSE:
        return None
    places = [_peak(bpm, score, bpm[best] * ratio) for ratio in _LEVELS]
    at = np.unique([place for place in places if place is not None])
    density = np.array([_density(part) for part in (*flux.T, curve)])
    strength = np.log(score[at] / score.max() + 1e-3)
    numbers = [
        _features(curves, density, float(bpm[i]), float(strong))
        for i, strong in zip(at, strength, strict=True)
    ]
    return bpm[at], np.stack(numbers), whole[at]


@lru_cache(maxsize=1)
def weights() -> dict[str, Any]:
    """What ``mini/fit_rhythm.py`` has learned, of tempo and of bars."""
    return dict(json.loads(Path(__file__).with_name("rhythm.json").read_text()))


def _features(curves: "list[_Periods]", density: Doubles, bpm: float, strength: float) -> Doubles:
    """What speaks for a level (N,): its periods in each curve, its pace, the onsets a beat."""
    pace = np.log2(bpm / 100)
    rates = np.array(_RATES) * bpm
    recurring = [part.again(FRAME_RATE_HZ * 60 / rates) for part in curves]
    swinging = [part.level(rates) for part in curves]
    a_beat = (np.clip(density - pace, -2, 4) - 1.5) ** 2
    own = [pace, pace**2, pace**3, strength]
    return np.concatenate([*recurring, *swinging, own, (density - 1.5) * pace, a_beat])


def _density(curve: Floats) -> float:
    """Peaks a second, in octaves, of those well above the mean."""
    mid = curve[1:-1]
    peaks = (mid > curve[:-2]) & (mid >= curve[2:]) & (mid > 2.5 * curve.mean())
    return float(np.log2(peaks.sum() * FRAME_RATE_HZ / len(curve) + 0.1))


def _peak(bpm: Doubles, score: Doubles, value: float) -> int | None:
    """Where the score is best within 4 % of a tempo; None out of range."""
    close = np.flatnonzero(np.abs(np.log(bpm / value)) < 0.04)
    if not SLOWEST_BPM <= value <= FASTEST_BPM:
        return None
    return int(close[score[close].argmax()])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Periods:
    """After which lags a curve comes back, and at which rates it swings."""

    autocorrelation: Doubles  # (lags,)
    spectrum: Doubles  # (bins,) magnitude

    @classmethod
    def of(cls, curve: Floats) -> "_Periods":
        """Means over pieces of 12 s, each with zero mean and unit energy."""
        count = max(1, round(len(curve) / (_WINDOW_S * FRAME_RATE_HZ)))
        size = len(curve) // count
        pieces = curve[: count * size].reshape(count, size).astype(np.float64)
        pieces = pieces - pieces.mean(axis=1, keepdims=True)
        pieces /= np.linalg.norm(pieces, axis=1, keepdims=True) + 1e-9
        again, swing = np.zeros(size), np.zeros(_SPECTRUM // 2 + 1)
        window = np.hanning(size)
        for piece in pieces:  # one by one: the spectra of an hour would take 160 MB
            again += np.fft.irfft(np.abs(np.fft.rfft(piece, 2 * size)) ** 2)[:size] / count
            swing += np.abs(np.fft.rfft(piece * window, _SPECTRUM)) / count
        return cls(
            autocorrelation=again / np.maximum(1 - np.arange(size) / size, 0.3), spectrum=swing
        )

    def again(self, lags: Doubles) -> Doubles:
        """How much comes back after so many frames."""
        return np.interp(lags, np.arange(len(self.autocorrelation)), self.autocorrelation, right=0)

    def recurrence(self, bpm: Doubles) -> Doubles:
        """How much comes back after one to four beats of each tempo, at least 0, at most 1."""
        total = sum(weight * self.again(FRAME_RATE_HZ * 60 * n / bpm) for n, weight in _RECURRENCES)
        return np.maximum(total / sum(weight for _, weight in _RECURRENCES), 0)

    def swing(self, bpm: Doubles) -> Doubles:
        """Strength of the spectrum at each tempo and its multiples, between 0 and 1."""
        at = sum(
            weight * np.interp(n * bpm, _PER_MINUTE, self.spectrum) for n, weight in _MULTIPLES
        )
        return np.asarray(at / (np.max(at) + 1e-9))

    def level(self, rates: Doubles) -> Doubles:
        """Log of the spectrum at rates a minute, against its mean from 10 to 1000."""
        usual = self.spectrum[(_PER_MINUTE > 10) & (_PER_MINUTE < 1000)].mean()
        at = np.interp(rates, _PER_MINUTE, self.spectrum)
        return np.asarray(np.log(at / (usual + 1e-9) + 1e-3))
