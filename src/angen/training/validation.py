"""The loss on clips kept aside, on the same noise and times each time, so that it can be compared.

Times are spread evenly over their distribution (stratified): a loss depends on the time so much
that a chance draw of a few dozen would hide what the training does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from angen.bundle import Bundle
from angen.diffrhythm.objective import Batch
from angen.training.config import TrainingConfig
from angen.training.plan import Clips
from angen.training.randomness import generator_for, noise_for

TIME_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, kw_only=True)
class ValidationBatch:
    """Clips with their fixed noise and times."""

    batch: Batch
    noise: Tensor = field(repr=False)  # (B, N, C)
    times: Tensor = field(repr=False)  # (B, K)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationLoss:
    """Mean squared error of the velocity, over all blocks and by flow time."""

    mean: float
    by_time: dict[str, float]  # "0.0-0.2" -> loss


def make_validation(clips: Clips, config: TrainingConfig, block: int) -> list[ValidationBatch]:
    """Every clip as often as it takes to hear ``config.validation_blocks`` blocks; [] for none."""
    if not len(clips):
        return []
    order = sorted(range(len(clips)), key=lambda i: clips.frames[i])
    blocks = sum(clips.frames) // block
    rounds = -(-config.validation_blocks // blocks)
    times = iter(_spread_times(blocks * rounds, config.seed).tolist())
    return [
        _fixed(clips.batch(order[i : i + config.batch_size]), block, config.seed, (r, i), times)
        for r in range(rounds)
        for i in range(0, len(order), config.batch_size)
    ]


def _spread_times(count: int, seed: int) -> Tensor:
    """``count`` quantiles of the logit-normal distribution, in an order drawn by ``seed``."""
    quantiles = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    times = torch.sigmoid(torch.special.ndtri(quantiles)).float()
    return times[torch.randperm(count, generator=generator_for(seed, "validation order"))]


def _fixed(
    batch: Batch, block: int, seed: int, place: tuple[int, int], times: Iterator[float]
) -> ValidationBatch:
    clips, frames, channels = batch.latents.shape
    noise = torch.zeros(clips, frames, channels)
    chosen = torch.full((clips, frames // block), 0.5)
    for i, length in enumerate(batch.frames.tolist()):
        noise[i, :length] = noise_for(seed, ("validation", *place, i), length, channels)
        for k in range(length // block):
            chosen[i, k] = next(times)
    return ValidationBatch(batch=batch, noise=noise, times=chosen)


@torch.no_grad()
def validate(bundle: Bundle, batches: Sequence[ValidationBatch]) -> ValidationLoss:
    """The loss now. Changes nothing, draws nothing; the model computes without dropout."""
    was_training = bundle.dit.training
    bundle.dit.eval()
    losses, times = [], []
    for item in batches:
        kept = torch.zeros(len(item.times), dtype=torch.bool)
        errors = bundle.loss(item.batch, item.noise, item.times, kept).cpu()  # (B, K)
        block = torch.arange(errors.shape[1])
        real = block < item.batch.frames.cpu()[:, None] // bundle.block  # (B, K)
        losses.append(errors[real])
        times.append(item.times[real])
    bundle.dit.train(was_training)
    return _summary(torch.cat(losses).double(), torch.cat(times))


def _summary(losses: Tensor, times: Tensor) -> ValidationLoss:
    by_time = {}
    for low, high in pairwise(TIME_EDGES):
        within = (times >= low) & (times < high)
        if within.any():
            by_time[f"{low:.1f}-{high:.1f}"] = float(losses[within].mean())
    return ValidationLoss(mean=float(losses.mean()), by_time=by_time)
