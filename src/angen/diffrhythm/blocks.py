"""The parts of the transformer: what enters a token, a block, what leaves.

Shapes: B songs, n tokens, E = 512 conditioning width, D model width, C latent channels.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.diffrhythm.attention import NORM_EPS, Attention, Remember, RMSNorm, Rope
from angen.diffrhythm.config import STYLE_DIM

SINUSOID_DIM = 256
MAX_PERIOD = 10_000.0
TIME_SCALE = 1000.0


def sinusoid(times: Tensor) -> Tensor:
    """Features (B, n, 256) of times (B, n): 128 sines, then 128 cosines, in float32.

    The slowest frequency is exactly 1 / 10000: the exponent runs to 1, not to 127 / 128.
    """
    half = SINUSOID_DIM // 2
    step = math.log(MAX_PERIOD) / (half - 1)
    rates = torch.exp(torch.arange(half, device=times.device).float() * -step)
    angles = (times.float() * TIME_SCALE)[..., None] * rates  # (B, n, 128)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class TimeEmbedding(nn.Module):
    """Flow time of each token -> (B, n, E). -1 marks text, 1 finished frames."""

    def __init__(self) -> None:
        super().__init__()
        self.time_mlp = nn.Sequential(
            nn.Linear(SINUSOID_DIM, STYLE_DIM), nn.SiLU(), nn.Linear(STYLE_DIM, STYLE_DIM)
        )

    def forward(self, times: Tensor) -> Tensor:
        dtype = next(self.time_mlp.parameters()).dtype
        return self.time_mlp(sinusoid(times).to(dtype))  # type: ignore[no-any-return]


class TextEmbedding(nn.Module):
    """Token ids (B, n) -> (B, n, E)."""

    def __init__(self, text_num_embeds: int) -> None:
        super().__init__()
        self.text_embed = nn.Embedding(text_num_embeds + 1, STYLE_DIM)

    def forward(self, ids: Tensor) -> Tensor:
        return self.text_embed(ids)  # type: ignore[no-any-return]


class InputEmbedding(nn.Module):
    """A token with its style and time, (B, n, E) -> (B, n, D).

    The only place where style enters the model, and one of two where time does.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Linear(STYLE_DIM, STYLE_DIM)
        self.proj_2 = nn.Linear(STYLE_DIM, dim)

    def forward(self, x: Tensor, style: Tensor, tau: Tensor) -> Tensor:
        """x (B, n, E), style (B, E) or (B, n, E), tau (B or 1, n or 1, E) -> (B, n, D)."""
        style = style if style.ndim == 3 else style[:, None]
        mixed = self.proj(x + (style + tau).to(x.dtype)) + x
        return self.proj_2(mixed)  # type: ignore[no-any-return]


class MLP(nn.Module):
    """Gated linear unit, D -> ff_mult * D -> D."""

    def __init__(self, dim: int, ff_mult: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(dim, ff_mult * dim, bias=False)
        self.up_proj = nn.Linear(dim, ff_mult * dim, bias=False)
        self.down_proj = nn.Linear(ff_mult * dim, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gated = functional.silu(self.gate_proj(x)) * self.up_proj(x)
        return self.down_proj(gated)  # type: ignore[no-any-return]


class Block(nn.Module):
    """One pre-norm transformer block. Time and style do not enter here."""

    def __init__(self, dim: int, heads: int, ff_mult: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(dim)
        self.self_attn = Attention(dim, heads)
        self.post_attention_layernorm = RMSNorm(dim)
        self.mlp = MLP(dim, ff_mult)

    def forward(
        self,
        h: Tensor,
        rope: Rope,
        mask: Tensor | None = None,
        remember: Remember | None = None,
        tail: int | None = None,
    ) -> Tensor:
        """h (B, n, D) -> (B, n or tail, D); arguments as in Attention."""
        attended = self.self_attn(self.input_layernorm(h), rope, mask, remember, tail)
        h = (h if tail is None else h[:, -tail:]) + attended
        return h + self.mlp(self.post_attention_layernorm(h))  # type: ignore[no-any-return]

    def keys_values(self, h: Tensor, rope: Rope) -> tuple[Tensor, Tensor]:
        """Only what h (B, n, D) shows to later tokens: keys and values (B, H, n, W)."""
        return self.self_attn.keys_values(self.input_layernorm(h), rope)


class FinalNorm(nn.Module):
    """LayerNorm without weights, scaled and shifted by the time of each token."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(STYLE_DIM, 2 * dim)

    def forward(self, h: Tensor, tau: Tensor) -> Tensor:
        """h (B, n, D), tau (B or 1, n or 1, E) -> (B, n, D)."""
        scale, shift = self.linear(functional.silu(tau)).chunk(2, dim=-1)
        normed = functional.layer_norm(h.float(), (h.shape[-1],), eps=NORM_EPS).to(h.dtype)
        return normed * (1 + scale) + shift  # type: ignore[no-any-return]


def repa_projector(dim: int, target_dim: int) -> nn.Sequential:
    """From a hidden state to a foreign model's features; trained with, never sampled with."""
    return nn.Sequential(
        nn.Linear(dim, 2 * dim),
        nn.SiLU(),
        nn.Linear(2 * dim, 2 * dim),
        nn.SiLU(),
        nn.Linear(2 * dim, target_dim),
    )
