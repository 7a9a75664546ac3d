import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from angen.errors import BadInput, Incompatible, Stopped
from angen.fitting.checkpoint import read_state, settle_recipe
from angen.fitting.config import FitConfig
from angen.fitting.fit import divided, run
from angen.fitting.lesson import Lesson, losses_of
from angen.fitting.network import network_for
from angen.fitting.pairs import missing_pairs, pair_path
from angen.fitting.quote import quote_fit
from tests.fitting.tiny_fit import (
    RECIPE,
    deaf_bundle,
    ignore,
    prepare,
    write_chords,
    write_recordings,
)


def test_fitting_learns_to_hear_what_is_to_be_heard(tmp_path: Path) -> None:
    bundle = deaf_bundle(tmp_path / "b")
    write_chords(tmp_path / "songs", 4, 40)
    fit = prepare(bundle, tmp_path / "w", [], steps=100, save_every=100, width=32, clips=4)
    assert fit.error() == pytest.approx(1, abs=0.3)  # it begins with the mean
    assert run(fit, ignore).error < 0.75


def test_every_teacher_has_its_say_and_only_the_encoder_learns(tmp_path: Path, deaf: Path) -> None:
    sources = [write_recordings(tmp_path / "r")]
    fit = prepare(deaf_bundle(deaf), tmp_path / "w", sources)
    losses = fit.step(1)
    assert set(losses) == {"latents", "sound", "moments", "prior"}
    assert all(value > 0 for value in losses.values())
    assert not any(p.requires_grad for p in fit.bundle.dit.parameters())
    for name, parameter in fit.parameters.items():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize(
    ("left_out", "heard"),
    [
        ({"sound_weight": 0}, {"latents"}),
        ({"pairs_weight": 0, "prior_weight": 0}, {"sound", "moments"}),
    ],
)
def test_a_teacher_without_weight_is_silent(
    tmp_path: Path, deaf: Path, left_out: dict[str, float], heard: set[str]
) -> None:
    sources = [write_recordings(tmp_path / "r")]
    fit = prepare(deaf_bundle(deaf), tmp_path / "w", sources, **left_out)
    assert set(fit.step(1)) == heard


def test_songs_that_do_not_teach_do_not_choose_the_best_step(tmp_path: Path, deaf: Path) -> None:
    sources = [write_recordings(tmp_path / "r")]
    fit = prepare(deaf_bundle(deaf), tmp_path / "w", sources, pairs_weight=0, steps=4)
    done = run(fit, ignore)
    assert done.best_step == 4
    assert all(torch.equal(done.best[name], tensor) for name, tensor in done.encoder.items())


def test_a_fit_that_was_stopped_ends_in_the_same_weights(tmp_path: Path, deaf: Path) -> None:
    sources = [write_recordings(tmp_path / "r")]
    bundle = deaf_bundle(deaf)
    whole = run(prepare(bundle, tmp_path / "whole", sources), ignore)

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        run(prepare(bundle, tmp_path / "parts", sources), stop)
    saved = read_state(tmp_path / "parts")
    assert saved is not None
    assert saved.step == 3
    resumed = run(prepare(bundle, tmp_path / "parts", sources), ignore)
    assert resumed.step == whole.step
    for name, tensor in whole.encoder.items():
        assert torch.equal(resumed.encoder[name], tensor), name


def test_where_a_fit_was_stopped_has_no_say_in_which_step_was_best(tmp_path: Path) -> None:
    bundle = deaf_bundle(tmp_path / "b")
    write_chords(tmp_path / "songs", 4, 40)
    fit = prepare(
        bundle, tmp_path / "w", [], steps=20, save_every=100, width=32, clips=4, straight=False
    )
    before = fit.error()

    def stop(done: int, total: int) -> None:
        if done == 10:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        run(fit, stop)
    saved = read_state(tmp_path / "w")
    assert saved is not None
    assert fit.error() < before
    assert (saved.step, saved.best_step, saved.error) == (10, 0, before)


def test_every_step_tells_its_losses_and_each_validation_its_error(
    tmp_path: Path, deaf: Path
) -> None:
    told: dict[int, set[str]] = {}
    fit = prepare(deaf_bundle(deaf), tmp_path / "w", [], steps=4)
    run(fit, ignore, lambda step, losses: told.update({step: set(losses)}))
    assert told == {
        1: {"latents"},
        2: {"latents", "error"},
        3: {"latents"},
        4: {"latents", "error"},
    }


