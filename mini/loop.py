"""What every training of ``mini`` shares: a budget, a schedule, checkpoints, an average of weights.

Several processes may work on one training, one core each, with torchrun's variables RANK,
WORLD_SIZE, MASTER_ADDR and MASTER_PORT: on a busy machine that wastes less than threads do.

A training is over when its steps are done. A checkpoint is written every minute, and the same
command goes on from it. Matrices of a transformer may be trained by Muon (Jordan et al. 2024,
https://kellerjordan.github.io/posts/muon), everything else by AdamW. Where there is a GPU, it
is used.
"""

import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from angen.files import replacing

log = logging.getLogger(__name__)
WORK = Path(__file__).parent / "work"  # git-ignored: material, checkpoints, logs
SAVE_EVERY_S = 60.0
BESIDE_MUON = 0.3  # AdamW's share of the rate where Muon trains the matrices
SLOW = 0.15  # of that share, for weights that must not outgrow others

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """How long a training may last, and its learning rate."""

    steps: int
    rate: float
    warmup: int = 100
    flat: float = 0.0  # share of the steps before the rate falls

    def rate_at(self, step: int) -> float:
        """Learning rate of a step: a linear warm-up, flat for a while, a cosine to a fiftieth.

        Until it falls, it does not depend on how many steps there are in all.
        """
        warm = min(1.0, (step + 1) / self.warmup)
        fallen = max(0.0, step / self.steps - self.flat) / (1 - self.flat)
        cosine = 0.5 + 0.5 * math.cos(math.pi * min(1.0, fallen))
        return self.rate * warm * (0.02 + 0.98 * cosine)


@dataclass
class Averages:
    """Running means of the losses, for one line of log every so often."""

    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def add(self, values: dict[str, float]) -> None:
        """Count one step's values in."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def line(self) -> str:
        """All means since the last call, as ``name=value`` pairs."""
        text = " ".join(f"{name}={total / self.count:.4f}" for name, total in self.sums.items())
        self.sums, self.count = {}, 0
        return text


def average_into(average: nn.Module, model: nn.Module, keep: float) -> None:
    """Move ``average`` a little towards ``model``: weights by ``1 - keep``, buffers all the way."""
    with torch.no_grad():
        weights = dict(model.named_parameters())
        for name, mean in average.named_parameters():
            mean.lerp_(weights[name], 1 - keep)
        buffers = dict(model.named_buffers())
        for name, value in average.named_buffers():
            value.copy_(buffers[name])


def rank() -> int:
    """Which of the processes of this training this is, from 0."""
    return int(os.environ.get("RANK", "0"))


def join() -> None:
    """Meet the other processes of this training, if there are any."""
    torch.set_flush_denormal(True)  # fading sounds leave numbers that cost a processor dearly
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        distributed.init_process_group("gloo")


def device() -> torch.device:
    """Where trainings run: on a GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def repeatable(draw: Callable[[], T]) -> Callable[[int], T]:
    """``draw`` by step, so that a training that goes on draws what it would have drawn.

    What the steps before have drawn is drawn again and thrown away.
    """
    drawn = 0

    def at(step: int) -> T:
        nonlocal drawn
        if drawn < step:
            log.info("drawing again what %d steps have drawn", step - drawn)
        for _ in range(step - drawn):
            draw()
        drawn = step + 1
        return draw()

    return at


def _agree(weights: Sequence[Tensor]) -> None:
    """Average the gradients over all processes."""
    if not distributed.is_initialized():
        return
    gradients = [w.grad if w.grad is not None else torch.zeros_like(w) for w in weights]
    flat = torch.cat([g.flatten() for g in gradients])
    distributed.all_reduce(flat)
    at = 0
    for w in weights:
        w.grad = (flat[at : at + w.numel()] / distributed.get_world_size()).view_as(w)
        at += w.numel()


