"""The learning rate, and AdamW restored."""

import pytest
import torch
from torch import nn

from angen.training.config import TrainingConfig
from angen.training.optim import (
    learning_rate,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer,
)

CONFIG = TrainingConfig(learning_rate=1e-3, warmup_steps=100)


def test_the_rate_rises_linearly_then_falls_as_half_a_cosine() -> None:
    rates = [learning_rate(CONFIG, step, 1100) for step in range(1, 1101)]
    assert rates[49] == pytest.approx(1e-3 * 50 / 101)
    assert max(rates) == rates[100] == 1e-3  # the first step after the warm-up
    assert rates[600] == pytest.approx(0.5e-3)  # half-way through the rest
    assert 0 < rates[-1] < 1e-8
    assert rates[100:] == sorted(rates[100:], reverse=True)


def test_the_warm_up_takes_at_most_a_tenth() -> None:
    rates = [learning_rate(CONFIG, step, 50) for step in range(1, 51)]
    assert rates.index(max(rates)) == 5
    assert learning_rate(CONFIG, 1, 1) == 1e-3


def parameters() -> dict[str, nn.Parameter]:
    return {name: nn.Parameter(torch.ones(3)) for name in ("a", "b")}


def one_step(params: dict[str, nn.Parameter], optimizer: torch.optim.AdamW, k: int) -> None:
    for i, parameter in enumerate(params.values()):
        parameter.grad = torch.sin(torch.arange(3.0) + k + i)
    optimizer.step()


def test_a_restored_optimizer_goes_on_to_the_bit() -> None:
    straight = parameters()
    optimizer = make_optimizer(straight, CONFIG)
    for k in range(3):
        one_step(straight, optimizer, k)
    resumed = {name: nn.Parameter(p.detach().clone()) for name, p in straight.items()}
    other = make_optimizer(resumed, CONFIG)
    restore_optimizer(other, resumed, optimizer_tensors(optimizer, straight), 3)
    for k in range(3, 6):
        one_step(straight, optimizer, k)
        one_step(resumed, other, k)
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_moments_of_other_parameters_are_refused() -> None:
    params = parameters()
    optimizer = make_optimizer(params, CONFIG)
    one_step(params, optimizer, 0)
    moments = optimizer_tensors(optimizer, params)
    del moments["b.exp_avg"]
    with pytest.raises(ValueError, match="do not fit"):
        restore_optimizer(make_optimizer(params, CONFIG), params, moments, 1)
