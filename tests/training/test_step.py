"""One step of training."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from angen.adapters.attach import detach
from angen.adapters.files import adapter_tensors
from angen.bundle import Bundle
from angen.diffrhythm.objective import Batch
from angen.errors import BadInput
from angen.training.config import TrainingConfig
from angen.training.loop import train
from angen.training.optim import learning_rate, make_optimizer
from angen.training.run import fresh_adapter
from angen.training.step import StepResult, draw, train_step
from tests.tiny import BLOCK
from tests.training.examples import MemoryClips, data

CONFIG = TrainingConfig(rank=4, alpha=8, learning_rate=1e-3)


def stepped(
    bundle: Bundle, groups: list[list[int]], config: TrainingConfig = CONFIG
) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and adapter after two steps on the same clips, divided into batches as asked."""
    clips = MemoryClips((1, 2, 3, 2))
    parameters = fresh_adapter(bundle, config)
    optimizer = make_optimizer(parameters, config)
    batches = [clips.batch(group) for group in groups]
    for step in (1, 2):
        result = train_step(bundle, batches, parameters, optimizer, config, step=step, steps=2)
    tensors = adapter_tensors(bundle.dit)
    detach(bundle.dit)
    return result.loss, tensors


@pytest.mark.parametrize("groups", [[[0, 1], [2, 3]], [[0], [1], [2], [3]], [[0, 1, 2], [3]]])
def test_accumulated_batches_equal_one_large_one(
    tiny_bundle: Bundle, groups: list[list[int]]
) -> None:
    loss, tensors = stepped(tiny_bundle, [[0, 1, 2, 3]])
    other_loss, others = stepped(tiny_bundle, groups)
    assert other_loss == pytest.approx(loss, rel=1e-6)
    for name, tensor in tensors.items():
        torch.testing.assert_close(others[name], tensor, rtol=1e-3, atol=1e-6)


def test_gradient_checkpointing_gives_the_same_numbers(tiny_bundle: Bundle) -> None:
    config = replace(CONFIG, lora_dropout=0.2)
    loss, tensors = stepped(tiny_bundle, [[0, 1, 2, 3]], config)
    again, others = stepped(
        tiny_bundle, [[0, 1, 2, 3]], replace(config, gradient_checkpointing=True)
    )
    assert again == loss
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)


def test_bfloat16_follows_float32(tiny_bundle: Bundle, tmp_path: Path) -> None:
    config = replace(CONFIG, max_steps=6)
    exact = train(tiny_bundle, data(), config, tmp_path / "a")
    coarse = train(
        tiny_bundle, data(), replace(config, precision="bfloat16"), tmp_path / "b"  # type: ignore[arg-type]
    )  # fmt: skip
    assert exact.losses.training is not None
    assert coarse.losses.training == pytest.approx(exact.losses.training, rel=0.02)
    assert coarse.losses.training != exact.losses.training
    assert tiny_bundle.dtype is torch.float32


def test_a_draw_does_not_depend_on_the_company() -> None:
    clips = MemoryClips((1, 2, 3, 2))
    whole = draw(clips.batch([0, 1, 2, 3]), BLOCK, CONFIG, step=5, first=0)
    part = draw(clips.batch([1]), BLOCK, CONFIG, step=5, first=1)
    assert torch.equal(whole.noise[1, : 2 * BLOCK], part.noise[0])
    assert torch.equal(whole.times[1, :2], part.times[0])
    assert whole.noise[1, 2 * BLOCK :].abs().max() == 0
    assert whole.times[1, 2:].abs().max() == 0
    assert whole.dropped[1] == part.dropped[0]


def test_draws_have_the_distributions_that_are_asked_for() -> None:
    clips = MemoryClips((5,) * 200)
    config = replace(CONFIG, condition_dropout=0.25)
    drawn = draw(clips.batch(range(200)), BLOCK, config, step=1, first=0)
    assert drawn.noise.mean().item() == pytest.approx(0, abs=0.02)
    assert drawn.noise.std().item() == pytest.approx(1, abs=0.02)
    assert torch.logit(drawn.times).std().item() == pytest.approx(1, abs=0.08)
    assert drawn.dropped.float().mean().item() == pytest.approx(0.25, abs=0.08)


