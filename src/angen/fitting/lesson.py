"""What one step teaches: exact pairs, recordings through the frozen decoder, and the model's taste.

Shapes: B clips, C latent channels, T latent frames, S samples.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from angen.bundle import Bundle
from angen.fitting.config import FitConfig
from angen.vocoder.learned import LearnedEncoder
from angen.vocoder.likeness import Distance, Likeness


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """The clips of a step. None: there are none of this kind."""

    pairs: tuple[Tensor, Tensor] | None  # latents (B, C, T), sound (B, 1, S)
    recordings: tuple[Tensor, Tensor] | None  # at the encoder's rate (B, 1, S), the decoder's


def losses_of(
    bundle: Bundle,
    encoder: LearnedEncoder,
    likeness: Likeness,
    lesson: Lesson,
    config: FitConfig,
) -> dict[str, Tensor]:
    """Every teacher's complaint, already weighted; their sum is to fall."""
    losses: dict[str, Tensor] = {}
    if lesson.pairs is not None and config.pairs_weight:
        latents, audio = (part.to(bundle.device) for part in lesson.pairs)
        losses["latents"] = config.pairs_weight * latent_error(encoder, latents, audio)
    if lesson.recordings is not None and config.sound_weight:
        heard, target = (part.to(bundle.device) for part in lesson.recordings)
        losses |= _sound_losses(bundle, encoder, likeness, heard, target, config)
    return losses


def latent_error(encoder: LearnedEncoder, latents: Tensor, audio: Tensor) -> Tensor:
    """Mean squared error of latents (B, C, T) heard in ``audio``, in the model's deviations.

    1 is as good as always saying the mean. The first and the last frame do not count: what
    sounded before and after them is cut off.
    """
    off = (encoder(audio) - latents) / encoder.std[:, None]
    inner = off[..., 1:-1] if off.shape[-1] > 2 else off
    error: Tensor = inner.square().mean()
    return error


def _sound_losses(
    bundle: Bundle,
    encoder: LearnedEncoder,
    likeness: Likeness,
    heard: Tensor,
    target: Tensor,
    config: FitConfig,
) -> dict[str, Tensor]:
    latents = encoder(heard)
    distance: Distance = likeness(bundle.sound(latents), target)
    losses = {"sound": config.sound_weight * distance.total.mean()}
    if config.moments_weight:
        losses["moments"] = config.moments_weight * moments_error(encoder, latents)
    if config.prior_weight:
        losses["prior"] = config.prior_weight * bundle.unlikeliness(latents)
    return losses


def moments_error(encoder: LearnedEncoder, latents: Tensor) -> Tensor:
    """How far mean and deviation of latents (B, C, T) are from the model's own, per channel."""
    normal = (latents - encoder.mean[:, None]) / encoder.std[:, None]
    flat = normal.transpose(0, 1).flatten(1)  # (C, B * T)
    spread = torch.log(flat.std(1) + 1e-3)
    return flat.mean(1).square().mean() + spread.square().mean()