def _optimisers(
    weights: Sequence[Tensor], by_muon: Sequence[Tensor], slow: Sequence[Tensor], rate: float
) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon for those weights that it shall train.

    Groups carry the share of the rate that is theirs: beside Muon, AdamW's is less.
    """
    chosen, slowly = {id(w) for w in by_muon}, {id(w) for w in slow}
    usual = BESIDE_MUON if by_muon else 1.0
    groups: list[dict[str, Any]] = []
    for share, wanted in ((usual, False), (usual * SLOW, True)):
        found = [w for w in weights if id(w) not in chosen and (id(w) in slowly) is wanted]
        for decay, some in (
            (0.01, [w for w in found if w.ndim > 1]),
            (0.0, [w for w in found if w.ndim <= 1]),
        ):
            if some:
                groups.append({"params": some, "weight_decay": decay, "share": share})
    optimisers: list[torch.optim.Optimizer] = []
    if groups:
        optimisers.append(torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99), fused=True))
    if by_muon:
        muon = torch.optim.Muon(
            list(by_muon), lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
        )
        optimisers.append(muon)
    return optimisers


def run(
    models: dict[str, nn.Module],
    averages: dict[str, nn.Module],
    step_losses: Callable[[int], dict[str, Tensor]],
    budget: Budget,
    checkpoint: Path,
    *,
    average_keep: float = 0.999,
    by_muon: Sequence[Tensor] = (),
    slow: Sequence[Tensor] = (),
    log_every: int = 50,
) -> None:
    """Train ``models`` together until the steps of the budget are done.

    step_losses: takes the step, gives named losses; the one called ``total`` is minimised.
    ``averages`` are copies of some models that follow them slowly.
    """
    weights = [p for model in models.values() for p in model.parameters() if p.requires_grad]
    optimisers = _optimisers(weights, by_muon, slow, budget.rate)
    step, before_s = _resume(checkpoint, models, averages, optimisers)
    started = saved = time.monotonic()
    means = Averages()
    while step < budget.steps:
        losses = step_losses(step)
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        losses["total"].backward()  # type: ignore[no-untyped-call]
        _agree(weights)
        finite = torch.isfinite(nn.utils.clip_grad_norm_(weights, 1.0))
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group.get("share", 1.0) * budget.rate_at(step)
            if finite:
                optimiser.step()
        step += 1
        keep = min(average_keep, (step + 1) / (step + 10))
        for name, average in averages.items():
            average_into(average, models[name], keep)
        means.add({name: float(value.detach()) for name, value in losses.items()})
        if rank():
            continue
        seconds = before_s + time.monotonic() - started
        if step % log_every == 0:
            log.info("step %d, %.1f min: %s", step, seconds / 60, means.line())
        if time.monotonic() - saved > SAVE_EVERY_S or step == budget.steps:
            _save(checkpoint, models, averages, optimisers, step, seconds)
            saved = time.monotonic()


def _save(
    path: Path,
    models: dict[str, nn.Module],
    averages: dict[str, nn.Module],
    optimisers: Sequence[torch.optim.Optimizer],
    step: int,
    seconds: float,
) -> None:
    state = {
        "models": {name: model.state_dict() for name, model in models.items()},
        "averages": {name: model.state_dict() for name, model in averages.items()},
        "optimisers": [optimiser.state_dict() for optimiser in optimisers],
        "step": step,
        "seconds": seconds,
    }
    with replacing(path) as beside:
        torch.save(state, beside)


def load_state(path: Path) -> dict[str, Any]:
    """A checkpoint of ``run``: models, averages, optimisers, step, seconds."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _resume(
    path: Path,
    models: dict[str, nn.Module],
    averages: dict[str, nn.Module],
    optimisers: Sequence[torch.optim.Optimizer],
) -> tuple[int, float]:
    if not path.exists():
        return 0, 0.0
    state = load_state(path)
    for name, model in models.items():
        model.load_state_dict(state["models"][name])
    for name, model in averages.items():
        model.load_state_dict(state["averages"][name])
    for optimiser, stored in zip(optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(stored)
    log.info("going on from step %d of %s", state["step"], path)
    return state["step"], state["seconds"]
