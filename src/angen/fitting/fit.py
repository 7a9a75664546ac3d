"""Fitting an encoder to a frozen decoder: a map that is computed, then step after step of lessons.

Nothing random depends on what was before: a fit that is killed goes on where it was saved, and
ends in the same weights.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from angen.bundle import Bundle
from angen.errors import BadInput
from angen.fitting.checkpoint import FitState, read_state, save_state
from angen.fitting.config import FitConfig
from angen.fitting.lesson import Lesson, latent_error, losses_of
from angen.fitting.network import network_for
from angen.fitting.pairs import Pairs
from angen.fitting.recordings import Recordings
from angen.fitting.straight import begin_straight
from angen.fitting.team import Team
from angen.training.optim import optimizer_tensors, restore_optimizer
from angen.training.randomness import generator_for, seeded
from angen.vocoder.learned import LearnedEncoder
from angen.vocoder.likeness import Likeness

logger = logging.getLogger(__name__)

OnStep = Callable[[int, int], None]  # steps done, steps in all; may raise Stopped
OnLosses = Callable[[int, dict[str, float]], None]  # after a step; "error" after a validation

WARMUP = 100
VALIDATIONS = 4  # batches of songs kept aside


def silent(_step: int, _losses: dict[str, float]) -> None:
    """For those who need no news."""


@dataclass
class Fit:
    """An encoder being fitted, and all that it is fitted with."""

    bundle: Bundle
    config: FitConfig
    folder: Path
    pairs: Pairs
    recordings: Recordings | None
    team: Team
    clips_at_once: int
    encoder: LearnedEncoder = field(init=False)
    likeness: Likeness = field(init=False)
    parameters: dict[str, nn.Parameter] = field(init=False)
    optimizer: torch.optim.AdamW = field(init=False)

    def __post_init__(self) -> None:
        self.encoder = fresh_encoder(self.bundle, self.config, self.pairs.moments())
        self.likeness = Likeness(self.bundle.sample_rate_hz).to(self.bundle.device)
        self.parameters = {n: p for n, p in self.encoder.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(self.parameters.values(), lr=self.config.learning_rate)

    def begin(self) -> None:
        """Give a fresh encoder the straight way, unless the recipe is without it or the songs."""
        if self.config.straight and self.config.pairs_weight:
            begin_straight(self.encoder, self.pairs)
        self.team.share(self.encoder.straight.parameters())

    def lesson(self, step: int) -> Lesson:
        """The clips of step ``step`` (from 1) for this process."""
        place = (step, self.team.rank)
        pairs = recordings = None
        if self.config.pairs_weight:
            generator = generator_for(self.config.seed, "pairs", *place)
            pairs = self.pairs.batch(self.pairs.learned, generator)
        if self.config.sound_weight and self.recordings and self.recordings.learned:
            generator = generator_for(self.config.seed, "recordings", *place)
            recordings = self.recordings.batch(self.recordings.learned, generator)
        return Lesson(pairs=pairs, recordings=recordings)

    def step(self, step: int) -> dict[str, float]:
        """Step ``step`` (from 1): the losses before it.

        Raises BadInput when a loss is no number.
        """
        self.optimizer.zero_grad(set_to_none=True)
        told: dict[str, float] = {}
        parts = divided(self.lesson(step), self.clips_at_once)
        for part, share in parts:
            losses = losses_of(self.bundle, self.encoder, self.likeness, part, self.config)
            for name, loss in losses.items():
                told[name] = told.get(name, 0.0) + share * float(loss.detach())
            (share * torch.stack(list(losses.values())).sum()).backward()  # type: ignore[no-untyped-call]
        self.team.average(self.parameters.values())
        norm = float(nn.utils.clip_grad_norm_(self.parameters.values(), self.config.clip_norm))
        if not math.isfinite(norm):
            raise BadInput(
                f"The fit went astray at step {step}: {told}. Lower the learning rate "
                f"({self.config.learning_rate:g}) and begin anew with --restart."
            )
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(step)
        self.optimizer.step()
        return told

    def rate(self, step: int) -> float:
        """Learning rate: a short rise, then half a cosine to nothing."""
        warmup = min(WARMUP, self.config.steps // 10)
        if step <= warmup:
            return self.config.learning_rate * step / (warmup + 1)
        done = (step - 1 - warmup) / max(1, self.config.steps - warmup)
        return self.config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))

    @torch.no_grad()
    def error(self) -> float:
        """Error of the latents of songs kept aside; 1 is as good as always saying the mean."""
        errors = []
        for i in range(VALIDATIONS):
            generator = generator_for(self.config.seed, "validation", i)
            latents, audio = self.pairs.batch(self.pairs.held_out, generator)
            device = self.bundle.device
            errors.append(float(latent_error(self.encoder, latents.to(device), audio.to(device))))
        return sum(errors) / len(errors)

    def restore(self, state: FitState) -> None:
        """As it was when ``state`` was saved."""
        self.encoder.load_state_dict(state.encoder)
        restore_optimizer(self.optimizer, self.parameters, state.moments, state.step)

    def state(self, step: int, best: "FitState | None", *, judged: bool = True) -> FitState:
        """Where the fit is now, and which step was the best so far.

        judged: whether this step may be the best. Where a fit was stopped may not: it would end
        in other weights than one that was not. Where songs do not teach they do not judge either:
        then the newest step is the best.
        """
        encoder = {name: t.detach().cpu().clone() for name, t in self.encoder.state_dict().items()}
        moments = optimizer_tensors(self.optimizer, self.parameters)
        if best is not None:
            same = replace(best, step=step, encoder=encoder, moments=moments)
            error = self.error() if judged else best.error
            if not judged or (self.config.pairs_weight and error >= best.error):
                return same
            return replace(same, error=error, best_step=step, best=encoder)
        return FitState(
            step=step,
            error=self.error(),
            best_step=step,
            encoder=encoder,
            best=encoder,
            moments=moments,
        )


def fresh_encoder(
    bundle: Bundle, config: FitConfig, moments: tuple[Tensor, Tensor]
) -> LearnedEncoder:
    """An encoder of seeded random weights that says the mean of the model's latents."""
    with seeded(config.seed, "encoder"):
        encoder = LearnedEncoder(
            network_for(bundle, config), decoder=bundle.decoder_fingerprint, refine=config.refine
        )
    encoder.mean.copy_(moments[0])
    encoder.std.copy_(moments[1])
    return encoder.to(bundle.device)


