"""Sound as the judge hears it: patches of 3 s of log mel.

Shapes: S samples at 16 kHz, P patches, T frames of a patch, M mel bands.
"""

from collections.abc import Iterator

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from angen.errors import BadInput
from angen.judge.network import BANDS, FRAMES
from angen.mel import slaney_filters

RATE_HZ = 16_000
_FFT, _HOP = 512, 256
_AT_ONCE = 8  # patches: bounds the memory, whatever the length

Sound = NDArray[np.float32]


def patches(samples: Sound, rate_hz: int) -> Iterator[Tensor]:
    """The patches (P, T, M) of samples (channels, n) or (n,), a few at a time, in order.

    They follow each other without overlap. What is left at the end of a long sound is not heard;
    one that is shorter than a patch is repeated until it fills one.

    Raises BadInput for a sound that is empty or not made of numbers.
    """
    if samples.size == 0 or not np.isfinite(samples).all():
        raise BadInput("The sound is empty, or holds samples that are no numbers. Use another.")
    mono = np.atleast_2d(samples).mean(0, dtype=np.float32)  # (n,)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ)
    heard = torch.from_numpy(np.ascontiguousarray(mono, np.float32))
    least = (FRAMES - 1) * _HOP  # samples of a patch, without what its edges see
    if len(heard) < least:
        heard = heard.repeat(-(-least // max(1, len(heard))))[:least]
    yield from _log_mel(functional.pad(heard[None, None], (_FFT // 2,) * 2, mode="reflect")[0, 0])


def _log_mel(padded: Tensor) -> Iterator[Tensor]:
    """Patches of (S + FFT,) samples: what ``librosa.feature.melspectrogram`` gives, compressed."""
    window = torch.hann_window(_FFT)
    filters = slaney_filters(RATE_HZ, _FFT, BANDS)
    count = ((len(padded) - _FFT) // _HOP + 1) // FRAMES
    for first in range(0, count, _AT_ONCE):
        some = min(_AT_ONCE, count - first)
        begin = first * FRAMES * _HOP
        part = padded[begin : begin + (some * FRAMES - 1) * _HOP + _FFT]
        spectrum = torch.stft(part, _FFT, _HOP, window=window, center=False, return_complex=True)
        power = spectrum.real**2 + spectrum.imag**2  # (bins, frames)
        mel = torch.log10(10_000 * (filters @ power) + 1)
        yield mel.T.reshape(some, FRAMES, BANDS)