def test_parts_of_a_lesson_give_the_gradient_of_the_whole(tmp_path: Path, deaf: Path) -> None:
    fit = prepare(
        deaf_bundle(deaf), tmp_path / "w", [write_recordings(tmp_path / "r")], clips=4,
        moments_weight=0, prior_weight=0,
    )  # fmt: skip
    lesson = fit.lesson(1)

    def gradient(at_once: int) -> torch.Tensor:
        fit.optimizer.zero_grad()
        for part, share in divided(lesson, at_once):
            losses = losses_of(fit.bundle, fit.encoder, fit.likeness, part, fit.config)
            (share * torch.stack(list(losses.values())).sum()).backward()  # type: ignore[no-untyped-call]
        return torch.cat([p.grad.flatten() for p in fit.parameters.values() if p.grad is not None])

    assert torch.allclose(gradient(4), gradient(2), rtol=1e-3, atol=1e-5)
    assert divided(Lesson(pairs=None, recordings=None), 2) == []


def test_songs_are_completed_and_damaged_ones_made_anew(deaf: Path, tmp_path: Path) -> None:
    shutil.copytree(deaf.parent, tmp_path / "copy")
    bundle = deaf_bundle(tmp_path / "copy" / deaf.name)
    fit = prepare(bundle, tmp_path / "w", [])
    songs = tmp_path / "copy" / "songs"
    first = pair_path(songs, 0).read_bytes()
    pair_path(songs, 0).write_bytes(first[:100])
    pair_path(songs, 2).unlink()
    assert missing_pairs(songs, fit.config) == [0, 2]
    prepare(bundle, tmp_path / "w", [])
    assert pair_path(songs, 0).read_bytes() == first


def test_recordings_that_do_not_serve_are_left_out_by_name(tmp_path: Path, deaf: Path) -> None:
    folder = write_recordings(tmp_path / "r")
    write_recordings(tmp_path / "short", 1, 0.1)
    (tmp_path / "short" / "song0.wav").rename(folder / "short.wav")
    (folder / "broken.wav").write_bytes(b"RIFF nonsense")
    fit = prepare(deaf_bundle(deaf), tmp_path / "w", [folder])
    assert fit.recordings is not None
    left_out = {problem.file: problem.reason for problem in fit.recordings.problems}
    assert "lasts 0.10 s" in left_out["short.wav"]
    assert "broken.wav" in left_out
    assert len(fit.recordings.learned) == 2
    assert len(fit.recordings.held_out) == 1


def test_another_recipe_is_not_gone_on_with_in_silence(tmp_path: Path) -> None:
    config = FitConfig(**RECIPE)
    tmp_path.mkdir(exist_ok=True)
    assert not settle_recipe(tmp_path, config.to_json(), restart=False)
    other = replace(config, steps=7)
    with pytest.raises(BadInput, match="steps was 6, now 7"):
        settle_recipe(tmp_path, other.to_json(), restart=False)
    assert not settle_recipe(tmp_path, other.to_json(), restart=True)


def test_a_damaged_state_says_so(tmp_path: Path) -> None:
    (tmp_path / "state.safetensors").write_bytes(b"half")
    with pytest.raises(Incompatible, match="is damaged"):
        read_state(tmp_path)


def test_a_quote_keeps_nothing_and_grows_with_the_steps(tmp_path: Path, deaf: Path) -> None:
    bundle = deaf_bundle(deaf)
    quote = quote_fit(bundle, FitConfig(**RECIPE))
    assert quote.songs == 4
    assert quote.seconds > 0
    assert "about" in quote.message
    assert quote_fit(bundle, FitConfig(**RECIPE), songs=0).songs_s == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": -1}, "steps=-1 is outside 0 to"),
        ({"steps": 0, "straight": False}, "steps=0 and refine=0"),
        ({"width": 99_999}, "width=99999 is outside 16 to"),
        ({"width": 201}, "width=201: must be even"),
        ({"pairs_weight": 0, "sound_weight": 0}, "nothing would be learned"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
    ],
)
def test_a_recipe_out_of_range_is_named(changes: dict[str, float], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        FitConfig(**RECIPE | changes)


def test_every_even_width_is_a_network(deaf: Path) -> None:
    bundle = deaf_bundle(deaf)
    for width in (16, 126, 200, 384, 1000):
        heads = network_for(bundle, FitConfig(**RECIPE | {"width": width})).heads
        assert width % (2 * heads) == 0
    assert network_for(bundle, FitConfig()).heads == 6


def test_clips_are_not_longer_than_the_songs(deaf: Path) -> None:
    with pytest.raises(BadInput, match="song_s=1"):
        network_for(deaf_bundle(deaf), FitConfig(**RECIPE | {"song_s": 1.0}))


def test_clips_are_whole_blocks(tmp_path: Path, deaf: Path) -> None:
    with pytest.raises(BadInput, match="whole blocks of 10"):
        network_for(deaf_bundle(deaf), FitConfig(**RECIPE | {"clip_frames": 15}))
