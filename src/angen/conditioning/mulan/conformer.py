"""MuQ, the audio network: mel frames to a sequence of vectors, 25 a second.

Names of modules are those of the released tensors. Normalisation over batches is always that of
the running statistics: there is no training mode to forget.

Shapes: B clips, F bands, T mel frames, t = T / 4 positions, D width, H heads.

Source: Zhu et al. 2025, MuQ, arXiv:2501.01108; conformer: Gulati et al. 2020, arXiv:2005.08100;
rotary positions: Su et al. 2021, arXiv:2104.09864.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.conditioning.mulan.config import MuQConfig
from angen.conditioning.mulan.melspec import MelDecibels

EPS = 1e-5


class FixedNorm(nn.Module):
    """Batch normalisation by stored statistics, over channels (B, C, ...)."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=EPS
        )


class ResidualBlock(nn.Module):
    """Convolutions that halve the bands, and time or not: (B, C, F, T) -> (B, C', F / 2, T / s)."""

    def __init__(self, enter: int, leave: int, over_time: int) -> None:
        super().__init__()
        stride = (2, over_time)
        self.conv1 = nn.Conv2d(enter, leave, 3, stride=stride, padding=1)
        self.bn1 = FixedNorm(leave)
        self.conv2 = nn.Conv2d(leave, leave, 3, padding=1)
        self.bn2 = FixedNorm(leave)
        self.conv3 = nn.Conv2d(enter, leave, 3, stride=stride, padding=1)
        self.bn3 = FixedNorm(leave)

    def forward(self, x: Tensor) -> Tensor:
        deep = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(self.bn3(self.conv3(x)) + deep)


class Subsampling(nn.Module):
    """Normalised mel frames (B, F, T) -> (B, t, D)."""

    def __init__(self, config: MuQConfig) -> None:
        super().__init__()
        first, second = config.halvings_of_time
        self.conv = nn.Sequential(
            ResidualBlock(1, config.conv_dim, first),
            ResidualBlock(config.conv_dim, config.conv_dim, second),
        )
        bands = (config.bands + 3) // 4  # rounded up
        self.linear = nn.Linear(config.conv_dim * bands, config.dim)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.conv(mel[:, None])  # (B, C, F / 4, t)
        leave: Tensor = self.linear(x.permute(0, 3, 1, 2).flatten(2))
        return leave


class FeedForward(nn.Module):
    """(B, t, D) -> (B, t, D)."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(dim, inner)
        self.output_dense = nn.Linear(inner, dim)

    def forward(self, x: Tensor) -> Tensor:
        leave: Tensor = self.output_dense(functional.silu(self.intermediate_dense(x)))
        return leave


class Attention(nn.Module):
    """Self-attention whose input, not whose queries and keys, is turned by its position."""

    def __init__(self, config: MuQConfig) -> None:
        super().__init__()
        self.heads, self.base = config.heads, config.rotary_base
        self.linear_q = nn.Linear(config.dim, config.dim)
        self.linear_k = nn.Linear(config.dim, config.dim)
        self.linear_v = nn.Linear(config.dim, config.dim)
        self.linear_out = nn.Linear(config.dim, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, t, D) -> (B, t, D)."""
        turned = self.turned(x)
        q, k = self.apart(self.linear_q(turned)), self.apart(self.linear_k(turned))
        heard = functional.scaled_dot_product_attention(q, k, self.apart(self.linear_v(x)))
        leave: Tensor = self.linear_out(heard.transpose(1, 2).flatten(2))
        return leave

    def apart(self, x: Tensor) -> Tensor:
        """(B, t, D) -> (B, H, t, D / H)."""
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def turned(self, x: Tensor) -> Tensor:
        """Each head's slice of (B, t, D) turned: the first half against the second."""
        slices = x.view(*x.shape[:2], self.heads, -1)  # (B, t, H, D / H)
        half = slices.shape[-1] // 2
        rates = self.base ** (-torch.arange(half, device=x.device).float() / half)
        angle = torch.arange(x.shape[1], device=x.device).float()[:, None] * rates  # (t, half)
        angle = torch.cat([angle, angle], dim=1)[:, None]  # (t, 1, D / H)
        first, second = slices.chunk(2, dim=-1)
        swapped = torch.cat([-second, first], dim=-1)
        return (slices * angle.cos() + swapped * angle.sin()).flatten(2)


