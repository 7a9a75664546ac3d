"""Latents to waveform by an inverse Fourier transform: the decoder that a CPU can afford.

Convolutions carry the latents from their 5 frames a second to short overlapping spectra, as
magnitude and phase, which are transformed back and added up.

Shapes: B clips, C latent channels, T latent frames, F spectrum frames, K bins, S samples.

Source: Siuzdak 2023, Vocos, arXiv:2306.00814, for the head; the rest is ours.
"""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.vocoder.frames import Block, FrameNorm, Upsample

LOUDEST_LOG = 7.0  # cap of a log magnitude, far above full scale: keeps a bad latent finite


@dataclass(frozen=True, kw_only=True, slots=True)
class IstftConfig:
    """Fields of ``decoder.json`` beside ``"kind": "istft"``; stages run from slow to fast."""

    in_channels: int
    sample_rate_hz: int
    fft_samples: int
    hop_samples: int
    widths: tuple[int, ...]  # channels of each stage
    blocks: tuple[int, ...]  # residual blocks of each stage
    kernels: tuple[int, ...]  # frames that a block of the stage looks over
    factors: tuple[int, ...]  # upsampling after each stage but the last

    def __post_init__(self) -> None:
        if not len(self.widths) == len(self.blocks) == len(self.kernels) == len(self.factors) + 1:
            raise ValueError(
                f"decoder stages disagree: widths={self.widths}, blocks={self.blocks}, "
                f"kernels={self.kernels}, factors={self.factors} (one fewer)"
            )
        if self.fft_samples % self.hop_samples or self.fft_samples < 2 * self.hop_samples:
            raise ValueError(
                f"fft_samples={self.fft_samples} must be a multiple of "
                f"hop_samples={self.hop_samples}, at least twice it"
            )

    @property
    def samples_per_frame(self) -> int:
        """Samples that one latent frame becomes."""
        return prod(self.factors) * self.hop_samples


def overlap_add(frames: Tensor, hop_samples: int) -> Tensor:
    """Windows (B, F, N), each ``hop_samples`` after the one before, summed: (B, (F-1)*hop + N)."""
    parts = frames.unflatten(2, (-1, hop_samples))  # (B, F, N / hop, hop)
    batch, count, laps, _ = parts.shape
    total = frames.new_zeros(batch, count + laps - 1, hop_samples)
    for lap in range(laps):
        total = total + functional.pad(parts[:, :, lap], (0, 0, lap, laps - 1 - lap))
    return total.flatten(1)


class InverseStft(nn.Module):
    """Latents (B, C, T) -> waveform (B, 1, T * samples_per_frame)."""

    window: Tensor

    def __init__(self, config: IstftConfig) -> None:
        super().__init__()
        self.config = config
        self.sample_rate_hz = config.sample_rate_hz
        self.samples_per_frame = config.samples_per_frame
        self.in_channels = config.in_channels
        self.enter = nn.Conv1d(config.in_channels, config.widths[0], 3, padding=1)
        layers: list[nn.Module] = []
        for i, width in enumerate(config.widths):
            layers += [Block(width, config.kernels[i]) for _ in range(config.blocks[i])]
            if i < len(config.factors):
                layers.append(Upsample(width, config.widths[i + 1], config.factors[i]))
        self.layers = nn.ModuleList(layers)
        self.norm = FrameNorm(config.widths[-1])
        self.leave = nn.Conv1d(config.widths[-1], config.fft_samples + 2, 1)
        self.register_buffer("window", torch.hann_window(config.fft_samples), persistent=False)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, C, T) -> (B, 1, S), S = T * samples_per_frame; no frames give no samples."""
        batch, _, frames = latents.shape
        if frames == 0:
            return latents.new_zeros(batch, 1, 0)
        x = self.enter(latents)
        for layer in self.layers:
            x = layer(x)
        return self.to_wave(self.leave(self.norm(x)))

    def to_wave(self, spectra: Tensor) -> Tensor:
        """Log magnitude and phase (B, 2K, F) -> (B, 1, F * hop_samples), in float32."""
        log_magnitude, phase = spectra.float().chunk(2, dim=1)  # (B, K, F) each
        magnitude = log_magnitude.clamp_max(LOUDEST_LOG).exp()
        spectrum = torch.complex(magnitude * phase.cos(), magnitude * phase.sin())
        frames = torch.fft.irfft(spectrum.transpose(1, 2), dim=2) * self.window  # (B, F, N)
        hop = self.config.hop_samples
        wave = overlap_add(frames, hop)
        weight = overlap_add(self.window.square().expand(1, frames.shape[1], -1), hop)
        trim = (self.config.fft_samples - hop) // 2
        length = frames.shape[1] * hop
        cut = slice(trim, trim + length)
        return (wave[:, cut] / weight[:, cut])[:, None]