def divided(lesson: Lesson, at_once: int) -> Sequence[tuple[Lesson, float]]:
    """A lesson in parts of at most so many clips of a kind, and each part's share of the loss.

    Losses that are means over clips sum up to the same; the moments are then those of a part.
    """
    kinds = [kind for kind in (lesson.pairs, lesson.recordings) if kind is not None]
    clips = max((len(kind[0]) for kind in kinds), default=0)
    count = -(-clips // at_once)
    parts = []
    for i in range(count):
        pairs, recordings = (
            None if kind is None else (_part(kind[0], i, count), _part(kind[1], i, count))
            for kind in (lesson.pairs, lesson.recordings)
        )
        parts.append((Lesson(pairs=pairs, recordings=recordings), 1 / count))
    return parts


def _part(clips: Tensor, index: int, count: int) -> Tensor:
    return clips.tensor_split(count)[index]


def run(fit: Fit, on_step: OnStep, on_losses: OnLosses = silent) -> FitState:
    """Fit until the last step of the recipe, going on from what was saved; the best state.

    Raises Stopped from ``on_step``, with the work saved; BadInput when the fit goes astray.
    """
    best = read_state(fit.folder)
    step = best.step if best else 0
    if best:
        fit.restore(best)
    else:
        fit.begin()
    newest = best or fit.state(0, None)
    try:
        while step < fit.config.steps:
            on_step(step, fit.config.steps)
            losses = fit.step(step + 1)
            step += 1
            if step % fit.config.save_every == 0 or step == fit.config.steps:
                newest = _saved(fit, step, newest)
                losses["error"] = newest.error
            on_losses(step, losses)
    except BaseException:
        if step > newest.step:
            _saved(fit, step, newest, judged=False)
        raise
    on_step(max(step, 1), max(fit.config.steps, 1))
    return newest


def _saved(fit: Fit, step: int, before: FitState, *, judged: bool = True) -> FitState:
    state = fit.state(step, before, judged=judged)
    if fit.team.leads:
        save_state(fit.folder, state)
    fit.team.wait()
    return state


def seconds_of(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began
