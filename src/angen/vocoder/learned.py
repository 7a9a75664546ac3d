"""Waveform to latents, learned against a decoder that was released without its encoder.

Mel frames of several window lengths go two ways. The straight one is a single linear map from all
that is heard in a latent frame, in its order of time; it can be computed instead of trained. The
other one adds what no such map can say: convolutions that bring the mel frames down to the
decoder's latent rate, and a small transformer whose layers look a few latent frames to either
side. So a frame depends on a fixed stretch of sound around it, and a long recording may be encoded
in pieces.

Shapes: B clips, C latent channels, T latent frames, F = T * frames mel frames, P features of a
latent frame, D width, S samples.

Source: convolution blocks after Liu et al. 2022, ConvNeXt, arXiv:2201.03545; rotary positions: Su
et al. 2021, arXiv:2104.09864.
"""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.mel import LogMel

MEL_MEAN, MEL_STD = -5.0, 2.5  # of log magnitudes of music, roughly: the network sees them near 1
ROTARY_BASE = 100.0  # looks no further than a few frames
MOST_LAYERS = 100
MOST_FRAMES = 10_000  # of mel in a latent frame


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedConfig:
    """Fields of ``encoder.json`` under ``network``."""

    out_channels: int
    sample_rate_hz: int  # that it listens at; the decoder may speak at another
    fft_samples: tuple[int, ...]  # a view each: short windows know when, long ones which pitch
    hop_samples: int
    bands: int  # of each view
    strides: tuple[int, ...]  # from mel frames down to latent frames
    width: int
    depth: int  # transformer layers
    heads: int
    reach: int  # latent frames that a layer looks to either side

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise ValueError(f"width={self.width} must be a multiple of twice heads={self.heads}")
        if min(self.strides, default=0) < 1 or not self.fft_samples:
            raise ValueError("strides must be 1 or more, and fft_samples at least one")
        if self.depth > MOST_LAYERS:
            raise ValueError(f"depth={self.depth}: {MOST_LAYERS} is the most")
        if prod(self.strides) > MOST_FRAMES:
            raise ValueError(f"strides={self.strides}: {MOST_FRAMES:,} together is the most")

    @property
    def samples_per_frame(self) -> int:
        """Samples, at its own rate, that become one latent frame."""
        return self.hop_samples * prod(self.strides)

    @property
    def moments(self) -> tuple[int, ...]:
        """How often in a latent frame each view is looked at on the straight way.

        Every quarter of its window, or as often as there are mel frames: more says nothing new.
        """
        frames = prod(self.strides)
        return tuple(
            next(
                n for n in range(1, frames + 1) if frames % n == 0 and self._often(n, size, frames)
            )
            for size in self.fft_samples
        )

    def _often(self, times: int, fft_samples: int, frames: int) -> bool:
        return times == frames or times * fft_samples >= 4 * self.samples_per_frame

    @property
    def features(self) -> int:
        """Numbers that the straight way sees of a latent frame."""
        return sum(self.moments) * self.bands


