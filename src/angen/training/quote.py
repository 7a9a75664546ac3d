"""What a training will take, before it starts: measured on a few real steps, then thrown away."""

import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from angen.adapters.attach import detach, slots
from angen.amounts import counted, duration_text, size_text
from angen.bundle import Bundle
from angen.training.config import TrainingConfig
from angen.training.loop import in_precision
from angen.training.material import TrainingData
from angen.training.optim import make_optimizer
from angen.training.plan import Plan, make_plan
from angen.training.run import fresh_adapter
from angen.training.space import disk_bytes
from angen.training.step import train_step
from angen.training.validation import make_validation, validate

MEASURED_STEPS = 3
PATIENCE_S = 60.0  # no further step is measured after so long


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """The price of a training."""

    steps: int  # that are left
    epochs: int  # in all
    clips: int
    trained_parameters: int
    seconds: float  # for these steps, their validations and samples
    seconds_per_step: float
    peak_memory_bytes: int  # of this process, on its device
    disk_bytes: int  # models, checkpoints and logs together
    device: str
    done: int = 0  # steps of a training that is resumed
    report_seconds: float = 0.0  # for the effect report afterwards; 0 where there is none
    answer: str = ""  # how firm the report's answer will be

    @property
    def message(self) -> str:
        """The quote in one line."""
        steps = f"{counted(self.steps, 'step')} in {counted(self.epochs, 'epoch')}"
        if self.done:
            steps = f"{self.steps:,} of {counted(self.done + self.steps, 'step')} are left"
        time_text = duration_text(self.seconds)
        if self.report_seconds:
            time_text += f" and about {duration_text(self.report_seconds)} for the report"
        return (
            f"{steps} over {counted(self.clips, 'clip')}: about "
            f"{time_text}, {size_text(self.peak_memory_bytes)} of memory on "
            f"{self.device}, {size_text(self.disk_bytes)} of disk; "
            f"{self.trained_parameters:,} weights are trained"
            + (f". {self.answer}" if self.answer else "")
        )


def quote(bundle: Bundle, data: TrainingData, config: TrainingConfig, *, done: int = 0) -> Quote:
    """Do a few real steps on an adapter that is then forgotten, and reckon from them.

    done: steps that lie behind; only the others are reckoned.

    The longest clips come first: they need the most memory, and warm up the machine. Neither the
    model nor the random state is changed.

    Raises BadInput for fewer than two clips or when a step fails.
    """
    if slots(bundle.dit):
        raise ValueError("the model carries adapters; detach them first")
    plan = make_plan(data.training, config)
    if bundle.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(bundle.device)
    try:
        with in_precision(bundle, config.precision):
            parameters = fresh_adapter(bundle, config)
            per_step = _measure_steps(bundle, data, config, plan, parameters)
            per_validation = _measure_validation(bundle, data, config)
    finally:
        detach(bundle.dit)
        bundle.dit.checkpointing = False
        bundle.dit.eval()
    trained = sum(parameter.numel() for parameter in parameters.values())
    left = max(0, plan.steps - done)
    return Quote(
        steps=left,
        epochs=plan.epochs,
        clips=len(data.training),
        trained_parameters=trained,
        seconds=left * per_step + plan.validations_after(done) * per_validation,
        seconds_per_step=per_step,
        peak_memory_bytes=peak_memory(bundle.device),
        disk_bytes=disk_bytes(trained, config, plan.steps),
        device=str(bundle.device),
        done=done,
    )


def _measure_steps(
    bundle: Bundle,
    data: TrainingData,
    config: TrainingConfig,
    plan: Plan,
    parameters: Mapping[str, nn.Parameter],
) -> float:
    """Seconds of a usual step: the mean over a few, after one with the longest clips."""
    optimizer = make_optimizer(parameters, config)
    longest = sorted(range(len(plan.lengths)), key=lambda i: plan.lengths[i])
    trial = [[longest[-config.batch_size :]]]
    middle = range(1, plan.steps_per_epoch + 1)[:: max(1, plan.steps_per_epoch // MEASURED_STEPS)]
    trial += [plan.batches(step) for step in middle[:MEASURED_STEPS]]
    spent: list[float] = []
    for step, batches in enumerate(trial, start=1):
        began = time.monotonic()
        loaded = [data.training.batch(indices) for indices in batches]
        train_step(bundle, loaded, parameters, optimizer, config, step=step, steps=len(trial))
        spent.append(time.monotonic() - began)
        if sum(spent) > PATIENCE_S:
            break
    return sum(spent[1:]) / len(spent[1:]) if len(spent) > 1 else spent[0] * config.accumulation


def _measure_validation(bundle: Bundle, data: TrainingData, config: TrainingConfig) -> float:
    """Seconds of a validation, from its middle batch."""
    batches = make_validation(data.validation, config, bundle.block)
    if not batches:
        return 0.0
    began = time.monotonic()
    validate(bundle, [batches[len(batches) // 2]])
    return (time.monotonic() - began) * len(batches)


def peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kilobytes on Linux
