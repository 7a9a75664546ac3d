"""The effect report on a tiny random base: known adapters with known effects."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from angen.adapters.attach import attach, detach
from angen.adapters.files import save_adapter
from angen.adapters.shape import LoraShape
from angen.audio.files import read_audio, write_wav
from angen.bundle import Bundle
from angen.data.manifest import Clip, ClipMetadata, DatasetInfo, Source
from angen.diffrhythm.sampling import SamplerConfig
from angen.errors import BadInput, Stopped
from angen.training.effect import EffectReport, measure_effect
from angen.training.evidence import EffectConfig, real_excerpts, spread, starts
from angen.training.report import write_report
from angen.training.verdict import Verdict

RATE_HZ = 8_000
SMALL = EffectConfig(songs=4, seconds=4, window_s=2, sampler=SamplerConfig(steps=2, guidance=1.5))


def silent(done: int, total: int) -> None:
    pass


def clip_of(folder: Path, number: int, split: str, seconds: float = 8) -> Clip:
    seconds_ = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    beat = (seconds_ * 2 % 1 < 0.1) * np.sin(2 * np.pi * 220 * (1 + number / 12) * seconds_)
    file = f"clips/{number}.wav"
    write_wav(folder / file, (0.5 * beat).astype(np.float32), RATE_HZ)
    return Clip.model_validate(
        {
            "file": file,
            "song": f"song{number}",
            "start_s": 0,
            "duration_s": seconds,
            "ends_song": False,
            "split": split,
            "sha256": f"{number:064x}",
            "source": Source(file="song.wav", sha256="0" * 64),
            "metadata": ClipMetadata(genre="house", bpm=120, key="A minor"),
        }
    )


def dataset(folder: Path, training: int = 3, aside: int = 2, seconds: float = 8) -> DatasetInfo:
    clips = [clip_of(folder, i, "train", seconds) for i in range(training)]
    clips += [clip_of(folder, training + i, "validation", seconds) for i in range(aside)]
    return DatasetInfo(name="beats", created="2026-01-01", clips=tuple(clips))


def adapter(bundle: Bundle, folder: Path, size: float) -> Path:
    """An adapter whose every B is random of this size; 0 changes nothing."""
    trained = attach(bundle.dit, LoraShape(rank=4, alpha=8), seed=0)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in trained.items():
        if "lora_B" in name:
            parameter.data = size * torch.randn(parameter.shape, generator=generator)
    save_adapter(bundle.dit, folder, base=bundle.name, base_fingerprint=bundle.model_fingerprint)
    detach(bundle.dit)
    return folder


def measured(
    bundle: Bundle, tmp_path: Path, info: DatasetInfo, size: float, *, write: bool = False
) -> EffectReport:
    def latents_of(clip: Clip) -> Tensor:
        audio = read_audio(tmp_path / clip.file, mono=True)
        return bundle.encode_audio(torch.from_numpy(audio.samples[0]), audio.rate_hz)

    folder = adapter(bundle, tmp_path / "adapter" / "best_model", size)
    report, seen = measure_effect(
        bundle, folder, info, tmp_path, latents_of, SMALL, silent, name="mine"
    )
    if write:
        write_report(report, seen, tmp_path / "adapter", tmp_path)
    return report


def test_an_adapter_that_changes_nothing_is_reported_as_such(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    report = measured(tiny_bundle, tmp_path, dataset(tmp_path), size=0)
    assert report.verdict is Verdict.NO_EFFECT
    assert report.effect.outputs_equal
    assert report.effect.reduction in (0, None)
    assert "changes nothing" in report.sentence


def test_an_adapter_with_an_effect_is_measured_and_written(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    report = measured(tiny_bundle, tmp_path, dataset(tmp_path), size=1.0, write=True)
    assert not report.effect.outputs_equal
    assert report.effect.distance_base != report.effect.distance_adapter
    written = json.loads((tmp_path / "adapter" / "report.json").read_text())
    assert written["effect"]["distance_base"] == report.effect.distance_base
    assert written["effect"]["distance_adapter"] == report.effect.distance_adapter
    assert written["memorisation"]["closest"] == report.memorisation.closest
    assert written["memorisation"]["reference"] == report.memorisation.reference
    assert written["verdict"] == report.verdict.value
    assert written["counts"] == {
        "songs": 4,
        "real_excerpts": 6,
        "real_clips": 2,
        "training_clips": 3,
    }


def test_the_page_names_only_files_that_are_there(tiny_bundle: Bundle, tmp_path: Path) -> None:
    measured(tiny_bundle, tmp_path, dataset(tmp_path), size=1.0, write=True)
    page = (tmp_path / "adapter" / "report.html").read_text()
    named = [part.split('"')[0] for part in page.split('src="')[1:]]
    assert len(named) > 10
    assert all((tmp_path / "adapter" / name).stat().st_size > 0 for name in named)


def test_the_page_speaks_to_a_person_by_day_and_by_night(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    report = measured(tiny_bundle, tmp_path, dataset(tmp_path, aside=1), size=1.0, write=True)
    page = " ".join((tmp_path / "adapter" / "report.html").read_text().split())
    assert f"Effect report of {report.created[:10]} {report.created[11:16]} UTC." in page
    assert "4 songs a side, 3 excerpts of 1 clip to compare with" in page
    assert "prefers-color-scheme: dark" in page
    style = page.split("<style>")[1].split("</style>")[0]
    rules = [rule for rule in style.split("}") if ":root" not in rule]
    assert not [rule for rule in rules if "background: #" in rule or " color: #" in rule]


def test_the_page_escapes_what_people_wrote(tiny_bundle: Bundle, tmp_path: Path) -> None:
    info = dataset(tmp_path)
    said = ClipMetadata(genre="<script>alert(1)</script>", bpm=100)
    clips = [clip.model_copy(update={"metadata": said}) for clip in info.clips]
    measured(
        tiny_bundle, tmp_path, info.model_copy(update={"clips": tuple(clips)}), size=1.0, write=True
    )
    page = (tmp_path / "adapter" / "report.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_same_arguments_give_the_same_figures(tiny_bundle: Bundle, tmp_path: Path) -> None:
    info = dataset(tmp_path)
    first, second = (measured(tiny_bundle, tmp_path, info, size=1.0) for _ in range(2))
    assert first.effect == second.effect
    assert first.memorisation == second.memorisation


def test_without_clips_kept_aside_the_report_says_what_it_cannot_judge(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    report = measured(tiny_bundle, tmp_path, dataset(tmp_path, aside=0), size=1.0)
    assert not report.kept_aside
    assert report.memorisation.reference is None
    assert "none could be kept aside" in report.notes[0]


def test_too_little_to_compare_with_is_an_error(tiny_bundle: Bundle, tmp_path: Path) -> None:
    info = dataset(tmp_path, training=2, aside=1, seconds=3)
    with pytest.raises(BadInput, match="needs 2"):
        measured(tiny_bundle, tmp_path, info, size=1.0)


def test_stopping_leaves_the_base_without_adapters(tiny_bundle: Bundle, tmp_path: Path) -> None:
    info = dataset(tmp_path)
    folder = adapter(tiny_bundle, tmp_path / "adapter", 1.0)
    names = [name for name, _ in tiny_bundle.dit.named_parameters()]

    def stop(done: int, total: int) -> None:
        raise Stopped("enough")

    with pytest.raises(Stopped):
        measure_effect(
            tiny_bundle, folder, info, tmp_path, lambda _: torch.zeros(40, 8), SMALL, stop
        )
    assert [name for name, _ in tiny_bundle.dit.named_parameters()] == names


def test_progress_counts_both_sides(tiny_bundle: Bundle, tmp_path: Path) -> None:
    info = dataset(tmp_path)
    folder = adapter(tiny_bundle, tmp_path / "adapter", 1.0)
    seen: list[tuple[int, int]] = []
    measure_effect(
        tiny_bundle,
        folder,
        info,
        tmp_path,
        lambda _: torch.randn(40, 8),
        SMALL,
        lambda done, total: seen.append((done, total)),
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]
    assert len({done for done, _ in seen}) > 8  # sampling and sound of 4 songs, twice
    assert len({total for _, total in seen}) == 1


def test_windows_overlap_by_half_and_stay_inside() -> None:
    assert starts(10, 10) == [0]
    assert starts(24, 10) == [0, 5, 10, 14]
    assert starts(13, 10) == [0, 3]
    assert starts(10.5, 10) == [0]
    assert starts(25, 10) == [0, 5, 10, 15]
    assert starts(4, 10) == [0]


def test_real_excerpts_counts_what_is_kept_aside(tmp_path: Path) -> None:
    config = EffectConfig(seconds=5)
    assert real_excerpts(dataset(tmp_path / "one", aside=1), config) == 2
    assert real_excerpts(dataset(tmp_path / "two", aside=2), config) == 4
    assert real_excerpts(dataset(tmp_path / "short", aside=1, seconds=4), config) == 1


def test_spread_takes_even_steps() -> None:
    assert spread(list(range(11)), 3) == [0, 5, 10]
    assert spread([1, 2], 5) == [1, 2]


def test_a_config_that_cannot_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 4 songs"):
        EffectConfig(songs=2)
