"""Attention with normalised queries and keys and rotary positions.

Shapes: B songs, H heads, n tokens that ask, m tokens that are seen, D width, W = D / H.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

ROPE_BASE = 10_000.0
NORM_EPS = 1e-6

Rope = tuple[Tensor, Tensor]  # cos, sin: (B or 1, n, W), float32
Remember = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Takes the keys and values (B, H, n, W) of new tokens, gives those (B, H, m, W) they may see."""


class RMSNorm(nn.Module):
    """Scale to unit mean square in float32, then by a learned weight in the input's dtype."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        normed = functional.rms_norm(x.float(), (x.shape[-1],), eps=NORM_EPS)
        return normed.to(x.dtype) * self.weight


def rope_tables(positions: Tensor, head_dim: int) -> Rope:
    """cos and sin (B, n, W) in float32 of whole ``positions`` (B, n).

    Source: Su et al. 2021, arXiv:2104.09864; the halves of a head turn together.
    """
    exponents = torch.arange(0, head_dim, 2, device=positions.device).float() / head_dim
    angles = positions.float()[..., None] * (1.0 / ROPE_BASE**exponents)  # (B, n, W / 2)
    angles = torch.cat([angles, angles], dim=-1)  # (B, n, W)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, rope: Rope) -> Tensor:
    """Turn heads x (B, H, n, W) to their positions, in float32."""
    cos, sin = (table[:, None] for table in rope)  # (B, 1, n, W)
    x = x.float()
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-b, a], dim=-1) * sin


class Attention(nn.Module):
    """Full multi-head attention; who sees whom is the mask's business."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(dim, dim, bias=False)
        self.k_proj = nn.Linear(dim, dim, bias=False)
        self.v_proj = nn.Linear(dim, dim, bias=False)
        self.o_proj = nn.Linear(dim, dim, bias=False)
        self.q_norm = RMSNorm(dim // heads)
        self.k_norm = RMSNorm(dim // heads)

    def keys_values(self, x: Tensor, rope: Rope) -> tuple[Tensor, Tensor]:
        """What x (B, n, D) shows to others: keys (normalised, turned) and values (B, H, n, W)."""
        v = self._split(self.v_proj(x))
        k = rotate(self.k_norm(self._split(self.k_proj(x))), rope).to(v.dtype)
        return k, v

    def forward(
        self,
        x: Tensor,
        rope: Rope,
        mask: Tensor | None = None,
        remember: Remember | None = None,
        tail: int | None = None,
    ) -> Tensor:
        """x (B, n, D) -> (B, n or tail, D).

        mask: (B or 1, 1, n or tail or 1, m) bool, true = may attend; None: everywhere.
        tail: only the last ``tail`` tokens ask; all are seen.
        """
        k, v = self.keys_values(x, rope)
        if tail is not None:
            x, rope = x[:, -tail:], (rope[0][:, -tail:], rope[1][:, -tail:])
        q = rotate(self.q_norm(self._split(self.q_proj(x))), rope).to(v.dtype)
        if remember is not None:
            k, v = remember(k, v)
        out = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.o_proj(out.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)  # (B, H, n, W)
