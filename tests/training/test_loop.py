"""Trainings of a few steps on a tiny model."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from angen.adapters.files import load_adapter, read_adapter
from angen.adapters.library import CHECKPOINTS
from angen.adapters.metadata import read_metadata
from angen.adapters.status import read_status
from angen.bundle import Bundle, load_bundle
from angen.errors import BadInput, Incompatible, Stopped
from angen.training.checkpoint import checkpoints
from angen.training.config import TrainingConfig
from angen.training.events import EventKind, TrainingEvent
from angen.training.loop import EARLIER, train
from tests.training.examples import data

CONFIG = TrainingConfig(
    batch_size=3, epochs=4, rank=4, alpha=8, log_every=3, checkpoint_every=5, learning_rate=1e-3
)  # 7 clips: 3 steps an epoch, 12 in all


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapter_model.safetensors")


def same(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def stop_at(step: int) -> Callable[[TrainingEvent], None]:
    def on_event(event: TrainingEvent) -> None:
        if event.kind is EventKind.STEP and event.step == step:
            raise Stopped("asked to")

    return on_event


def test_training_lowers_the_loss_on_clips_kept_aside(tiny_bundle: Bundle, tmp_path: Path) -> None:
    config = replace(CONFIG, max_steps=60, rank=16, alpha=64)
    result = train(tiny_bundle, data(), config, tmp_path / "a")
    assert result.losses.validation_base is not None
    assert result.losses.validation_best is not None
    assert result.losses.validation_best < 0.99 * result.losses.validation_base
    assert result.notes == ()


def test_training_leaves_models_checkpoints_metadata_and_log(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    result = train(tiny_bundle, data(), CONFIG, tmp_path / "a")
    assert result.steps == 12
    assert {path.name for path in (tmp_path / "a" / CHECKPOINTS).iterdir()} == {
        "checkpoint_step_5",
        "checkpoint_step_10",
    }
    for folder in (result.best, result.final, tmp_path / "a" / CHECKPOINTS / "checkpoint_step_5"):
        assert len(read_adapter(folder).tensors) == 16  # 2 blocks x 4 layers x (A, B)
    metadata = read_metadata(tmp_path / "a")
    assert metadata is not None
    assert metadata.finished
    assert metadata.base is not None
    assert metadata.base.fingerprint == tiny_bundle.model_fingerprint
    assert metadata.recipe["rank"] == 4
    assert set(metadata.losses.by_time) == {"0.0-0.2", "0.2-0.4", "0.4-0.6", "0.6-0.8", "0.8-1.0"}
    lines = (tmp_path / "a" / "training_log.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines].count("validation") == 4
    assert list((tmp_path / "a" / "tensorboard").glob("events.out.tfevents.*"))
    status = read_status(tmp_path / "a")
    assert status is not None
    assert (status.state, status.step, status.percent) == ("done", 12, 100.0)


def test_metadata_name_the_device_for_a_person(tiny_bundle: Bundle, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        train(tiny_bundle, data(), replace(CONFIG, max_steps=1), tmp_path / "a")
    finally:
        torch.set_num_threads(before)
    metadata = read_metadata(tmp_path / "a")
    assert metadata is not None
    assert metadata.device == "cpu, 1 thread"


def test_training_touches_neither_base_nor_random_state(
    tiny_bundle: Bundle, tiny_folder: Path, tmp_path: Path
) -> None:
    before = torch.random.get_rng_state()
    config = replace(CONFIG, max_steps=3, lora_dropout=0.2)
    train(tiny_bundle, data(), config, tmp_path / "a")
    assert torch.equal(torch.random.get_rng_state(), before)
    untouched = load_bundle(tiny_folder).dit.state_dict()
    after = tiny_bundle.dit.state_dict()
    assert after.keys() == untouched.keys()
    assert all(torch.equal(after[name], untouched[name]) for name in after)


def test_only_the_adapter_is_trained(tiny_bundle: Bundle, tmp_path: Path) -> None:
    seen: list[set[str]] = []

    def look(event: TrainingEvent) -> None:
        named = tiny_bundle.dit.named_parameters()
        seen.append({name.split(".")[-3] for name, p in named if p.requires_grad})

    train(tiny_bundle, data(), replace(CONFIG, max_steps=1), tmp_path / "a", on_event=look)
    assert seen[0] == {"lora_A", "lora_B"}


@pytest.mark.parametrize("step", [1, 4, 5, 9, 11])
def test_resume_after_a_stop_ends_in_the_same_bits(
    tiny_folder: Path, tmp_path: Path, step: int
) -> None:
    config = replace(CONFIG, lora_dropout=0.1, accumulation=2, batch_size=2, max_steps=12)
    straight = train(load_bundle(tiny_folder), data(), config, tmp_path / "straight")
    bundle = load_bundle(tiny_folder)
    with pytest.raises(Stopped, match=r"angen train --resume 'halted'"):
        train(bundle, data(), config, tmp_path / "halted", on_event=stop_at(step))
    status = read_status(tmp_path / "halted")
    assert status is not None
    assert (status.state, status.step) == ("stopped", step)
    torch.manual_seed(step)  # what was drawn meanwhile must not matter
    resumed = train(load_bundle(tiny_folder), data(), config, tmp_path / "halted", resume=True)
    assert same(straight.final, resumed.final)
    assert same(straight.best, resumed.best)
    assert resumed.losses == straight.losses


def test_resume_after_a_stop_before_the_first_step(tiny_folder: Path, tmp_path: Path) -> None:
    def at_once(event: TrainingEvent) -> None:
        raise Stopped("asked to")

    straight = train(load_bundle(tiny_folder), data(), CONFIG, tmp_path / "straight")
    with pytest.raises(Stopped, match="at step 0 of 12"):
        train(load_bundle(tiny_folder), data(), CONFIG, tmp_path / "a", on_event=at_once)
    resumed = train(load_bundle(tiny_folder), data(), CONFIG, tmp_path / "a", resume=True)
    assert same(straight.final, resumed.final)
    assert resumed.losses == straight.losses


def test_a_stop_after_the_last_step_finds_the_training_done(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    def at_the_end(event: TrainingEvent) -> None:
        if event.kind is EventKind.DONE:
            raise Stopped("asked to")

    with pytest.raises(Stopped, match="asked to"):
        train(tiny_bundle, data(), CONFIG, tmp_path / "a", on_event=at_the_end)
    status = read_status(tmp_path / "a")
    assert status is not None
    assert status.state == "done"
    assert read_adapter(tmp_path / "a" / "best_model").rank == 4


KILLED = """
import sys, time
from pathlib import Path
import torch
from angen.bundle import load_bundle
from angen.training.loop import EARLIER, train
from tests.training.examples import data
from tests.training.test_loop import CONFIG
torch.set_num_threads(1)
def slowly(event):
    print(event.step, flush=True)
    time.sleep(0.05)
