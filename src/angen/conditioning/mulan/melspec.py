"""The mel frames that MuQ hears: decibels, made as its training made them.

Shapes: B clips, S samples, T = floor(S / hop) frames.
"""

import math

import torch
from torch import Tensor, nn

FFT_SAMPLES = 2048
QUIETEST = 1e-10  # power; digital silence is -100 dB exactly
FEWEST_SAMPLES = FFT_SAMPLES // 2 + 1  # a clip is mirrored at its ends by half a window


def htk_filters(rate_hz: int, bands: int) -> Tensor:
    """Triangles of height 1 over the bins of a spectrum, (FFT_SAMPLES // 2 + 1, bands).

    Source: the mel scale of O'Shaughnessy 1987, 2595 log10(1 + f / 700), as in HTK.
    """
    bins_hz = torch.linspace(0, rate_hz / 2, FFT_SAMPLES // 2 + 1, dtype=torch.float32)
    top = 2595 * math.log10(1 + rate_hz / 2 / 700)
    points_mel = torch.linspace(0, top, bands + 2, dtype=torch.float32)
    points_hz = 700 * (10 ** (points_mel / 2595) - 1)
    steps = points_hz[1:] - points_hz[:-1]
    slopes = points_hz - bins_hz[:, None]  # (bins, bands + 2)
    rising, falling = -slopes[:, :-2] / steps[:-1], slopes[:, 2:] / steps[1:]
    return torch.minimum(rising, falling).clamp_min(0).float()


class MelDecibels(nn.Module):
    """Waveform (B, S) -> (B, bands, T) in dB of power, always in float32. Holds no weights."""

    window: Tensor
    filters: Tensor

    def __init__(self, *, rate_hz: int, hop_samples: int, bands: int) -> None:
        super().__init__()
        self.hop_samples = hop_samples
        self.register_buffer("window", torch.hann_window(FFT_SAMPLES), persistent=False)
        self.register_buffer("filters", htk_filters(rate_hz, bands), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """The last frame of the transform is dropped, as in the original."""
        spectrum = torch.stft(
            audio.float(),
            FFT_SAMPLES,
            self.hop_samples,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )  # (B, bins, T + 1)
        power = spectrum.abs().square()[..., :-1]
        mel = (power.transpose(1, 2) @ self.filters).transpose(1, 2)
        return 10 * mel.clamp_min(QUIETEST).log10()