def test_steps_draw_anew() -> None:
    batch = MemoryClips((2,)).batch([0])
    one, two = (draw(batch, BLOCK, CONFIG, step=step, first=0) for step in (1, 2))
    assert not torch.equal(one.noise, two.noise)
    assert not torch.equal(one.times, two.times)


class Crowded:
    """A bundle on a device without memory to spare."""

    device = torch.device("cpu")
    block = BLOCK

    def loss(self, *_arguments: object) -> torch.Tensor:
        raise torch.OutOfMemoryError


def test_a_device_without_memory_names_the_remedy() -> None:
    parameters = {"a": torch.nn.Parameter(torch.ones(1))}
    optimizer = make_optimizer(parameters, CONFIG)
    batch = MemoryClips((2, 2)).batch([0, 1])
    crowded: Any = Crowded()
    with pytest.raises(BadInput, match=r"memory of cpu is too small .*gradient_checkpointing"):
        train_step(crowded, [batch], parameters, optimizer, CONFIG, step=1, steps=1)


class Line:
    """A bundle whose loss is a function of one number, the same for each block; it keeps draws."""

    block = BLOCK

    def __init__(self, loss: Callable[[torch.Tensor], torch.Tensor], value: float = 2.0) -> None:
        self.weight = torch.nn.Parameter(torch.tensor(value))
        self.noises: list[torch.Tensor] = []
        self._loss = loss

    def loss(self, batch: Batch, noise: torch.Tensor, *_others: object) -> torch.Tensor:
        self.noises.append(noise)
        blocks = batch.frames // BLOCK
        counts = torch.arange(int(blocks.max())) < blocks[:, None]
        return self._loss(self.weight) * counts


def stepped_along(line: Any, batches: list[Batch], config: TrainingConfig) -> StepResult:
    optimizer = torch.optim.SGD([line.weight])
    return train_step(line, batches, {"w": line.weight}, optimizer, config, step=3, steps=9)


def test_a_step_is_the_mean_over_all_blocks_and_goes_down_its_clipped_gradient() -> None:
    clips = MemoryClips((1, 2, 3, 2))
    batches = [clips.batch([0, 1, 2]), clips.batch([3])]
    config = replace(CONFIG, clip_norm=0.5)
    line = Line(lambda weight: 7 * weight)
    result = stepped_along(line, batches, config)
    assert result.loss == pytest.approx(14)
    assert result.gradient_norm == pytest.approx(7)
    assert result.learning_rate == learning_rate(config, 3, 9)
    assert line.weight.item() == pytest.approx(2 - 0.5 * result.learning_rate, abs=1e-7)
    firsts = (0, 3)  # clips are counted through all batches
    for noise, batch, first in zip(line.noises, batches, firsts, strict=True):
        assert torch.equal(noise, draw(batch, BLOCK, config, step=3, first=first).noise)


@pytest.mark.parametrize(
    ("loss", "value", "told"),
    [
        (lambda weight: weight * 0 + torch.inf, 2.0, "loss inf, gradient 0"),
        (torch.sqrt, 0.0, "loss 0.0, gradient inf"),
    ],
)
def test_a_loss_or_a_gradient_without_end_stops_the_training(
    loss: Callable[[torch.Tensor], torch.Tensor], value: float, told: str
) -> None:
    line = Line(loss, value)
    with pytest.raises(BadInput, match=told):
        stepped_along(line, [MemoryClips((2,)).batch([0])], CONFIG)
    assert line.weight.item() == value


def test_a_loss_that_is_no_number_stops_before_the_weights_change(tiny_bundle: Bundle) -> None:
    parameters = fresh_adapter(tiny_bundle, CONFIG)
    before = adapter_tensors(tiny_bundle.dit)
    batch = MemoryClips((2, 2)).batch([0, 1])
    broken = Batch(
        text=batch.text,
        text_lengths=batch.text_lengths,
        latents=batch.latents.clone().fill_(float("nan")),
        frames=batch.frames,
        style=batch.style,
    )
    optimizer = make_optimizer(parameters, CONFIG)
    config = replace(CONFIG, learning_rate=9e-4)
    with pytest.raises(BadInput, match=r"astray at step 3: loss nan.* 0.0009 .* try 3e-04"):
        train_step(tiny_bundle, [broken], parameters, optimizer, config, step=3, steps=9)
    after = adapter_tensors(tiny_bundle.dit)
    assert all(torch.equal(before[name], after[name]) for name in before)
