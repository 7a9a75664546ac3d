"""Decoding a long song piece by piece, in bounded memory.

Shapes: B songs, C latent channels, T latent frames, S samples.
"""

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

CHUNK_FRAMES = 20
OVERLAP_FRAMES = 5


class Decoder(Protocol):
    """Anything that turns latents (B, C, T) into a waveform (B, 1, T * samples_per_frame)."""

    sample_rate_hz: int
    samples_per_frame: int
    in_channels: int

    def __call__(self, latents: Tensor, /) -> Tensor: ...


def decode_in_chunks(
    decoder: Decoder, latents: Tensor, chunk: int = CHUNK_FRAMES, overlap: int = OVERLAP_FRAMES
) -> Tensor:
    """Waveform (B, 1, S) in float32 of latents (B, C, T), S = T * samples_per_frame.

    Each chunk loses half the overlap where it borders on another, and overwrites what the one
    before it left there: no cross-fade, as the model was released. Fewer frames than a chunk
    are decoded in one go, no frames to no samples; upstream fails on both.
    """
    if not 0 <= overlap < chunk:
        raise ValueError(f"chunk={chunk}, overlap={overlap}: an overlap is shorter than its chunk")
    frames, hop = latents.shape[-1], decoder.samples_per_frame
    audio = latents.new_zeros(latents.shape[0], 1, frames * hop, dtype=latents.float().dtype)
    for start, end in _chunks(frames, chunk, overlap):
        first = start + (overlap // 2 if start else 0)
        last = end - (overlap // 2 if end < frames else 0)
        piece = decoder(latents[..., start:end])
        audio[..., first * hop : last * hop] = piece[
            ..., (first - start) * hop : (last - start) * hop
        ]
    return audio


def crossfade(before: Tensor, after: Tensor, samples: int) -> Tensor:
    """``after`` (..., S), faded in over its first ``samples`` from what ``before`` has there."""
    length = min(samples, before.shape[-1], after.shape[-1])
    ramp = torch.arange(1, length + 1, device=after.device) / (length + 1)
    start = torch.lerp(before[..., :length].float(), after[..., :length].float(), ramp)
    return torch.cat([start, after[..., length:].float()], dim=-1)


def _chunks(frames: int, chunk: int, overlap: int) -> Iterator[tuple[int, int]]:
    """First frame and end of each chunk, in order; the last one ends with the song."""
    if frames == 0:
        return
    last = max(frames - chunk, 0)
    for start in range(0, last, chunk - overlap):
        yield start, start + chunk
    yield last, frames
