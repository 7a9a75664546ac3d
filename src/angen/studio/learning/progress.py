"""A training as its job tells of it: points of its curves, and short songs made along the way."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from angen.audio.files import write_wav
from angen.bundle import Bundle
from angen.diffrhythm.sampling import SamplerConfig
from angen.studio.base import playing_threads
from angen.studio.learning.adapters import SAMPLES
from angen.studio.settings import Settings
from angen.studio.watch import OnStep
from angen.training.events import EventKind, TrainingEvent

Emit = Callable[[str, Mapping[str, Any]], None]
Say = Callable[[str], None]

POINTS = 300  # of a curve, beside those of the log and the validations
BETWEEN_S = 0.5  # at least, between two points
STEPS_A_SAMPLE = 25  # a shorter training makes fewer samples


class Curves:
    """Tells the points of the curves as events ``metrics``."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._told_step, self._told_at = -1, 0.0
        self._began = False

    def __call__(self, event: TrainingEvent) -> None:
        if event.kind is EventKind.STEP:
            self._step(event)
        elif event.kind in (EventKind.LOG, EventKind.VALIDATION):
            self._tell(event, measured=event.kind is EventKind.VALIDATION)

    def _step(self, event: TrainingEvent) -> None:
        if not self._began:
            self._began = True
            if event.step == 1 and event.validation_loss is not None:  # that of the base
                base = {"step": 0, "percent": 0.0, "validation_loss": event.validation_loss}
                unknown = dict.fromkeys(("loss", "learning_rate", "gradient_norm"))
                self._emit("metrics", _point(event) | base | unknown)
        apart = max(1, event.steps // POINTS)
        if event.step - self._told_step >= apart and time.monotonic() - self._told_at >= BETWEEN_S:
            self._tell(event, measured=False)

    def _tell(self, event: TrainingEvent, *, measured: bool) -> None:
        self._told_step, self._told_at = event.step, time.monotonic()
        validation = {} if measured else {"validation_loss": None}
        self._emit("metrics", _point(event) | validation)


def _point(event: TrainingEvent) -> dict[str, Any]:
    return {
        "step": event.step,
        "steps": event.steps,
        "epoch": event.epoch,
        "epochs": event.epochs,
        "percent": event.percent,
        "loss": event.loss,
        "validation_loss": event.validation_loss,
        "learning_rate": event.learning_rate,
        "gradient_norm": event.gradient_norm,
        "seconds_left": event.seconds_left,
    }


def sampled_steps(steps: int, count: int) -> set[int]:
    """Steps after which a sample is made: none done, the last, and evenly between; {} for 0.

    count: after the first; a short training makes fewer.
    """
    if not count:
        return set()
    count = min(count, max(1, steps // STEPS_A_SAMPLE))
    return {round(steps * i / count) for i in range(count + 1)}


def told_samples(steps: int, count: int) -> str:
    """When samples are made, and why not as many as were asked for; empty for none."""
    due = sorted(sampled_steps(steps, count))
    if not due:
        return ""
    places = ", ".join(["before the first step", *(f"after step {step:,}" for step in due[1:])])
    fewer = len(due) - 1 < count
    why = f"; not {count}, since at most one in {STEPS_A_SAMPLE} steps is made" if fewer else ""
    return f"Audio samples: {places}{why}."


class Samples:
    """Makes a short song with the same prompt and seed every so many steps.

    Its random numbers are its own and it leaves the model as it was, so that the training goes on
    bit for bit as without. on_step: hears of its steps; may raise Stopped.
    """

    def __init__(
        self,
        emit: Emit,
        say: Say,
        folder: Path,
        settings: Settings,
        *,
        on_step: OnStep,
        count: int,
        prompt: str,
        seconds: float,
        seed: int,
    ) -> None:
        self._emit = emit
        self._say = say
        self._settings = settings
        self._on_step = on_step
        self._folder = folder
        self._count = count
        self._prompt = prompt
        self._seconds = seconds
        self._seed = seed

    def __call__(self, event: TrainingEvent, bundle: Bundle) -> None:
        begins = event.kind is EventKind.START and event.step == 0
        if begins and (told := told_samples(event.steps, self._count)):
            self._say(told)
        due = event.step in sampled_steps(event.steps, self._count)
        if due and (begins or event.kind is EventKind.STEP):
            self._make(event, bundle)

    def _make(self, event: TrainingEvent, bundle: Bundle) -> None:
        song = bundle.song(self._prompt, "", self._seconds, self._seed)
        with playing_threads(bundle, self._settings):
            (latents,) = bundle.sample([song], SamplerConfig(), self._on_step)
            if not len(latents):  # it ended before it began; the next one may not
                return
            audio = bundle.play(latents)
        file = f"{SAMPLES}/step_{event.step:06d}.wav"
        write_wav(self._folder / file, audio.numpy(), bundle.sample_rate_hz)
        self._emit(
            "sample",
            {
                "step": event.step,
                "steps": event.steps,
                "adapter": self._folder.name,
                "audio": file,
                "duration_s": len(audio) / bundle.sample_rate_hz,
                "prompt": self._prompt,
                "seed": self._seed,
            },
        )
