"""Which clips each step sees: a function of the step, so that resuming needs no memory of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from angen.amounts import counted
from angen.diffrhythm.objective import Batch
from angen.errors import BadInput
from angen.training.config import TrainingConfig
from angen.training.randomness import generator_for

MIN_CLIPS = 2
_JITTER = 0.4  # clips of nearly one length go together, in changing company


class Clips(Protocol):
    """One side of a data set, as training needs it."""

    @property
    def frames(self) -> Sequence[int]:
        """Latent frames of each clip, whole blocks."""
        ...

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int], turn: int = 0) -> Batch:
        """These clips, padded to the longest. Another turn may show another side of them."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How many steps, and which clips in each."""

    lengths: tuple[int, ...]  # frames of each training clip
    batch_size: int
    clips_per_step: int
    steps: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.lengths) // self.clips_per_step)

    @property
    def epochs(self) -> int:
        return -(-self.steps // self.steps_per_epoch)

    def epoch_of(self, step: int) -> int:
        """The epoch, from 1, that step ``step`` (from 1) is in."""
        return (max(step, 1) - 1) // self.steps_per_epoch + 1

    def ends_epoch(self, step: int) -> bool:
        return step % self.steps_per_epoch == 0 or step == self.steps

    def validations_after(self, step: int) -> int:
        """How many are to come once ``step`` steps are done; that of the base is the first."""
        ends = sum(self.ends_epoch(later) for later in range(step + 1, self.steps + 1))
        return ends + (step == 0)

    def batches(self, step: int) -> list[list[int]]:
        """The clips of step ``step`` (from 1), in batches of at most ``batch_size``.

        Every clip once an epoch, in an order of its own each time; clips of like length share a
        step, so that little is spent on padding.
        """
        epoch = self.epoch_of(step)
        generator = generator_for(self.seed, "order", epoch)
        jitter = 1 + _JITTER * torch.rand(len(self.lengths), generator=generator)
        order = torch.argsort(torch.tensor(self.lengths) * jitter).tolist()
        places = torch.randperm(self.steps_per_epoch, generator=generator).tolist()
        first = places[(step - 1) % self.steps_per_epoch] * self.clips_per_step
        clips = order[first : first + self.clips_per_step]
        return [clips[i : i + self.batch_size] for i in range(0, len(clips), self.batch_size)]


def make_plan(clips: Clips, config: TrainingConfig) -> Plan:
    """The plan of a training.

    Raises BadInput for fewer than two clips.
    """
    if len(clips) < MIN_CLIPS:
        raise BadInput(
            f"The dataset has {counted(len(clips), 'training clip')}; "
            f"at least {MIN_CLIPS} are needed, and 20 or more are advisable. "
            "Add recordings and prepare it again."
        )
    per_epoch = -(-len(clips) // config.clips_per_step)
    return Plan(
        lengths=tuple(clips.frames),
        batch_size=config.batch_size,
        clips_per_step=config.clips_per_step,
        steps=config.max_steps or max(config.epochs * per_epoch, config.least_steps),
        seed=config.seed,
    )