class Refiner(nn.Module):
    """Residual block over time with a norm per frame: (B, D, F) -> (B, D, F)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.over_time = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 3 * width)
        self.narrow = nn.Linear(3 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.over_time(x).transpose(1, 2))
        more: Tensor = self.narrow(functional.gelu(self.widen(y)))
        return x + more.transpose(1, 2)


class Layer(nn.Module):
    """Attention to the latent frames around, then a feed-forward: (B, T, D) -> (B, T, D)."""

    def __init__(self, config: LearnedConfig) -> None:
        super().__init__()
        width = config.width
        self.heads, self.reach = config.heads, config.reach
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.ff_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, frames, _ = x.shape
        qkv = self.qkv(self.norm(x)).view(batch, frames, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, D / H) each
        place = torch.arange(frames, device=x.device)
        near = (place[:, None] - place).abs() <= self.reach  # (T, T)
        heard = functional.scaled_dot_product_attention(
            turned(q, place), turned(k, place), v, attn_mask=near
        )
        heard = self.out(heard.transpose(1, 2).flatten(2))
        x = x + heard
        more: Tensor = self.narrow(functional.gelu(self.widen(self.ff_norm(x))))
        return x + more


def turned(x: Tensor, place: Tensor) -> Tensor:
    """Queries or keys (B, H, T, 2n) turned by their places (T,): only distances are felt."""
    half = x.shape[-1] // 2
    rates = ROTARY_BASE ** (-torch.arange(half, device=x.device).float() / half)
    angle = place.float()[:, None] * rates  # (T, n)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class LearnedEncoder(nn.Module):
    """Waveform (B, 1, S) at its rate -> latents (B, C, T), T = ceil(S / samples_per_frame).

    decoder     fingerprint of the decoder that it was fitted to; of no other are these the latents
    refine      gradient steps on a clip's latents through the decoder that follow
    mean, std   (C,) of the latents that the base model itself makes
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: LearnedConfig, *, decoder: str = "", refine: int = 0) -> None:
        super().__init__()
        self.config = config
        self.decoder = decoder
        self.refine = refine
        self.sample_rate_hz = config.sample_rate_hz
        self.samples_per_frame = config.samples_per_frame
        self.out_channels = config.out_channels
        self.views = nn.ModuleList(
            LogMel(
                rate_hz=config.sample_rate_hz,
                fft_samples=size,
                hop_samples=config.hop_samples,
                bands=config.bands,
            )
            for size in config.fft_samples
        )
        width = config.width
        self.enter = nn.Conv1d(len(config.fft_samples) * config.bands, width, 5, padding=2)
        down: list[nn.Module] = []
        for stride in config.strides:
            down += [Refiner(width), nn.Conv1d(width, width, stride, stride=stride)]
        self.down = nn.Sequential(*down)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, config.out_channels)
        self.straight = nn.Linear(config.features, config.out_channels).requires_grad_(False)
        for way in (self.leave, self.straight):  # a new encoder says the mean
            nn.init.zeros_(way.weight)
            nn.init.zeros_(way.bias)
        self.register_buffer("mean", torch.zeros(config.out_channels))
        self.register_buffer("std", torch.ones(config.out_channels))

    def forward(self, audio: Tensor) -> Tensor:
        """(B, 1, S) -> (B, C, T) in float32; no samples give no frames."""
        batch, _, samples = audio.shape
        if samples == 0:
            return audio.new_zeros(batch, self.out_channels, 0)
        mels = self.mels(audio)
        x = self.down(self.enter(torch.cat(mels, dim=1))).transpose(1, 2)  # (B, T, D)
        for layer in self.layers:
            x = layer(x)
        normal = self.leave(self.norm(x)) + self.straight(self.features(mels))
        latents: Tensor = normal.float() * self.std + self.mean
        return latents.transpose(1, 2)

    def mels(self, audio: Tensor) -> list[Tensor]:
        """Waveform (B, 1, S) -> each view (B, bands, F), with silence up to a whole frame."""
        missing = -audio.shape[-1] % self.samples_per_frame
        whole = functional.pad(audio[:, 0], (0, missing))
        return [(view(whole) - MEL_MEAN) / MEL_STD for view in self.views]

    def features(self, mels: list[Tensor]) -> Tensor:
        """Views (B, bands, F) -> what the straight way sees (B, T, P)."""
        frames = prod(self.config.strides)
        seen = []
        for mel, times in zip(mels, self.config.moments, strict=True):
            fewer = functional.avg_pool1d(mel, frames // times)  # (B, bands, T * times)
            framed = fewer.view(*fewer.shape[:2], -1, times)  # (B, bands, T, times)
            seen.append(framed.transpose(1, 2).flatten(2))
        return torch.cat(seen, dim=2)
