"""Waveform to latents: log-mel frames, then convolutions down to the latents' rate.

Shapes: B clips, C latent channels, T latent frames, S samples.
"""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.mel import LogMel
from angen.vocoder.frames import Block, FrameNorm


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderConfig:
    """Fields of ``encoder.json`` beside ``"kind": "mel"``; stages run from fast to slow."""

    out_channels: int
    sample_rate_hz: int
    fft_samples: int
    hop_samples: int
    bands: int
    widths: tuple[int, ...]  # channels of each stage
    blocks: tuple[int, ...]  # residual blocks of each stage
    kernels: tuple[int, ...]  # frames that a block of the stage looks over
    factors: tuple[int, ...]  # downsampling after each stage but the last

    def __post_init__(self) -> None:
        if not len(self.widths) == len(self.blocks) == len(self.kernels) == len(self.factors) + 1:
            raise ValueError(
                f"encoder stages disagree: widths={self.widths}, blocks={self.blocks}, "
                f"kernels={self.kernels}, factors={self.factors} (one fewer)"
            )

    @property
    def samples_per_frame(self) -> int:
        """Samples that become one latent frame."""
        return prod(self.factors) * self.hop_samples


class Normalise(nn.Module):
    """Each channel of (B, C, T) to mean 0, deviation 1: the batch's while training, then learned.

    Latents that carry little would otherwise shrink, and the DiT's noise would drown them.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, C, T)."""
        mean, deviation = self.mean, self.deviation
        if self.training:
            mean, deviation = x.mean((0, 2)), x.std((0, 2)) + 1e-4
            with torch.no_grad():
                self.mean.lerp_(mean, 0.02)
                self.deviation.lerp_(deviation, 0.02)
        return (x - mean[:, None]) / deviation[:, None]


class Encoder(nn.Module):
    """Waveform (B, 1, S) at its rate -> latents (B, C, T), T = ceil(S / samples_per_frame).

    The last frame of a clip that does not fill it is completed with silence. Each channel is
    normalised by statistics learned with the weights: over the training music its mean is 0 and
    its deviation 1.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.sample_rate_hz = config.sample_rate_hz
        self.samples_per_frame = config.samples_per_frame
        self.out_channels = config.out_channels
        self.mel = LogMel(
            rate_hz=config.sample_rate_hz,
            fft_samples=config.fft_samples,
            hop_samples=config.hop_samples,
            bands=config.bands,
        )
        self.enter = nn.Conv1d(config.bands, config.widths[0], 5, padding=2)
        layers: list[nn.Module] = []
        for i, width in enumerate(config.widths):
            layers += [Block(width, config.kernels[i]) for _ in range(config.blocks[i])]
            if i < len(config.factors):
                stride = config.factors[i]
                layers.append(nn.Conv1d(width, config.widths[i + 1], stride, stride=stride))
        self.layers = nn.ModuleList(layers)
        self.norm = FrameNorm(config.widths[-1])
        self.leave = nn.Conv1d(config.widths[-1], config.out_channels, 1)
        self.normalise = Normalise(config.out_channels)

    def forward(self, audio: Tensor) -> Tensor:
        """(B, 1, S) -> (B, C, T) in float32."""
        batch, _, samples = audio.shape
        if samples == 0:
            return audio.new_zeros(batch, self.out_channels, 0)
        missing = -samples % self.samples_per_frame
        mel = self.mel(functional.pad(audio[:, 0], (0, missing)))  # (B, bands, S / hop)
        x = self.enter((mel + 5) / 2.5)  # music's log-mels lie around -5 by 2.5
        for layer in self.layers:
            x = layer(x)
        latents: Tensor = self.normalise(self.leave(self.norm(x)).float())
        return latents
