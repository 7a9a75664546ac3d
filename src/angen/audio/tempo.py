"""How fast: where something begins in the sound, and at which tempo it keeps beginning.

Shapes: F frames of `FRAME_RATE_HZ`, P candidate tempi, B bands.
"""

from dataclasses import dataclass

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
# What is believed of a tempo: that onsets recur after so many beats, that the curve swings at so
# many times its rate; the weights are tuned on composed pieces and on scores.
_RECURRENCES = ((1, 1.0), (2, 0.8), (3, 0.4), (4, 0.6))
_MULTIPLES = ((1, 1.0), (2, 0.5), (3, 0.3), (4, 0.3))
_WINDOW_S = 12.0  # autocorrelations are taken over this much, then averaged
_MIN_SECONDS = 2.0
_NO_PULSE = 0.02  # of onsets that recur; a lone note has none
_FAINT = 0.01  # rises below this are ripples of a steady sound

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

    A tempo is believed as far as onsets recur after one, two, three and four of its beats
    (autocorrelation), as the curve swings at its rate (spectrum), and as music tends to be
    played at it (a log-normal prior around 100 BPM).
    """
    if len(flux) < _MIN_SECONDS * FRAME_RATE_HZ or not flux.any():
        return None
    bpm = np.exp(np.linspace(np.log(SLOWEST_BPM), np.log(FASTEST_BPM), 720))  # (P,)
    curve = onset_curve(flux)
    bands = [_recurrence(flux[:, i], bpm) for i in range(flux.shape[1])]
    whole = _recurrence(curve, bpm)  # (P,)
    octaves = np.log2(bpm / _PRIOR_BPM) / _PRIOR_OCTAVES
    score = (sum(bands) + whole) * np.sqrt(_swing(curve, bpm)) * np.exp(-0.5 * octaves**2)
    return _choose(bpm, score, whole)


def _windows(curve: Floats) -> list[Doubles]:
    """The curve in pieces of 12 s, each with zero mean and unit energy."""
    count = max(1, round(len(curve) / (_WINDOW_S * FRAME_RATE_HZ)))
    pieces = [piece - piece.mean() for piece in np.array_split(curve.astype(np.float64), count)]
    return [piece / (np.linalg.norm(piece) + 1e-9) for piece in pieces]


def _recurrence(curve: Floats, bpm: Doubles) -> Doubles:
    """How much of the curve comes back after one to four beats of each tempo; at least 0."""
    lags = FRAME_RATE_HZ * 60 / bpm  # (P,) frames a beat
    total = np.zeros(len(bpm))
    for piece in _windows(curve):
        spectrum = np.abs(np.fft.rfft(piece, 2 * len(piece))) ** 2
        again = np.fft.irfft(spectrum)[: len(piece)]  # (lags,) autocorrelation
        again = again / np.maximum(1 - np.arange(len(piece)) / len(piece), 0.3)
        for beats, weight in _RECURRENCES:
            total += weight * np.interp(beats * lags, np.arange(len(again)), again, right=0.0)
    return np.maximum(total / len(_windows(curve)), 0)


def _swing(curve: Floats, bpm: Doubles) -> Doubles:
    """Strength of the curve's spectrum at each tempo and its multiples, between 0 and 1."""
    size = 1 << 15
    total = np.zeros(size // 2 + 1)
    for piece in _windows(curve):
        total += np.abs(np.fft.rfft(piece * np.hanning(len(piece)), size))
    per_minute = np.fft.rfftfreq(size, 1 / FRAME_RATE_HZ) * 60
    at = np.zeros(len(bpm))
    for multiple, weight in _MULTIPLES:
        at += weight * np.interp(multiple * bpm, per_minute, total)
    return np.asarray(at / (at.max() + 1e-9))


def _choose(bpm: Doubles, score: Doubles, recurrence: Doubles) -> Tempo | None:
    """The best of the scores, with those of its relatives that score too."""
    best = int(score.argmax())
    clarity = float(recurrence[best]) / sum(weight for _, weight in _RECURRENCES)
    if score[best] <= 0 or clarity < _NO_PULSE:
        return None
    chosen = float(bpm[best])
    related = [chosen * ratio for ratio in (0.5, 2.0, 2 / 3, 1.5, 1 / 3, 3.0)]
    ranked = sorted(
        ((_near(bpm, score, other), other) for other in related if 30 <= other <= 300),
        reverse=True,
    )
    lead = float(np.log(score[best] / (ranked[0][0] + 1e-3 * score[best])))
    return Tempo(
        bpm=round(chosen, 1),
        confidence=_trust(lead, clarity),
        alternatives=tuple(round(other, 1) for _, other in ranked[:3]),
    )


def _trust(lead: float, clarity: float) -> float:
    """How often a tempo is right that leads its relatives by so much, with so clear a pulse.

    Logistic, fitted on composed pieces and scores, in which a pulse is always there; where it is
    hardly there, nothing is believed.
    """
    right = 1 / (1 + np.exp(-(7 * lead + 1.5 * clarity - 1.2)))
    return float(0.97 * right * np.clip((clarity - 0.1) / 0.2, 0, 1))


def _near(bpm: Doubles, score: Doubles, value: float) -> float:
    """The best score within 4 % of a tempo."""
    close = np.abs(np.log(bpm / value)) < 0.04
    return float(score[close].max()) if close.any() else 0.0
