"""The convolution block that the small decoder is built of, and its norm.

Shapes: B clips, C channels, T frames.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class FrameNorm(nn.Module):
    """Root-mean-square norm over the channels of each frame (B, C, T): no frame sees another."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, C, T)."""
        loudness = x.float().square().mean(1, keepdim=True)  # (B, 1, T)
        return x * (loudness + 1e-6).rsqrt().to(x.dtype) * self.gain[:, None].to(x.dtype)


class Block(nn.Module):
    """Residual block: norm, a convolution over ``kernel`` frames, GELU, a mixing of channels.

    Plain convolutions, not depthwise ones: on a CPU in bfloat16 they are the cheaper way to the
    same number of weights.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.norm = FrameNorm(channels)
        self.over_time = nn.Conv1d(channels, channels, kernel, padding=kernel // 2)
        self.mix = nn.Conv1d(channels, channels, 1)
        nn.init.normal_(self.mix.weight, std=0.3 * channels**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, C, T)."""
        mixed: Tensor = self.mix(functional.gelu(self.over_time(self.norm(x))))
        return x + mixed
