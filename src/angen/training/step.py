"""One step of training: noise, loss, gradient, update.

Shapes: B clips, N padded frames, C latent channels, K = N / block blocks.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from angen.bundle import Bundle
from angen.diffrhythm.objective import Batch, dropped_conditions, logit_normal_times
from angen.errors import BadInput
from angen.training.config import TrainingConfig
from angen.training.optim import learning_rate
from angen.training.randomness import generator_for, noise_for, seeded


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What is drawn at random for a batch."""

    noise: Tensor  # (B, N, C) standard normal; zero behind each clip
    times: Tensor  # (B, K) in (0, 1); zero behind each clip
    dropped: Tensor  # (B,) bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """What a step did."""

    loss: float
    gradient_norm: float  # before clipping
    learning_rate: float


def draw(batch: Batch, block: int, config: TrainingConfig, step: int, first: int) -> Draw:
    """The draw of a batch whose clips are number ``first`` and on of step ``step``.

    Each clip's own: the same however the step is divided into batches.
    """
    clips, frames, channels = batch.latents.shape
    noise = torch.zeros(clips, frames, channels)
    times = torch.zeros(clips, frames // block)
    dropped = torch.zeros(clips, dtype=torch.bool)
    for i, length in enumerate(batch.frames.tolist()):
        place = (step, first + i)
        noise[i, :length] = noise_for(config.seed, ("noise", *place), length, channels)
        generator = generator_for(config.seed, "times", *place)
        times[i, : length // block] = logit_normal_times((length // block,), generator)
        dropped[i] = dropped_conditions(1, config.condition_dropout, generator).item()
    return Draw(noise=noise, times=times, dropped=dropped)


def train_step(
    bundle: Bundle,
    batches: Sequence[Batch],
    parameters: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    config: TrainingConfig,
    *,
    step: int,
    steps: int,
) -> StepResult:
    """Step ``step`` (from 1) of ``steps``: the mean over all blocks of ``batches``, then AdamW.

    Raises BadInput, before anything is changed, when the loss or its gradient is no number, or the
    device's memory is too small.
    """
    optimizer.zero_grad()
    try:
        loss = _backward(bundle, batches, config, step)
    except torch.OutOfMemoryError as error:
        optimizer.zero_grad()
        raise BadInput(
            f"The memory of {bundle.device} is too small for batches of {config.batch_size} clips "
            f"of up to {config.max_clip_s:g} s. Turn on gradient_checkpointing, or halve "
            "batch_size and double accumulation, which gives the same steps."
        ) from error
    rate = learning_rate(config, step, steps)
    norm = float(nn.utils.clip_grad_norm_(parameters.values(), config.clip_norm))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise BadInput(
            f"Training went astray at step {step}: loss {loss}, gradient {norm}. A learning rate "
            f"of {config.learning_rate:g} is too high here; try {config.learning_rate / 3:.0e}."
        )
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return StepResult(loss=loss, gradient_norm=norm, learning_rate=rate)


def _backward(bundle: Bundle, batches: Sequence[Batch], config: TrainingConfig, step: int) -> float:
    """The loss of a step; its gradient is left in the parameters."""
    blocks = sum(int(batch.frames.sum()) // bundle.block for batch in batches)
    loss, first = 0.0, 0
    for part, batch in enumerate(batches):
        drawn = draw(batch, bundle.block, config, step, first)
        dropout = seeded(config.seed, "dropout", step, part) if config.lora_dropout else None
        with dropout or nullcontext():
            errors = bundle.loss(batch, drawn.noise, drawn.times, drawn.dropped)  # (B, K)
            share = errors.sum() / blocks
            share.backward()  # type: ignore[no-untyped-call]
        loss += float(share.detach())
        first += len(batch.frames)
    return loss