class ConvolutionModule(nn.Module):
    """What neighbours in time have to do with each other: (B, t, D) -> (B, t, D)."""

    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(dim, eps=EPS)
        self.pointwise_conv1 = nn.Conv1d(dim, 2 * dim, 1, bias=False)
        self.depthwise_conv = nn.Conv1d(
            dim, dim, kernel, padding=(kernel - 1) // 2, groups=dim, bias=False
        )
        self.batch_norm = FixedNorm(dim)
        self.pointwise_conv2 = nn.Conv1d(dim, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer_norm(x).transpose(1, 2)
        x = functional.glu(self.pointwise_conv1(x), dim=1)
        x = functional.silu(self.batch_norm(self.depthwise_conv(x)))
        leave: Tensor = self.pointwise_conv2(x).transpose(1, 2)
        return leave


class ConformerLayer(nn.Module):
    """(B, t, D) -> (B, t, D)."""

    def __init__(self, config: MuQConfig) -> None:
        super().__init__()
        dim = config.dim
        self.ffn1_layer_norm = nn.LayerNorm(dim, eps=EPS)
        self.ffn1 = FeedForward(dim, config.ff_dim)
        self.self_attn_layer_norm = nn.LayerNorm(dim, eps=EPS)
        self.self_attn = Attention(config)
        self.conv_module = ConvolutionModule(dim, config.kernel)
        self.ffn2_layer_norm = nn.LayerNorm(dim, eps=EPS)
        self.ffn2 = FeedForward(dim, config.ff_dim)
        self.final_layer_norm = nn.LayerNorm(dim, eps=EPS)

    def parts(self, x: Tensor) -> dict[str, Tensor]:
        """What each sublayer adds, before it is added, and what comes out."""
        ffn1 = self.ffn1(self.ffn1_layer_norm(x))
        x = x + 0.5 * ffn1
        attn = self.self_attn(self.self_attn_layer_norm(x))
        x = x + attn
        conv = self.conv_module(x)
        x = x + conv
        ffn2 = self.ffn2(self.ffn2_layer_norm(x))
        out = self.final_layer_norm(x + 0.5 * ffn2)
        return {"ffn1": ffn1, "attn": attn, "conv": conv, "ffn2": ffn2, "out": out}

    def forward(self, x: Tensor) -> Tensor:
        return self.parts(x)["out"]


class Conformer(nn.Module):
    """(B, t, D) -> the hidden states: what came in, each layer's, the last one normalised."""

    def __init__(self, config: MuQConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(ConformerLayer(config) for _ in range(config.depth))
        self.layer_norm = nn.LayerNorm(config.dim, eps=config.norm_eps)

    def forward(self, x: Tensor) -> list[Tensor]:
        states = [x]
        for layer in self.layers:
            states.append(layer(states[-1]))
        states[-1] = self.layer_norm(states[-1])
        return states


class MuQ(nn.Module):
    """Waveform (B, S) -> hidden states (B, t, D), depth + 1 of them."""

    def __init__(self, config: MuQConfig, rate_hz: int) -> None:
        super().__init__()
        self.mel = MelDecibels(rate_hz=rate_hz, hop_samples=config.hop_samples, bands=config.bands)
        self.mean_db, self.std_db = config.mel_mean_db, config.mel_std_db
        self.conv = Subsampling(config)
        self.conformer = Conformer(config)

    def forward(self, audio: Tensor) -> list[Tensor]:
        mel = (self.mel(audio) - self.mean_db) / self.std_db
        states: list[Tensor] = self.conformer(self.conv(mel))
        return states
