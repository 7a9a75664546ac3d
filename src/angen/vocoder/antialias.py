"""A periodic activation that does not fold high tones back: computed at twice the rate.

Shapes: B clips, C channels, n samples.

Source: Lee et al. 2023, BigVGAN, arXiv:2206.04658; filter design: Kaiser 1974.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

TAPS = 12
CUTOFF = 0.25  # of the doubled rate: the old Nyquist
HALF_WIDTH = 0.3
RATIO = 2
_GUARD = 1e-9  # keeps the division finite


def lowpass_filter() -> Tensor:
    """The Kaiser-windowed sinc of 12 taps with unit sum, (1, 1, 12)."""
    attenuation = 2.285 * (TAPS // 2 - 1) * math.pi * (4 * HALF_WIDTH) + 7.95
    beta = 0.1102 * (attenuation - 8.7)
    window = torch.kaiser_window(TAPS, periodic=False, beta=beta)
    time = torch.arange(-TAPS // 2, TAPS // 2) + 0.5
    taps = 2 * CUTOFF * window * torch.sinc(2 * CUTOFF * time)
    return (taps / taps.sum()).view(1, 1, TAPS)


class SnakeBeta(nn.Module):
    """x + sin^2(a x) / b, with a and b for each channel, kept as logarithms."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, n) -> (B, C, n)."""
        a, b = self.alpha.exp()[:, None], self.beta.exp()[:, None]
        return x + torch.sin(x * a).square() / (b + _GUARD)


class Upsample(nn.Module):
    """Twice the samples, nothing above the old Nyquist."""

    filter: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", lowpass_filter())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, n) -> (B, C, 2n)."""
        channels, pad = x.shape[1], TAPS // RATIO - 1
        x = functional.pad(x, (pad, pad), mode="replicate")
        taps = self.filter.expand(channels, -1, -1)
        x = RATIO * functional.conv_transpose1d(x, taps, stride=RATIO, groups=channels)
        cut = pad * RATIO + (TAPS - RATIO) // 2  # 15: the padding and the filter's own delay
        return x[..., cut:-cut]


class LowPass(nn.Module):
    """Half the samples, after taking out what they could not carry."""

    filter: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", lowpass_filter())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, 2n) -> (B, C, n)."""
        channels = x.shape[1]
        x = functional.pad(x, (TAPS // 2 - 1, TAPS // 2), mode="replicate")
        taps = self.filter.expand(channels, -1, -1)
        return functional.conv1d(x, taps, stride=RATIO, groups=channels)


class Downsample(nn.Module):
    """A low-pass under the name that the released weights use."""

    def __init__(self) -> None:
        super().__init__()
        self.lowpass = LowPass()

    def forward(self, x: Tensor) -> Tensor:
        return self.lowpass(x)  # type: ignore[no-any-return]


class AntiAliased(nn.Module):
    """Up, activate, down: (B, C, n) -> (B, C, n)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.act = SnakeBeta(channels)
        self.upsample = Upsample()
        self.downsample = Downsample()

    def forward(self, x: Tensor) -> Tensor:
        return self.downsample(self.act(self.upsample(x)))  # type: ignore[no-any-return]