train(load_bundle(Path(sys.argv[1])), data(), CONFIG, Path(sys.argv[2]), on_event=slowly)
"""


def test_resume_after_a_kill_ends_in_the_same_bits(tiny_folder: Path, tmp_path: Path) -> None:
    straight = train(load_bundle(tiny_folder), data(), CONFIG, tmp_path / "straight")
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, str(tiny_folder), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 7:
                break
        running = read_status(folder)
        process.send_signal(signal.SIGKILL)
    assert running is not None
    assert running.state == "running"
    dead = read_status(folder)
    assert dead is not None
    assert dead.state == "interrupted"
    assert "angen train --resume" in dead.message
    resumed = train(load_bundle(tiny_folder), data(), CONFIG, folder, resume=True)
    assert same(straight.final, resumed.final)
    assert same(straight.best, resumed.best)


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Killed(BaseException):
    """The plug is pulled: nothing is saved."""


def minutes_a_step(
    clock: Clock, minutes: float, last: int | None = None
) -> Callable[[TrainingEvent], None]:
    """Every step takes so long; the plug is pulled after step ``last``."""

    def on_event(event: TrainingEvent) -> None:
        if event.kind is EventKind.STEP:
            clock.now += 60 * minutes
            if event.step == last:
                raise Killed

    return on_event


def test_resume_after_a_kill_goes_on_from_what_was_saved_by_time(
    tiny_folder: Path, tmp_path: Path
) -> None:
    config = replace(CONFIG, lora_dropout=0.1, checkpoint_every=500)
    straight = train(load_bundle(tiny_folder), data(), config, tmp_path / "straight")
    clock, folder = Clock(), tmp_path / "killed"
    with pytest.raises(Killed):
        train(
            load_bundle(tiny_folder),
            data(),
            config,
            folder,
            on_event=minutes_a_step(clock, 1, last=9),
            clock=clock,
        )
    assert [path.name for path in checkpoints(folder / CHECKPOINTS)] == ["checkpoint_step_7"]
    begun: list[int] = []
    resumed = train(
        load_bundle(tiny_folder),
        data(),
        config,
        folder,
        resume=True,
        on_event=lambda event: begun.append(event.step),
    )
    assert begun[0] == 7
    assert same(straight.final, resumed.final)
    assert same(straight.best, resumed.best)
    assert resumed.losses == straight.losses


def test_checkpoints_by_time_leave_those_by_step_and_the_result_as_they_are(
    tiny_folder: Path, tmp_path: Path
) -> None:
    straight = train(load_bundle(tiny_folder), data(), CONFIG, tmp_path / "straight")
    clock, events = Clock(), []
    hear = minutes_a_step(clock, 2)

    def on_event(event: TrainingEvent) -> None:
        hear(event)
        events.append(event)

    slow = train(
        load_bundle(tiny_folder), data(), CONFIG, tmp_path / "slow", on_event=on_event, clock=clock
    )
    assert [path.name for path in checkpoints(tmp_path / "slow" / CHECKPOINTS)] == [
        "checkpoint_step_5",
        "checkpoint_step_10",
    ]
    assert [e.step for e in events if e.kind is EventKind.CHECKPOINT] == [5, 10]
    assert same(straight.final, slow.final)
    assert same(straight.best, slow.best)


def stopped(bundle: Bundle, folder: Path, step: int = 7) -> None:
    with pytest.raises(Stopped):
        train(bundle, data(), CONFIG, folder, on_event=stop_at(step))


def test_resume_refuses_another_recipe(tiny_bundle: Bundle, tmp_path: Path) -> None:
    stopped(tiny_bundle, tmp_path / "a")
    other = replace(CONFIG, learning_rate=1e-4)
    with pytest.raises(Incompatible, match=r"learning_rate: 0\.001 -> 0\.0001"):
        train(tiny_bundle, data(), other, tmp_path / "a", resume=True)


def test_resume_takes_other_habits_of_saving(tiny_bundle: Bundle, tmp_path: Path) -> None:
    stopped(tiny_bundle, tmp_path / "a")
    other = replace(CONFIG, log_every=1, checkpoint_every=2)
    assert train(tiny_bundle, data(), other, tmp_path / "a", resume=True).steps == 12


def test_resume_refuses_another_dataset(tiny_bundle: Bundle, tmp_path: Path) -> None:
    stopped(tiny_bundle, tmp_path / "a")
    with pytest.raises(Incompatible, match="'memory' has changed"):
        train(tiny_bundle, data(fingerprint="e" * 64), CONFIG, tmp_path / "a", resume=True)


def test_resume_refuses_another_base(
    tiny_bundle: Bundle, make_bundle: Callable[[int], Path], tmp_path: Path
) -> None:
    stopped(tiny_bundle, tmp_path / "a")
    with pytest.raises(Incompatible, match="another base"):
        train(load_bundle(make_bundle(5)), data(), CONFIG, tmp_path / "a", resume=True)


def test_resume_refuses_a_finished_training(tiny_bundle: Bundle, tmp_path: Path) -> None:
    train(tiny_bundle, data(), replace(CONFIG, max_steps=2), tmp_path / "a")
    with pytest.raises(BadInput, match="is finished"):
        train(tiny_bundle, data(), CONFIG, tmp_path / "a", resume=True)


def test_resume_needs_an_adapter(tiny_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no adapter 'a' to go on with"):
        train(tiny_bundle, data(), CONFIG, tmp_path / "a", resume=True)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "optimizer.safetensors"])
def test_resume_names_the_damaged_file_and_the_remedy(
    tiny_bundle: Bundle, tmp_path: Path, name: str
) -> None:
    stopped(tiny_bundle, tmp_path / "a")
    newest = checkpoints(tmp_path / "a" / CHECKPOINTS)[-1]
    assert newest.name == "checkpoint_step_7"
    raw = bytearray((newest / name).read_bytes())
    raw[-3] ^= 1  # one bit
    (newest / name).write_bytes(raw)
    with pytest.raises(Incompatible, match=rf"{name} is not as it .*go on from checkpoint_step_5"):
        train(tiny_bundle, data(), CONFIG, tmp_path / "a", resume=True)


def test_an_existing_name_is_refused_unless_overwritten(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    config = replace(CONFIG, max_steps=1)
    train(tiny_bundle, data(), config, tmp_path / "a")
    with pytest.raises(BadInput, match="already"):
        train(tiny_bundle, data(), config, tmp_path / "a")
    (tmp_path / "a" / "report.json").write_text("{}")
    train(tiny_bundle, data(), config, tmp_path / "a", overwrite=True)
    assert not (tmp_path / "a" / "report.json").exists()


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("killed_before", [False, True])
def test_an_adapter_outlives_a_training_that_was_to_replace_it_and_failed(
    tiny_bundle: Bundle, tmp_path: Path, killed_before: bool
) -> None:
    folder = tmp_path / "a"
    train(tiny_bundle, data(), replace(CONFIG, max_steps=1), folder)
    before = contents(folder)
    if killed_before:  # as it then is: the earlier one moved aside, the new one just begun
        (folder / EARLIER).mkdir()
        for path in [path for path in folder.iterdir() if not path.name.startswith(".")]:
            path.rename(folder / EARLIER / path.name)
        (folder / "metadata.json").write_text("{}")

    def fail(event: TrainingEvent) -> None:
        raise RuntimeError("no more memory")

    with pytest.raises(RuntimeError, match="no more memory"):
        train(tiny_bundle, data(), CONFIG, folder, overwrite=True, on_event=fail)
    assert contents(folder) == before


def test_an_adapter_is_replaced_once_the_new_one_is_saved(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    train(tiny_bundle, data(), replace(CONFIG, max_steps=1), folder)

    def stop(event: TrainingEvent) -> None:
        raise Stopped("by hand")

    with pytest.raises(Stopped):
        train(tiny_bundle, data(), CONFIG, folder, overwrite=True, on_event=stop)
    assert not (folder / EARLIER).exists()
    assert not (folder / "final_model").exists()
    assert checkpoints(folder / "checkpoints")


def test_one_clip_is_refused_before_anything_is_written(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="1 training clip;"):
        train(tiny_bundle, data(blocks=(2,)), CONFIG, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_without_clips_aside_the_best_model_is_the_last(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    result = train(tiny_bundle, data(aside=()), replace(CONFIG, max_steps=4), tmp_path / "a")
    assert same(result.best, result.final)
    assert "kept aside" in result.notes[0]


def test_a_folder_that_is_being_trained_is_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    refused: list[str] = []

    def again(event: TrainingEvent) -> None:
        if event.kind is EventKind.START:
            with pytest.raises(BadInput, match="being trained") as caught:
                train(load_bundle(tiny_bundle.folder), data(), CONFIG, tmp_path / "a")
            refused.append(str(caught.value))

    train(tiny_bundle, data(), replace(CONFIG, max_steps=1), tmp_path / "a", on_event=again)
    assert refused


def test_news_comes_with_step_percent_loss_and_time_left(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    events: list[TrainingEvent] = []
    train(tiny_bundle, data(), CONFIG, tmp_path / "a", on_event=events.append)
    steps = [event for event in events if event.kind is EventKind.STEP]
    assert [event.step for event in steps] == list(range(1, 13))
    assert steps[5].percent == 50.0
    assert steps[5].epoch == 2
    assert steps[5].seconds_left is not None
    logged = [event for event in events if event.kind is EventKind.LOG]
    assert [event.step for event in logged] == [3, 6, 9, 12]
    assert events[-1].kind is EventKind.DONE


def test_the_trained_adapter_plays(tiny_bundle: Bundle, tmp_path: Path) -> None:
    result = train(tiny_bundle, data(), CONFIG, tmp_path / "a")
    report = load_adapter(
        tiny_bundle.dit,
        result.best,
        base=tiny_bundle.name,
        base_fingerprint=tiny_bundle.model_fingerprint,
    )
    assert (report.matched, report.warnings) == (16, ())
