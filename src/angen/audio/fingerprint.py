"""Whether two files hold the same music, whatever their format and level."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from angen.audio.files import read_audio
from angen.audio.signal import Floats, Framer, hann, magnitudes

_RATE_HZ = 11_025
_LONGEST_S = 180.0  # more would tell no more
_SIZE, _HOP = 4_096, 5_512  # half a second between frames
_BANDS = 40  # from 60 Hz to 5 kHz, about two semitones each
_SAME = 0.93  # correlation; copies in other formats reach 0.98 and more, other songs 0.8
_SHIFT_FRAMES = 1  # by which encoders may delay


def same_music(one: Path, other: Path) -> bool:
    """Whether two files of about the same length sound the same. Raises BadInput."""
    a, b = _bands(one), _bands(other)
    for shift in range(-_SHIFT_FRAMES, _SHIFT_FRAMES + 1):
        left, right = a[max(0, shift) :], b[max(0, -shift) :]
        count = min(len(left), len(right))
        if count and np.corrcoef(left[:count].ravel(), right[:count].ravel())[0, 1] > _SAME:
            return True
    return False


@lru_cache(maxsize=64)
def _bands(path: Path) -> Floats:
    """Levels (frames, bands) in dB, the softest at 60 dB below the loudest."""
    sound = read_audio(path, rate_hz=_RATE_HZ, mono=True, duration_s=_LONGEST_S).samples[0]
    edges = np.geomspace(60, 5_000, _BANDS + 1) * _SIZE / _RATE_HZ
    starts = np.unique(edges.astype(int))
    found: list[Floats] = []
    framer = Framer(_SIZE, _HOP)
    for frames in (framer.feed(sound), framer.finish()):
        magnitudes(
            frames, hann(_SIZE), lambda power: found.append(np.add.reduceat(power, starts, axis=1))
        )
    levels = np.concatenate(found)[:, :-1]
    return np.asarray(20 * np.log10(np.maximum(levels, 1e-3 * levels.max() + 1e-9)), np.float32)
