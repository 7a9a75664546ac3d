"""Checkpoints: whole, or found out."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from angen.adapters.files import adapter_tensors
from angen.bundle import Bundle
from angen.errors import BadInput, Incompatible
from angen.training.checkpoint import (
    Progress,
    checkpoints,
    forget_old,
    latest_checkpoint,
    read_checkpoint,
    save_checkpoint,
    steps_saved,
)
from tests.adapters.fill import filled

FILES = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "optimizer.safetensors",
    "state.json",
)


def saved(bundle: Bundle, folder: Path, step: int) -> Path:
    return save_checkpoint(
        folder,
        bundle,
        progress=Progress(step=step, best_loss=0.1 + 0.2, epoch_loss=1 / 3, epoch_steps=2),
        moments={"a.exp_avg": torch.arange(3.0)},
        recipe={"rank": 4},
        dataset_fingerprint="d" * 64,
    )


def steps_of(folder: Path) -> list[int]:
    return [int(path.name.removeprefix("checkpoint_step_")) for path in checkpoints(folder)]


@pytest.fixture
def bundle(tiny_bundle: Bundle) -> Bundle:
    filled(tiny_bundle.dit)
    return tiny_bundle


def test_a_checkpoint_gives_back_what_was_saved(bundle: Bundle, tmp_path: Path) -> None:
    found = read_checkpoint(saved(bundle, tmp_path, 500))
    assert found.folder.name == "checkpoint_step_500"
    assert found.progress == Progress(
        step=500, best_loss=0.1 + 0.2, epoch_loss=1 / 3, epoch_steps=2
    )
    assert torch.equal(found.moments["a.exp_avg"], torch.arange(3.0))
    ours = adapter_tensors(bundle.dit)
    assert all(torch.equal(found.adapter.tensors[name], ours[name]) for name in ours)
    assert found.base_fingerprint == bundle.fingerprint
    assert sorted(path.name for path in found.folder.iterdir()) == sorted(FILES)


def test_a_training_that_has_not_begun_has_done_nothing() -> None:
    assert set(asdict(Progress()).values()) == {0, None}


def test_the_order_of_what_is_in_a_file_means_nothing(bundle: Bundle, tmp_path: Path) -> None:
    folder = saved(bundle, tmp_path, 1)
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(dict(reversed(state.items()))))
    assert read_checkpoint(folder).progress.step == 1


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_bit_is_found_out(bundle: Bundle, tmp_path: Path, name: str) -> None:
    path = saved(bundle, tmp_path, 1) / name
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 7)):
        raw = bytearray(whole)
        raw[place] ^= 4
        path.write_bytes(raw)
        with pytest.raises(Incompatible, match=rf"Damaged checkpoint: .*{name}"):
            read_checkpoint(path.parent)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(bundle: Bundle, tmp_path: Path, name: str) -> None:
    path = saved(bundle, tmp_path, 1) / name
    path.unlink()
    with pytest.raises(Incompatible, match=rf"{name} is missing"):
        read_checkpoint(path.parent)


def test_the_newest_is_taken_by_number_not_by_name(bundle: Bundle, tmp_path: Path) -> None:
    for step in (1000, 500, 90):
        saved(bundle, tmp_path, step)
    (tmp_path / "checkpoint_step_x").mkdir()
    (tmp_path / ".checkpoint_step_2000.part").mkdir()
    (tmp_path / "checkpoint_step_3000").write_text("no folder")
    assert steps_saved(tmp_path) == 1000
    assert latest_checkpoint(tmp_path).progress.step == 1000
    forget_old(tmp_path, 2, 10)
    assert steps_of(tmp_path) == [500, 1000]


def test_one_saved_between_others_gives_way_to_the_next_and_drives_none_out(
    bundle: Bundle, tmp_path: Path
) -> None:
    there = []
    for step in (3, 5, 8, 9, 10, 12, 15, 20):
        saved(bundle, tmp_path, step)
        forget_old(tmp_path, 2, 5)
        there.append(steps_of(tmp_path))
    assert there == [[3], [5], [5, 8], [5, 9], [5, 10], [5, 10, 12], [10, 15], [15, 20]]


def test_one_that_was_to_be_replaced_by_a_run_that_was_killed_is_back(
    bundle: Bundle, tmp_path: Path
) -> None:
    saved(bundle, tmp_path, 2).rename(tmp_path / ".checkpoint_step_2.abcd1234.old")
    assert steps_of(tmp_path) == [2]
    saved(bundle, tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint_step_2"]


def test_damage_tells_which_earlier_checkpoint_to_go_on_from(
    bundle: Bundle, tmp_path: Path
) -> None:
    for step in (10, 90, 500, 1000):
        saved(bundle, tmp_path, step)
    (tmp_path / "checkpoint_step_1000" / "state.json").write_text(json.dumps({"step": 1}))
    with pytest.raises(Incompatible, match=r"step_1000 to go on from checkpoint_step_500"):
        latest_checkpoint(tmp_path)


def test_no_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no checkpoint to go on from"):
        latest_checkpoint(tmp_path / "checkpoints")
