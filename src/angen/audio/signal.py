"""Sound cut into overlapping frames and turned into spectra, as it streams by.

Shapes: S samples of one channel, F frames, K = size // 2 + 1 frequencies.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import uniform_filter1d

Floats = NDArray[np.float32]

LISTENING_RATE_HZ = 22_050  # what rhythm and timbre are heard at
_FRAMES_AT_ONCE = 512  # bounds the memory of one transform


class Framer:
    """Overlapping frames of a stream: frame i is centred on sample ``i * hop``.

    Half a frame of silence goes before the first sample, so that time 0 is heard too.
    """

    def __init__(self, size: int, hop: int) -> None:
        self.size = size
        self.hop = hop
        self._kept: Floats = np.zeros(size // 2, np.float32)

    def feed(self, block: Floats) -> Floats:
        """The frames (F, size) that ``block`` (S,) completes; a view, not to be written to."""
        held = np.concatenate([self._kept, block])
        count = max(0, (len(held) - self.size) // self.hop + 1)
        self._kept = held[count * self.hop :]
        if count == 0:
            return np.zeros((0, self.size), np.float32)
        return np.lib.stride_tricks.sliding_window_view(held, self.size)[
            : count * self.hop : self.hop
        ]

    def finish(self) -> Floats:
        """The last frames (F, size), completed with silence, so that every sample was heard."""
        return self.feed(np.zeros(self.size // 2, np.float32))


def magnitudes(frames: Floats, window: Floats, use: Callable[[Floats], None]) -> None:
    """Hand the magnitude spectra (F, K) of frames (F, size) to ``use``, some at a time.

    Scaled so that a sine of amplitude 1 gives a peak of 1.
    """
    scale = np.float32(2 / window.sum())
    for first in range(0, len(frames), _FRAMES_AT_ONCE):
        spectra = fft.rfft(frames[first : first + _FRAMES_AT_ONCE] * window, axis=1)
        use(np.abs(spectra) * scale)


def hann(size: int) -> Floats:
    """The periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


def local_mean(values: Floats, width: int) -> Floats:
    """Mean over ``width`` neighbours along the first axis; the ends repeat."""
    mean: Floats = uniform_filter1d(values, max(1, width), axis=0, mode="nearest")
    return mean
