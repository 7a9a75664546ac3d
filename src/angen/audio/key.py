"""Which key: the notes that sound, against how often each degree sounds in each key.

Shapes: F frames of `FRAME_RATE_HZ`, 60 fine pitch classes (a fifth of a semitone each), 12
pitch classes from C.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from angen.audio.signal import LISTENING_RATE_HZ, Floats, Framer, hann, magnitudes

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
FRAME_SIZE = 8192
FRAME_HOP = 2048
FRAME_RATE_HZ = LISTENING_RATE_HZ / FRAME_HOP  # 10.8 frames a second

_FINE = 5  # parts of a semitone
_LOWEST_HZ, _BASS_HZ, _HIGHEST_HZ = 55.0, 260.0, 2_100.0
_BASS_WEIGHT = 0.1
_TWELFTH = 0.2  # how much of a note sounds a twelfth higher as well
_ENDING_WEIGHT, _ENDING_S = 0.15, 2.5
_MIDDLE_C_HZ = 261.6256
# How often each degree sounds, from the tonic. Source: Albrecht and Shanahan 2013, The use of
# large corpora to train a new type of key-finding algorithm, Music Perception 31(1).
_MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
_MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key such as "A minor", how sure, and the runner-up."""

    name: str
    confidence: float  # 0..1
    second: str


class ChromaListener:
    """Collects, from a stream, how loud each fine pitch class is in each frame."""

    def __init__(self) -> None:
        self._framer = Framer(FRAME_SIZE, FRAME_HOP)
        self._window = hann(FRAME_SIZE)
        hz = np.fft.rfftfreq(FRAME_SIZE, 1 / LISTENING_RATE_HZ)
        self._low, self._high = np.searchsorted(hz, [_LOWEST_HZ, _HIGHEST_HZ])
        self._treble: list[Floats] = []
        self._bass: list[Floats] = []
        self._turn = 0j  # sum of weights at the angle of each peak's place within its semitone

    def feed(self, block: Floats) -> None:
        """Hear a block (S,) at `LISTENING_RATE_HZ`."""
        magnitudes(self._framer.feed(block), self._window, self._hear)

    def finish(self) -> tuple[Floats, Floats]:
        """Chroma (F, 12) of all that sounds and of the bass, in the recording's own tuning."""
        magnitudes(self._framer.finish(), self._window, self._hear)
        empty = np.zeros((0, 12 * _FINE), np.float32)
        off = float(np.angle(self._turn) / (2 * np.pi))  # semitones, -0.5..0.5
        treble = _fold(np.concatenate([empty, *self._treble]), off)
        return treble, _fold(np.concatenate([empty, *self._bass]), off)

    def _hear(self, spectra: Floats) -> None:
        near = spectra[:, self._low - 1 : self._high + 1]
        left, mid, right = near[:, :-2], near[:, 1:-1], near[:, 2:]
        floor = np.maximum(0.01 * near.max(axis=1, keepdims=True), 1e-5)
        frame, column = np.nonzero((mid > left) & (mid >= right) & (mid > floor))
        a, b, c = (np.log(x[frame, column] + 1e-12) for x in (left, mid, right))
        shift = 0.5 * (a - c) / (a - 2 * b + c - 1e-12)  # parabola through the log magnitudes
        hz = (column + self._low + shift) * (LISTENING_RATE_HZ / FRAME_SIZE)
        pitch = 12 * np.log2(hz / _MIDDLE_C_HZ)  # semitones above middle C
        weight = np.sqrt(mid[frame, column])  # loud notes lead, and do not rule alone
        self._turn += complex(np.sum(weight * np.exp(2j * np.pi * pitch)))
        fine = np.round(pitch * _FINE).astype(int) % (12 * _FINE)
        bass = hz < _BASS_HZ
        self._treble.append(_histogram(frame, fine, weight, len(spectra)))
        self._bass.append(_histogram(frame[bass], fine[bass], weight[bass], len(spectra)))


def estimate_key(treble: Floats, bass: Floats) -> Key | None:
    """The key of chroma (F, 12) of all and of the bass; None where no note sounds.

    The fit of the notes to each key, and a little for a tonic that ends the bass: a piece that
    comes to its end does so at home.
    """
    if not treble.any():
        return None
    notes = _share(treble)
    notes = np.maximum(notes - _TWELFTH * np.roll(notes, 7), 0)  # third harmonics are no fifths
    heard = notes + _BASS_WEIGHT * _share(bass)
    fits = np.array(
        [[_fit(profile, tonic, heard) for tonic in range(12)] for profile in (_MAJOR, _MINOR)]
    )
    fits += _ENDING_WEIGHT * _share(bass[-round(_ENDING_S * FRAME_RATE_HZ) :])  # (2, 12)
    order = np.argsort(fits, axis=None)[::-1]
    best, second = int(order[0]), int(order[1])
    lead = float(fits.flat[best] - fits.flat[second])
    return Key(
        name=_name(best), confidence=_trust(lead, float(fits.flat[best])), second=_name(second)
    )


def _fit(profile: tuple[float, ...], tonic: int, heard: NDArray[np.float64]) -> float:
    """Correlation of the notes heard (12,) with a key's profile."""
    return float(np.corrcoef(np.roll(profile, tonic), heard)[0, 1])


def _trust(lead: float, fit: float) -> float:
    """How often a key is right that leads by so much and fits so well.

    Logistic, fitted on composed pieces and scores.
    """
    return float(0.98 / (1 + np.exp(-(14 * lead + 6.4 * fit - 4.7))))


def harmony_change(treble: Floats, times_s: NDArray[np.float64], span_s: float) -> Floats:
    """How different the harmony is for a span after each time (N,) than before: 0 alike to 1."""
    edges = np.round(times_s * FRAME_RATE_HZ).astype(int)
    span = max(2, round(span_s * FRAME_RATE_HZ))
    sums = np.concatenate([np.zeros((1, 12)), np.cumsum(treble, axis=0, dtype=np.float64)])
    last = len(sums) - 1

    def between(first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
        total = sums[np.clip(end, 0, last)] - sums[np.clip(first, 0, last)]
        return np.asarray(total / (np.linalg.norm(total, axis=1, keepdims=True) + 1e-9))

    alike = (between(edges - span, edges) * between(edges, edges + span)).sum(axis=1)
    unlike: Floats = (1 - alike).astype(np.float32)
    return unlike


def _name(index: int) -> str:
    mode, tonic = divmod(index, 12)
    return f"{NAMES[tonic]} {'minor' if mode else 'major'}"


def _share(chroma: Floats) -> NDArray[np.float64]:
    """Part of each pitch class (12,) in the whole, every frame counting by its square root."""
    total = chroma.sum(axis=0, dtype=np.float64)
    return np.asarray(total / (total.sum() + 1e-12))


def _histogram(
    frame: NDArray[np.int64], fine: NDArray[np.int64], weight: Floats, frames: int
) -> Floats:
    """Weights summed by frame and fine pitch class: (frames, 60)."""
    width = 12 * _FINE
    flat = np.bincount(frame * width + fine, weights=weight, minlength=frames * width)
    table: Floats = flat.reshape(frames, width).astype(np.float32)
    return table


def _fold(fine: Floats, off: float) -> Floats:
    """Fine chroma (F, 60) to (F, 12), semitones centred where the recording has them."""
    places = np.arange(12 * _FINE) / _FINE - off  # semitones from a C in tune
    near = np.mod(places[:, None] - np.arange(12) + 6, 12) - 6  # (60, 12)
    folded: Floats = fine @ np.exp(-0.5 * (near / 0.2) ** 2).astype(np.float32)
    return folded
