"""The price of a training, before it starts."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from angen.bundle import Bundle
from angen.errors import BadInput, OutOfSpace
from angen.training.config import TrainingConfig
from angen.training.events import TrainingEvent
from angen.training.loop import train
from angen.training.quote import quote
from angen.training.space import check_space, disk_bytes
from tests.training.examples import data
from tests.training.test_loop import Clock, minutes_a_step

CONFIG = TrainingConfig(batch_size=3, epochs=4, rank=4, alpha=8, checkpoint_every=5)


def test_quote_counts_steps_weights_and_gives_time_and_memory(tiny_bundle: Bundle) -> None:
    found = quote(tiny_bundle, data(), CONFIG)
    assert (found.steps, found.epochs, found.clips) == (12, 4, 7)
    assert found.trained_parameters == 2 * 4 * 2 * 4 * 32  # blocks, layers, A and B, rank, width
    assert 0 < found.seconds_per_step < 10
    assert found.seconds > 12 * found.seconds_per_step
    assert found.peak_memory_bytes > 50 * 2**20
    assert "12 steps in 4 epochs over 7 clips" in found.message


def test_of_a_training_that_goes_on_the_rest_is_quoted(tiny_bundle: Bundle) -> None:
    found = quote(tiny_bundle, data(), CONFIG, done=7)
    assert (found.steps, found.done) == (5, 7)
    assert found.message.startswith("5 of 12 steps are left over 7 clips: about")
    over = quote(tiny_bundle, data(), CONFIG, done=12)
    assert (over.steps, over.seconds) == (0, 0)


def test_a_quote_names_the_time_of_the_report_as_a_part_of_its_own(tiny_bundle: Bundle) -> None:
    found = replace(quote(tiny_bundle, data(), CONFIG), seconds=15.0)
    assert "about 15 s, " in found.message
    told = replace(found, report_seconds=45.0).message
    assert "about 15 s and about 45 s for the report, " in told
    assert replace(found, answer="A firm answer.").message.endswith("are trained. A firm answer.")


def test_quote_changes_neither_model_nor_random_state(tiny_bundle: Bundle) -> None:
    weights = {name: t.clone() for name, t in tiny_bundle.dit.state_dict().items()}
    before = torch.random.get_rng_state()
    quote(tiny_bundle, data(), replace(CONFIG, lora_dropout=0.1, gradient_checkpointing=True))
    assert torch.equal(torch.random.get_rng_state(), before)
    after = tiny_bundle.dit.state_dict()
    assert weights.keys() == after.keys()
    assert all(torch.equal(weights[name], after[name]) for name in after)
    assert not tiny_bundle.dit.training
    assert not tiny_bundle.dit.checkpointing


def test_quote_refuses_one_clip(tiny_bundle: Bundle) -> None:
    with pytest.raises(BadInput, match="1 training clip;"):
        quote(tiny_bundle, data(blocks=(3,)), CONFIG)


def test_training_writes_no_more_than_was_quoted(tiny_bundle: Bundle, tmp_path: Path) -> None:
    quoted = quote(tiny_bundle, data(), CONFIG)
    clock, written = Clock(), []
    tick = minutes_a_step(clock, 4)  # so that every step is saved

    def weigh(event: TrainingEvent) -> None:
        tick(event)
        written.append(sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()))

    train(tiny_bundle, data(), CONFIG, tmp_path / "a", on_event=weigh, clock=clock)
    assert max(written) < quoted.disk_bytes


def test_disk_grows_with_the_checkpoints_that_are_kept() -> None:
    few = disk_bytes(10**6, replace(CONFIG, keep_checkpoints=1), steps=100)
    many = disk_bytes(10**6, replace(CONFIG, keep_checkpoints=3), steps=100)
    assert many - few == 2 * 3 * 4 * 10**6  # two more of: weights and two moments in float32


def test_check_space_names_the_disk_and_the_need(tmp_path: Path) -> None:
    check_space(tmp_path / "not" / "yet", 1)
    with pytest.raises(OutOfSpace, match=r"needs about \d+ TB"):
        check_space(tmp_path / "not" / "yet", 2**60)
