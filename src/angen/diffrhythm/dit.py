"""The diffusion transformer: tokens with their times in, a velocity for each out.

Three kinds of token share one stack: lyrics (time -1), finished frames (time 1) and noisy frames
(time in [0, 1)). Who sees whom comes from outside, as a mask (training) or a cache (sampling).

Shapes: B songs, n tokens, E = 512 conditioning width, D model width, C latent channels.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from angen.diffrhythm.attention import rope_tables
from angen.diffrhythm.blocks import (
    Block,
    FinalNorm,
    InputEmbedding,
    TextEmbedding,
    TimeEmbedding,
    repa_projector,
)
from angen.diffrhythm.cache import Cache
from angen.diffrhythm.config import STYLE_DIM, DiTConfig

TEXT_TIME = -1.0
CLEAN_TIME = 1.0


class DiT(nn.Module):
    """DiffRhythm 2's transformer. Parameters carry the released names.

    Built for training from nothing: its first output is zero everywhere.
    """

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.config = config
        self.checkpointing = False  # training: recompute each block backwards, to save memory
        self.time_embed = TimeEmbedding()
        self.text_embed = TextEmbedding(config.text_num_embeds)
        self.input_embed = InputEmbedding(config.dim)
        self.latent_embed = nn.Sequential(  # no activation between the two, as released
            nn.Linear(config.mel_dim, STYLE_DIM), nn.Linear(STYLE_DIM, STYLE_DIM)
        )
        self.transformer_blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.ff_mult) for _ in range(config.depth)
        )
        self.norm_out = FinalNorm(config.dim)
        self.proj_out = nn.Linear(config.dim, config.mel_dim)
        if config.repa_depth > 0:
            self.projectors = nn.ModuleList(
                repa_projector(config.dim, target) for target in config.repa_dims
            )
        initialise(self)

    @property
    def dtype(self) -> torch.dtype:
        return self.proj_out.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.proj_out.weight.device

    def embed_text(self, ids: Tensor) -> Tensor:
        """Token ids (B, L) -> (B, L, E)."""
        return self.text_embed(ids)  # type: ignore[no-any-return]

    def embed_latents(self, latents: Tensor) -> Tensor:
        """Latent frames (B, n, C), finished or noisy -> (B, n, E)."""
        return self.latent_embed(latents.to(self.dtype))  # type: ignore[no-any-return]

    def embed_times(self, times: Tensor) -> Tensor:
        """Flow times (B, n) -> (B, n, E), the ``tau`` of the methods below."""
        return self.time_embed(times)  # type: ignore[no-any-return]

    def forward(
        self,
        tokens: Tensor,
        style: Tensor,
        tau: Tensor,
        positions: Tensor,
        *,
        mask: Tensor | None = None,
        cache: Cache | None = None,
        tail: int | None = None,
    ) -> Tensor:
        """Velocities (B, n or tail, C) of tokens (B, n, E).

        style: (B, E), or (B, n, E) where tokens differ in it. tau: (B or 1, n or 1, E).
        positions: (B or 1, n), whole numbers.
        mask: (B or 1, 1, n or 1, m) bool, true where attention is allowed; None: everywhere.
        cache: the past that the tokens see besides themselves.
        tail: only the last ``tail`` tokens are asked for; the last block then skips the others.
        """
        h = self.input_embed(tokens, style, tau).to(self.dtype)  # (B, n, D); float32 in autocast
        rope = rope_tables(positions, self.config.head_dim)
        last = self.config.depth - 1
        for layer, block in enumerate(self._blocks()):
            remember = None if cache is None else cache.remember(layer)
            run = partial(checkpoint, block, use_reentrant=False) if self._recompute() else block
            if layer == last and tail is not None:
                rows = mask if mask is None or mask.shape[2] == 1 else mask[:, :, -tail:]
                h = run(h, rope, rows, remember, tail)
                tau = tau if tau.shape[1] == 1 else tau[:, -tail:]
            else:
                h = run(h, rope, mask, remember)
        return self.proj_out(self.norm_out(h, tau))  # type: ignore[no-any-return]

    def memorise(
        self, tokens: Tensor, style: Tensor, tau: Tensor, positions: Tensor, cache: Cache
    ) -> None:
        """Make finished tokens (B, n, E) part of the cache: text if it is empty, else frames.

        Arguments as in ``forward``. No velocity is computed, nor what only velocities need.
        """
        is_text = cache.filled < cache.text_length
        mask = cache.text_mask() if is_text else cache.mask(tokens.shape[1])
        h = self.input_embed(tokens, style, tau).to(self.dtype)  # (B, n, D); float32 in autocast
        rope = rope_tables(positions, self.config.head_dim)
        *first, final = self._blocks()
        for layer, block in enumerate(first):
            h = block(h, rope, mask, cache.remember(layer))
        cache.remember(len(first))(*final.keys_values(h, rope))
        cache.keep(tokens.shape[1])

    def _blocks(self) -> Iterator[Block]:
        for block in self.transformer_blocks:
            assert isinstance(block, Block)
            yield block

    def _recompute(self) -> bool:
        return self.checkpointing and self.training and torch.is_grad_enabled()


def initialise(dit: DiT) -> None:
    """Set all weights for training from nothing.

    Tokens enter with the size of a style vector of length 1 (0.04 a number), lest the prompt drown
    in them; what blocks add shrinks with depth; velocities start at zero.

    Source: Peebles and Xie 2022, arXiv:2212.09748 (zero output, uniform Xavier blocks).
    """
    for module in dit.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.04)
    for embedding in (dit.time_embed, dit.latent_embed):
        for module in embedding.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
    shrink = (2 * dit.config.depth) ** -0.5
    with torch.no_grad():
        for block in dit.transformer_blocks:
            assert isinstance(block, Block)
            block.self_attn.o_proj.weight.mul_(shrink)
            block.mlp.down_proj.weight.mul_(shrink)
    for module in (dit.norm_out.linear, dit.proj_out):
        nn.init.zeros_(module.weight)
        nn.init.zeros_(module.bias)
