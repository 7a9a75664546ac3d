"""What the model is taught: block flow matching, all blocks of a clip in one pass.

A clip is laid out as [text | clean frames | noisy frames]. A noisy block sees the text, the clean
blocks before it and itself: exactly what the sampler will show it, so that one pass trains every
block of the clip at once, each at its own flow time.

Shapes: B clips, L text tokens, N frames (whole blocks), K = N / block size blocks, n = L + 2N
tokens of the layout, C latent channels, E = 512 style width.

Source: derived from the released sampler; a test compares the two velocity for velocity. Flow
matching: Lipman et al. 2023, arXiv:2210.02747. Times: Esser et al. 2024, arXiv:2403.03206.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from angen.diffrhythm.config import STYLE_DIM
from angen.diffrhythm.dit import CLEAN_TIME, TEXT_TIME, DiT


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Clips of unequal length, padded to rectangles. Padding changes nothing."""

    text: Tensor  # (B, L) int64, 0 behind each text; L may be 0
    text_lengths: Tensor  # (B,) int64
    latents: Tensor  # (B, N, C), end marks included, anything behind them
    frames: Tensor  # (B,) int64, frames that carry loss: real ones and end marks, whole blocks
    style: Tensor  # (B, E)
    timeline: Tensor | None = None  # (B, N, E) what the timeline adds to the style of each frame

    def to(self, device: torch.device | str) -> "Batch":
        moved: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            moved[field.name] = None if value is None else value.to(device)
        return Batch(**moved)


def unprompted(latents: Tensor) -> Batch:
    """Clips (B, N, C) of whole blocks without words or style; gradients to the latents remain."""
    clips, frames, _ = latents.shape
    return Batch(
        text=torch.zeros(clips, 0, dtype=torch.int64),
        text_lengths=torch.zeros(clips, dtype=torch.int64),
        latents=latents,
        frames=torch.full((clips,), frames),
        style=torch.zeros(clips, STYLE_DIM),
    )


def add_end(latents: Tensor, block: int) -> Tensor:
    """Latents (T, C) of a song's end, with end marks: frames of ones up to a whole block.

    At least one mark is added, so a song of whole blocks grows by a block of nothing else. Only
    for clips that reach the end of their song; others stay as they are.
    """
    missing = block - len(latents) % block
    return torch.cat([latents, latents.new_ones(missing, latents.shape[1])])


def logit_normal_times(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Flow times in (0, 1), mostly mid-way, where the velocity is hardest to know."""
    return torch.sigmoid(torch.randn(*shape, generator=generator))


def dropped_conditions(clips: int, probability: float, generator: torch.Generator) -> Tensor:
    """Which clips (B,) lose text and style together, so that guidance has a field to leave."""
    return torch.rand(clips, generator=generator) < probability


def visibility(text_lengths: Tensor, text: int, frames: int, block: int) -> Tensor:
    """Who sees whom in [text | clean | noisy]: (B, 1, n, n) bool, true = may attend.

    text_lengths: (B,) true lengths of texts padded to ``text``. Padding is seen by itself alone.
    """
    device = text_lengths.device
    index = torch.arange(frames, device=device) // block  # (N,) block of each frame
    now, then = index[:, None], index[None, :]
    none = torch.zeros(frames, frames, dtype=torch.bool, device=device)
    clean = torch.cat([then <= now, none], dim=1)  # (N, 2N)
    noisy = torch.cat([then < now, then == now], dim=1)  # (N, 2N)
    among_frames = functional.pad(torch.cat([clean, noisy]), (text, 0, text, 0))  # (n, n)

    token = torch.arange(text + 2 * frames, device=device)
    is_word = token < text_lengths[:, None]  # (B, n)
    itself = torch.eye(len(token), dtype=torch.bool, device=device)
    return (among_frames | is_word[:, None] | itself)[:, None]


def one_pass_velocity(
    dit: DiT, batch: Batch, noisy: Tensor, times: Tensor, dropped: Tensor
) -> Tensor:
    """Velocities (B, N, C) of ``noisy`` frames (B, N, C) with their clean past from the batch.

    times: (B, K) flow time of each block. dropped: (B,) bool, clips without text and style.
    """
    block = dit.config.block_size
    length, frames = batch.text.shape[1], batch.latents.shape[1]
    text = batch.text.masked_fill(dropped[:, None], 0)
    style = _styles(batch, dropped).to(dit.dtype)
    tokens = torch.cat(
        [dit.embed_text(text), dit.embed_latents(batch.latents), dit.embed_latents(noisy)], dim=1
    )  # (B, n, E)

    fixed = times.new_tensor([TEXT_TIME, CLEAN_TIME]).expand(len(times), 2)
    tau = dit.embed_times(torch.cat([fixed, times], dim=1))  # (B, 2 + K, E)
    frame = torch.arange(frames, device=times.device)
    kinds = [torch.zeros_like(batch.text[0]), torch.ones_like(frame), 2 + frame // block]
    word = torch.arange(length, device=times.device)
    return dit(  # type: ignore[no-any-return]
        tokens,
        style,
        tau[:, torch.cat(kinds)],
        torch.cat([word, frame, frame])[None],
        mask=visibility(batch.text_lengths, length, frames, block),
        tail=frames,
    )


def _styles(batch: Batch, dropped: Tensor) -> Tensor:
    """Style of each clip (B, E), or with a timeline of each token of the layout (B, n, E)."""
    style = batch.style.masked_fill(dropped[:, None], 0.0)
    if batch.timeline is None:
        return style
    timeline = batch.timeline.masked_fill(dropped[:, None, None], 0.0)
    return style[:, None] + functional.pad(timeline.repeat(1, 2, 1), (0, 0, batch.text.shape[1], 0))


def block_flow_loss(
    dit: DiT, batch: Batch, noise: Tensor, times: Tensor, dropped: Tensor
) -> Tensor:
    """Mean squared error of the velocity in each block, (B, K) float32; 0 where none counts.

    noise: (B, N, C) standard normal. times: (B, K) in [0, 1). dropped: (B,) bool.
    """
    block, frames = dit.config.block_size, batch.latents.shape[1]
    if frames % block:
        raise ValueError(f"{frames} frames are not whole blocks of {block}; crop or add_end first")
    clean, noise = batch.latents.float(), noise.float()
    t = times.repeat_interleave(block, dim=1)[..., None]  # (B, N, 1)
    velocity = one_pass_velocity(dit, batch, torch.lerp(noise, clean, t), times, dropped)
    error = (velocity.float() - (clean - noise)).square().mean(dim=-1)  # (B, N)
    counts = torch.arange(frames, device=error.device) < batch.frames[:, None]
    counts = counts.view(*times.shape, block)  # (B, K, block)
    error = error.view(*times.shape, block).masked_fill(~counts, 0.0)
    return error.sum(dim=-1) / counts.sum(dim=-1).clamp(min=1)


def mean_loss(losses: Tensor, batch: Batch) -> Tensor:
    """The mean (scalar) of block losses (B, K) over the blocks that carry any."""
    block = batch.latents.shape[1] // losses.shape[1]
    return losses.sum() / ((batch.frames + block - 1) // block).sum().clamp(min=1)
