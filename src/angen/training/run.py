"""A training while it runs: the adapter, its optimizer, how far it is, and what that means.

Everything that reaches the weights depends on the state here and on the number of the step, so a
run restored from a checkpoint does bit for bit what it would have done (on a CPU; a GPU adds in an
order of its own).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import nn

from angen.adapters.attach import attach
from angen.adapters.files import restore_tensors, save_adapter
from angen.adapters.library import BEST, CHECKPOINTS
from angen.amounts import duration_text
from angen.bundle import Bundle
from angen.errors import Incompatible
from angen.training.checkpoint import Checkpoint, Progress, forget_old, save_checkpoint
from angen.training.config import TrainingConfig, recipe
from angen.training.events import EventKind, TrainingEvent
from angen.training.log import TrainingLog
from angen.training.optim import make_optimizer, optimizer_tensors, restore_optimizer
from angen.training.plan import Clips, Plan
from angen.training.randomness import derived_seed
from angen.training.step import StepResult, train_step
from angen.training.validation import ValidationBatch, validate

CHECKPOINT_S = 180.0  # of work that a power cut takes away, at most


@dataclass(kw_only=True)
class Run:
    """State of a running training. ``advance`` does one step with all that falls due after it."""

    bundle: Bundle
    clips: Clips
    validation: list[ValidationBatch]
    config: TrainingConfig
    plan: Plan
    folder: Path
    dataset_fingerprint: str
    parameters: Mapping[str, nn.Parameter]
    optimizer: torch.optim.AdamW
    progress: Progress = field(default_factory=Progress)
    clock: Callable[[], float] = time.monotonic
    saved_at: int = -1  # step of the newest checkpoint
    _logged: list[float] = field(default_factory=list)  # losses since the last line of the log
    _began: float = 0.0
    _began_step: int = 0
    _saved: float = 0.0  # when the newest checkpoint was saved

    def begin(self) -> None:
        """Measure the base, unless a checkpoint brought that along."""
        self._began, self._began_step = self.clock(), self.progress.step
        self._saved = self._began
        if self.progress.base_loss is None and self.validation:
            base = validate(self.bundle, self.validation)
            self.progress = replace(
                self.progress, base_loss=base.mean, latest_loss=base.mean, by_time=base.by_time
            )

    def advance(self, log: TrainingLog) -> list[TrainingEvent]:
        """One step; then, where due, validation, best model, checkpoint. Returns the news."""
        before = self.clock()
        step = self.progress.step + 1
        turn = self.plan.epoch_of(step)
        batches = [self.clips.batch(indices, turn) for indices in self.plan.batches(step)]
        result = train_step(
            self.bundle,
            batches,
            self.parameters,
            self.optimizer,
            self.config,
            step=step,
            steps=self.plan.steps,
        )
        self._count(result, step)
        events = [self.event(EventKind.STEP, result=result)]
        if self.plan.ends_epoch(step):
            events += self._end_epoch(log)
        if step % self.config.log_every == 0 or step == self.plan.steps:
            events.append(self._log_line(result, log))
        now = self.clock()
        self.progress = replace(self.progress, seconds=self.progress.seconds + now - before)
        if step == self.plan.steps:
            return events
        if step % self.config.checkpoint_every == 0:
            events.append(self.checkpoint())
        elif now - self._saved >= CHECKPOINT_S:
            self.checkpoint()  # without news: there are hundreds in a long training
        return events

    def _count(self, result: StepResult, step: int) -> None:
        starts_epoch = step == 1 or self.plan.ends_epoch(step - 1)
        progress = self.progress
        self.progress = replace(
            progress,
            step=step,
            epoch_loss=result.loss + (0.0 if starts_epoch else progress.epoch_loss),
            epoch_steps=1 + (0 if starts_epoch else progress.epoch_steps),
        )
        self._logged.append(result.loss)

    def _end_epoch(self, log: TrainingLog) -> list[TrainingEvent]:
        progress = self.progress
        training_loss = progress.epoch_loss / progress.epoch_steps
        self.progress = replace(progress, training_loss=training_loss)
        log.scalars(progress.step, {"loss/epoch": training_loss})
        if not self.validation:
            return []
        found = validate(self.bundle, self.validation)
        scalars = {"validation/loss": found.mean}
        scalars |= {f"validation/time {name}": loss for name, loss in found.by_time.items()}
        log.scalars(progress.step, scalars)
        self.progress = replace(self.progress, latest_loss=found.mean, by_time=found.by_time)
        best = progress.best_loss is None or found.mean < progress.best_loss
        if best:
            self.save_model(self.folder / BEST)
            self.progress = replace(self.progress, best_loss=found.mean, best_step=progress.step)
        message = (
            f"Epoch {self.plan.epoch_of(progress.step)}: validation {found.mean:.4f}"
            f"{', the best so far' if best else ''} (base {progress.base_loss:.4f})"
        )
        return [self.event(EventKind.VALIDATION, message=message)]

    def _log_line(self, result: StepResult, log: TrainingLog) -> TrainingEvent:
        mean = sum(self._logged) / len(self._logged)
        event = self.event(EventKind.LOG, result=result)
        left = (
            ""
            if event.seconds_left is None
            else f", {duration_text(event.seconds_left)} of training left"
        )
        message = (
            f"Epoch {event.epoch}/{event.epochs}, step {event.step}/{event.steps} "
            f"({event.percent:.0f} %): loss {mean:.4f}{left}"
        )
        self._logged.clear()
        log.scalars(
            event.step,
            {
                "loss/training": mean,
                "learning_rate": result.learning_rate,
                "gradient_norm": result.gradient_norm,
            },
        )
        return replace(event, loss=mean, message=message)

    def event(
        self, kind: EventKind, *, message: str = "", result: StepResult | None = None
    ) -> TrainingEvent:
        """News of ``kind`` from where the training is now."""
        return TrainingEvent(
            kind=kind,
            epoch=self.plan.epoch_of(self.progress.step),
            epochs=self.plan.epochs,
            step=self.progress.step,
            steps=self.plan.steps,
            loss=sum(self._logged) / len(self._logged) if self._logged else None,
            validation_loss=self.progress.latest_loss,
            learning_rate=result.learning_rate if result else None,
            gradient_norm=result.gradient_norm if result else None,
            seconds_left=self._seconds_left(),
            message=message,
        )

    def _seconds_left(self) -> float | None:
        done = self.progress.step - self._began_step
        if not done:
            return None
        return (self.clock() - self._began) / done * (self.plan.steps - self.progress.step)

    def checkpoint(self) -> TrainingEvent:
        """Save all that it takes to go on from here, and forget what is too old."""
        folder = self.folder / CHECKPOINTS
        if self.saved_at != self.progress.step:
            path = save_checkpoint(
                folder,
                self.bundle,
                progress=self.progress,
                moments=optimizer_tensors(self.optimizer, self.parameters),
                recipe=recipe(self.config),
                dataset_fingerprint=self.dataset_fingerprint,
            )
            self.saved_at, self._saved = self.progress.step, self.clock()
            forget_old(folder, self.config.keep_checkpoints, self.config.checkpoint_every)
        path = folder / f"checkpoint_step_{self.progress.step}"
        return self.event(EventKind.CHECKPOINT, message=f"Saved {path}")

    def save_model(self, folder: Path) -> None:
        """The adapter as it is now, for playing."""
        save_adapter(
            self.bundle.dit,
            folder,
            base=self.bundle.name,
            base_fingerprint=self.bundle.model_fingerprint,
        )


def fresh_adapter(bundle: Bundle, config: TrainingConfig) -> dict[str, nn.Parameter]:
    """The adapter of step 0, in the bundle's model; its parameters by name."""
    parameters = attach(bundle.dit, config.shape, seed=derived_seed(config.seed, "adapter"))
    bundle.dit.checkpointing = config.gradient_checkpointing
    bundle.dit.train()
    return parameters


def start(
    bundle: Bundle,
    clips: Clips,
    validation: list[ValidationBatch],
    config: TrainingConfig,
    plan: Plan,
    *,
    folder: Path,
    dataset_fingerprint: str,
    checkpoint: Checkpoint | None,
    clock: Callable[[], float] = time.monotonic,
) -> Run:
    """A run at step 0, or where ``checkpoint`` left it.

    Raises Incompatible when the checkpoint's tensors are not those of this recipe.
    """
    parameters = fresh_adapter(bundle, config)
    run = Run(
        bundle=bundle,
        clips=clips,
        validation=validation,
        config=config,
        plan=plan,
        folder=folder,
        dataset_fingerprint=dataset_fingerprint,
        parameters=parameters,
        optimizer=make_optimizer(parameters, config),
        clock=clock,
    )
    if checkpoint is not None:
        run.progress, run.saved_at = checkpoint.progress, checkpoint.progress.step
        try:
            restore_tensors(bundle.dit, checkpoint.adapter.tensors)
            restore_optimizer(
                run.optimizer, parameters, checkpoint.moments, checkpoint.progress.step
            )
        except ValueError as error:
            raise Incompatible(
                f"{checkpoint.folder}: {error}; it cannot be gone on from."
            ) from error
    return run
