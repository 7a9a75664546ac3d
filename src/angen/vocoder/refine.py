"""Latents of a clip, bettered through the decoder: a bounded number of gradient steps.

Works from an encoder's guess, or from the mean of all latents without any encoder, at a higher
cost. The prior keeps them where the base model expects latents to be.

Shapes: C latent channels, T latent frames, S samples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from angen.vocoder.generator import BigVGAN
from angen.vocoder.likeness import Distance, Likeness
from angen.vocoder.twoband import SmallDecoder

OnStep = Callable[[int, int], None]  # steps done, steps in all; may raise Stopped
Prior = Callable[[Tensor], Tensor]  # latents (1, C, t) -> how unlike the model's own (scalar)

WINDOW_FRAMES = 20  # worked on at once: as many as the released decoder decodes at once
CONTEXT_FRAMES = 4  # on either side, which colour the sound but keep their value


@dataclass(frozen=True, kw_only=True, slots=True)
class RefineConfig:
    """How far a clip is bettered."""

    steps: int
    learning_rate: float = 0.05  # in deviations of the latents
    prior_weight: float = 0.1

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"steps={self.steps}: 0 or more")


def sound_of(decoder: BigVGAN | SmallDecoder, latents: Tensor) -> Tensor:
    """Waveform (B, S) of latents (B, C, T), with gradients that mean something.

    The small decoder makes up its phases; there, gradients go through magnitudes alone.
    """
    wave = decoder(latents) if isinstance(decoder, BigVGAN) else decoder.learnable(latents)
    return wave[:, 0]


def refine(
    decoder: BigVGAN | SmallDecoder,
    likeness: Likeness,
    latents: Tensor,
    audio: Tensor,
    std: Tensor,
    config: RefineConfig,
    prior: Prior | None = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """Latents (C, T) that sound more like ``audio`` (S,) than those given, in no window less.

    audio: at the decoder's rate; silence is assumed behind its end. std: (C,) deviation of the
    model's latents, the scale of a step. Window after window, each with its neighbours' newest
    values around it.
    """
    hop, frames = decoder.samples_per_frame, latents.shape[1]
    target = torch.nn.functional.pad(audio, (0, max(0, frames * hop - len(audio))))
    best = latents.detach().clone()
    starts = range(0, frames, WINDOW_FRAMES)
    for done, start in enumerate(starts):
        stop = min(start + WINDOW_FRAMES, frames)
        first, last = max(0, start - CONTEXT_FRAMES), min(frames, stop + CONTEXT_FRAMES)
        window = _Window(
            decoder=decoder,
            likeness=likeness,
            around=best[:, first:last],
            target=target[first * hop : last * hop],
            inside=slice(start - first, stop - first),
        )
        best[:, start:stop] = window.better(std, config, prior)
        if on_step is not None:
            on_step(done + 1, len(starts))
    return best


@dataclass(frozen=True, kw_only=True)
class _Window:
    """A stretch of a clip, and the frames inside it that may change."""

    decoder: BigVGAN | SmallDecoder
    likeness: Likeness
    around: Tensor  # (C, t)
    target: Tensor  # (t * hop,)
    inside: slice

    def better(self, std: Tensor, config: RefineConfig, prior: Prior | None) -> Tensor:
        """The best frames inside (C, n) that were met on the way."""
        start = self.around[:, self.inside]
        shift = torch.zeros_like(start, requires_grad=True)
        optimizer = torch.optim.Adam([shift], lr=config.learning_rate, betas=(0.9, 0.9))
        best, least = start, float("inf")
        for step in range(config.steps + 1):
            with torch.enable_grad():
                moved = start + shift * std[:, None]
                loss = self.loss(moved, config.prior_weight, prior)
                value = float(loss.detach())
                if value < least:  # nan never is
                    best, least = moved.detach().clone(), value
                if step == config.steps:
                    break
                (shift.grad,) = torch.autograd.grad(loss, [shift])
            optimizer.step()
        return best

    def loss(self, moved: Tensor, weight: float, prior: Prior | None) -> Tensor:
        """Distance to the target, and the prior's share."""
        latents = self.around.clone()
        latents[:, self.inside] = moved
        heard = sound_of(self.decoder, latents[None])
        distance: Distance = self.likeness(heard, self.target[None])
        loss = distance.total.sum()
        return loss if prior is None else loss + weight * prior(latents[None])
