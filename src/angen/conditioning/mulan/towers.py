"""From networks to vectors: the heads of both towers, and how a long recording becomes one vector.

Shapes: B clips or texts, S samples, t positions, D width, E the common space.

Source: Huang et al. 2022, MuLan, arXiv:2208.12415; normalised queries and keys: Henry et al. 2020,
arXiv:2010.04245; gated feed-forward: Shazeer 2020, arXiv:2002.05202.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.conditioning.mulan.config import HeadConfig, MulanConfig
from angen.conditioning.mulan.conformer import MuQ
from angen.conditioning.mulan.melspec import FEWEST_SAMPLES
from angen.errors import BadInput

SHARPNESS = 8.0  # of attention between unit vectors
EPS = 1e-5


class GainNorm(nn.Module):
    """Layer norm with a gain and no offset."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.learned_gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.learned_gamma, eps=EPS)


class CosineAttention(nn.Module):
    """Attention of every position to every other, padding too: (B, t, D) -> (B, t, D)."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        inner = config.heads * config.head_dim
        self.heads = config.heads
        self.norm = GainNorm(config.dim)
        self.to_q = nn.Linear(config.dim, inner, bias=False)
        self.to_kv = nn.Linear(config.dim, 2 * inner, bias=False)
        self.q_scale = nn.Parameter(torch.ones(config.head_dim))
        self.k_scale = nn.Parameter(torch.ones(config.head_dim))
        self.to_out = nn.Sequential(nn.Linear(inner, config.dim, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        q, k, v = (
            part.view(*x.shape[:2], self.heads, -1).transpose(1, 2)
            for part in (self.to_q(x), *self.to_kv(x).chunk(2, dim=2))
        )  # (B, H, t, head_dim)
        q = functional.normalize(q, dim=-1) * self.q_scale
        k = functional.normalize(k, dim=-1) * self.k_scale
        heard = functional.scaled_dot_product_attention(q, k, v, scale=SHARPNESS)
        leave: Tensor = self.to_out(heard.transpose(1, 2).flatten(2))
        return leave


class Gate(nn.Module):
    """(B, t, 2n) -> (B, t, n): the first half, let through as far as the second says."""

    def forward(self, x: Tensor) -> Tensor:
        value, gate = x.chunk(2, dim=-1)
        return value * functional.gelu(gate)


def feed_forward(config: HeadConfig) -> nn.Sequential:
    """Its tensors are called ``0``, ``1`` and ``4``: the original had a dropout at 3."""
    inner = int(config.dim * config.ff_mult * 2 / 3)
    return nn.Sequential(
        GainNorm(config.dim),
        nn.Linear(config.dim, 2 * inner, bias=False),
        Gate(),
        nn.Identity(),
        nn.Linear(inner, config.dim, bias=False),
    )


class Head(nn.Module):
    """The transformer on top of a tower, without positions, masks or a last norm."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([CosineAttention(config), feed_forward(config)])
            for _ in range(config.depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, t, D) -> (B, t, D)."""
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleList)
            for sublayer in layer:
                x = x + sublayer(x)
        return x


class AudioTower(nn.Module):
    """Waveform (B, S) at the config's rate -> (B, E), not normalised."""

    def __init__(self, config: MulanConfig) -> None:
        super().__init__()
        self.layer = config.layer
        self.muq = MuQ(config.muq, config.rate_hz)
        self.proj = nn.Linear(config.muq.dim, config.audio.dim)
        self.transformer = Head(config.audio)
        self.to_latents = nn.Linear(config.audio.dim, config.dim)

    def positions(self, states: list[Tensor]) -> Tensor:
        """The conformer's hidden states -> (B, t, dim of the head)."""
        leave: Tensor = self.transformer(self.proj(states[self.layer]))
        return leave

    def forward(self, audio: Tensor) -> Tensor:
        leave: Tensor = self.to_latents(self.positions(self.muq(audio)).mean(1))
        return leave


class TextTower(nn.Module):
    """Token ids (B, t) -> (B, E), not normalised. ``roberta`` is transformers' XLM-R."""

    def __init__(self, config: MulanConfig, roberta: nn.Module) -> None:
        super().__init__()
        self.pad = _whole(config.roberta["pad_token_id"])
        self.roberta = roberta
        projects = config.text_dim not in (None, config.text.dim)
        width = _whole(config.roberta["hidden_size"])
        self.proj = nn.Linear(width, config.text.dim) if projects else nn.Identity()
        self.transformer = Head(config.text)
        self.to_latents = nn.Linear(config.text.dim, config.dim)

    def read(self, ids: Tensor) -> Tensor:
        """(B, t) -> what XLM-R makes of it (B, t, D); padding is not attended to here."""
        there = (ids != self.pad).long()
        places = self.pad + there.cumsum(1) * there
        answer: Any = self.roberta(
            input_ids=ids,
            attention_mask=there,
            position_ids=places,
            token_type_ids=torch.zeros_like(ids),
        )
        states: Tensor = answer.last_hidden_state
        return states

    def positions(self, states: Tensor) -> Tensor:
        """What XLM-R made -> (B, t, dim of the head)."""
        leave: Tensor = self.transformer(self.proj(states))
        return leave

    def forward(self, ids: Tensor) -> Tensor:
        """The mean goes over padding too, as in the original: so give texts one by one."""
        leave: Tensor = self.to_latents(self.positions(self.read(ids)).mean(1))
        return leave


def cut(audio: Tensor, clip_samples: int) -> list[Tensor]:
    """A recording (S,) as clips of equal length, as the original cuts it.

    Consecutive clips; the rest of the recording is completed with its beginning. A recording
    shorter than half a clip gives one clip, itself twice.

    Raises BadInput for fewer samples than the mel frames can mirror at a clip's ends.
    """
    if 2 * len(audio) < FEWEST_SAMPLES:
        raise BadInput(
            f"The recording has {len(audio)} samples; a style vector needs at least "
            f"{-(-FEWEST_SAMPLES // 2)}, a fiftieth of a second."
        )
    whole = len(audio) // clip_samples * clip_samples
    clips = list(audio[:whole].view(-1, clip_samples))
    rest = audio[whole:]
    if len(rest):
        clips.append(torch.cat([rest, audio[: clip_samples - len(rest)]]))
    return clips


def clip_vectors(tower: AudioTower, clips: list[Tensor]) -> Tensor:
    """Unit vectors (clips, E), clip by clip: a minute needs no more memory than ten seconds."""
    return torch.cat([functional.normalize(tower(clip[None]), dim=1) for clip in clips])


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value
