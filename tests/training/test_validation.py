"""The loss on clips kept aside."""

import pytest
import torch

from angen.bundle import Bundle
from angen.training.config import TrainingConfig
from angen.training.validation import make_validation, validate
from tests.tiny import BLOCK
from tests.training.examples import MemoryClips

CONFIG = TrainingConfig(batch_size=2, validation_blocks=12)


def test_without_clips_there_is_no_validation() -> None:
    assert make_validation(MemoryClips(()), CONFIG, BLOCK) == []


def test_the_same_noise_and_times_each_time() -> None:
    one, two = (make_validation(MemoryClips((1, 3, 2)), CONFIG, BLOCK) for _ in range(2))
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        assert torch.equal(a.noise, b.noise)
        assert torch.equal(a.times, b.times)


def test_few_clips_are_heard_several_times_with_times_evenly_spread() -> None:
    batches = make_validation(MemoryClips((1, 3, 1)), CONFIG, BLOCK)  # 5 blocks: 3 rounds
    times = []
    for item in batches:
        for clip, frames in zip(item.times, item.batch.frames.tolist(), strict=True):
            times += clip[: frames // BLOCK].tolist()
    assert len(times) == 15
    quantiles = torch.special.ndtr(torch.logit(torch.tensor(sorted(times))))
    expected = (torch.arange(15) + 0.5) / 15
    torch.testing.assert_close(quantiles, expected, atol=1e-4, rtol=0)


def test_a_model_that_answers_zero_errs_by_the_distance_to_the_noise(tiny_bundle: Bundle) -> None:
    torch.nn.init.zeros_(tiny_bundle.dit.proj_out.weight)
    torch.nn.init.zeros_(tiny_bundle.dit.proj_out.bias)
    batches = make_validation(MemoryClips((1, 3, 2)), CONFIG, BLOCK)
    squares, count = 0.0, 0
    for item in batches:
        for i, frames in enumerate(item.batch.frames.tolist()):
            wanted = item.batch.latents[i, :frames] - item.noise[i, :frames]
            squares += wanted.square().sum().item()
            count += wanted.numel()
    found = validate(tiny_bundle, batches)
    assert found.mean == pytest.approx(squares / count, rel=1e-5)
    assert list(found.by_time) == ["0.0-0.2", "0.2-0.4", "0.4-0.6", "0.6-0.8", "0.8-1.0"]


def test_validation_changes_neither_mode_nor_random_state(tiny_bundle: Bundle) -> None:
    tiny_bundle.dit.train()
    before = torch.random.get_rng_state()
    validate(tiny_bundle, make_validation(MemoryClips((1, 2)), CONFIG, BLOCK))
    assert tiny_bundle.dit.training
    assert torch.equal(before, torch.random.get_rng_state())
