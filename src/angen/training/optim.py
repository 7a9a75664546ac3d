"""AdamW over the adapter, and how its learning rate rises and falls.

The rate is a function of the step, so there is no scheduler whose state could get lost.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from angen.training.config import TrainingConfig

_MOMENTS = ("exp_avg", "exp_avg_sq")


def learning_rate(config: TrainingConfig, step: int, steps: int) -> float:
    """The rate of step ``step`` (from 1) of ``steps``: linear warm-up, then half a cosine to zero.

    The warm-up takes at most a tenth of the training, so that short ones reach the full rate.
    """
    warmup = min(config.warmup_steps, steps // 10)
    if step <= warmup:
        return config.learning_rate * step / (warmup + 1)
    progress = (step - 1 - warmup) / max(1, steps - warmup)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def make_optimizer(
    parameters: Mapping[str, nn.Parameter], config: TrainingConfig
) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) over the adapter's parameters."""
    return torch.optim.AdamW(
        list(parameters.values()),
        lr=config.learning_rate,
        betas=(0.9, 0.999),
        weight_decay=config.weight_decay,
    )


def optimizer_tensors(
    optimizer: torch.optim.AdamW, parameters: Mapping[str, nn.Parameter]
) -> dict[str, Tensor]:
    """The moments of each parameter, ``<name>.exp_avg`` and ``<name>.exp_avg_sq``, on the CPU.

    The count of steps, the same for all, is not among them: see ``restore_optimizer``.
    """
    return {
        f"{name}.{moment}": optimizer.state[parameter][moment].detach().to("cpu", copy=True)
        for name, parameter in parameters.items()
        for moment in _MOMENTS
        if parameter in optimizer.state
    }


def restore_optimizer(
    optimizer: torch.optim.AdamW,
    parameters: Mapping[str, nn.Parameter],
    tensors: Mapping[str, Tensor],
    step: int,
) -> None:
    """Put ``tensors`` back, as after ``step`` steps.

    Raises ValueError when they are not the moments of these parameters.
    """
    expected = {
        f"{name}.{moment}": parameter.shape
        for name, parameter in parameters.items()
        for moment in _MOMENTS
    }
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if step and found != expected:
        raise ValueError("the optimizer's moments do not fit the adapter")
    if not step:
        return
    for name, parameter in parameters.items():
        moments = {m: tensors[f"{name}.{m}"].to(parameter.device, copy=True) for m in _MOMENTS}
        optimizer.state[parameter] = {"step": torch.tensor(float(step)), **moments}
