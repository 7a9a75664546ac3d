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
from angen.data.manifest import Clip, ClipMetadata, DatasetInfo, Source, prompt_of
from angen.diffrhythm.sampling import SamplerConfig
from angen.errors import BadInput, Stopped
from angen.judge.judge import Judge
from angen.judge.network import Musicnn
from angen.judge.sound import Sound
from angen.judge.vocabulary import VOCABULARIES
from angen.studio.playing.songs import generate_song
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.settings import Settings
from angen.studio.watch import OnStep
from angen.training.effect import EffectReport, measure_effect, units_of
from angen.training.evidence import EffectConfig, Take, gather, real_excerpts, spread, starts
from angen.training.report import write_report
from angen.training.spaces import JUDGE, LEVEL, MEL, STYLE, Vectors, points, spaces_of
from angen.training.verdict import Verdict

RATE_HZ = 8_000
SMALL = EffectConfig(songs=4, seconds=4, window_s=2, sampler=SamplerConfig(steps=2, guidance=1.5))


def silent(done: int, total: int) -> None:
    pass


class Unwatched:
    def stage(self, title: str) -> OnStep:
        return silent

    def say(self, message: str) -> None:
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
    bundle: Bundle,
    tmp_path: Path,
    info: DatasetInfo,
    size: float,
    *,
    write: bool = False,
    judge: Judge | None = None,
) -> EffectReport:
    def latents_of(clip: Clip) -> Tensor:
        audio = read_audio(tmp_path / clip.file, mono=True)
        return bundle.encode_audio(torch.from_numpy(audio.samples[0]), audio.rate_hz)

    folder = adapter(bundle, tmp_path / "adapter" / "best_model", size)
    spaces = spaces_of(bundle, judge)
    report, seen = measure_effect(
        bundle, folder, info, tmp_path, latents_of, SMALL, spaces, silent, name="mine"
    )
    if write:
        write_report(report, seen, tmp_path / "adapter", tmp_path)
    return report


def test_an_adapter_that_changes_nothing_is_reported_as_such(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    report = measured(tiny_bundle, tmp_path, dataset(tmp_path), size=0)
    assert report.verdict is Verdict.NO_EFFECT
    assert report.outputs_equal
    assert report.effect.reduction in (0, None)
    assert "changes nothing" in report.sentence


def test_songs_are_those_of_generate_with_and_without_the_adapter(
    tiny_bundle: Bundle, tiny_folder: Path, tmp_path: Path
) -> None:
    """Gains included: the tiny base is told its prompt louder than with an adapter."""
    info = dataset(tmp_path)
    folder = adapter(tiny_bundle, tmp_path / "adapter", 1.0)
    spaces = spaces_of(tiny_bundle, None)
    seen = gather(
        tiny_bundle, folder, info, tmp_path, lambda _: torch.randn(40, 8), SMALL, spaces, silent
    )
    settings = Settings(home=tmp_path / "home", base=str(tiny_folder))
    for take, uses in ((seen.base[1], ()), (seen.adapter[1], (AdapterUse(name=str(folder)),))):
        request = SongRequest(
            prompt=prompt_of(take.clip.metadata),
            seed=take.seed,
            duration_s=SMALL.seconds,
            steps=SMALL.sampler.steps,
            guidance=SMALL.sampler.guidance,
            adapters=uses,
        )
        made = generate_song(request, settings, Unwatched(), out=tmp_path / "song.wav")
        heard = read_audio(made.path, mono=True).samples[0]
        assert np.abs(heard - take.audio.numpy()).max() < 1e-3
    assert not seen.told_alike
    assert not torch.allclose(seen.base[1].audio, seen.adapter[1].audio, atol=1e-2)


def test_the_report_says_when_base_and_adapter_are_told_otherwise(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    louder = "told its prompt louder"
    info = dataset(tmp_path)
    report = measured(tiny_bundle, tmp_path, info, size=1.0)
    assert any(louder in note for note in report.notes)
    idle = measured(tiny_bundle, tmp_path, info, size=0)  # generate plays the base then
    assert not any(louder in note for note in idle.notes)


def test_the_outside_judge_is_the_main_space_where_it_is(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    judge = Judge(network=Musicnn().eval(), vocabulary=VOCABULARIES["msd"])
    report = measured(tiny_bundle, tmp_path, dataset(tmp_path), size=1.0, judge=judge, write=True)
    assert (report.space, *report.beside) == (JUDGE, STYLE, MEL)
    assert not any("angen models fetch musicnn" in note for note in report.notes)
    page = (tmp_path / "adapter" / "report.html").read_text()
    assert page.count("outside judge") == 2
    assert "style vectors" in page


def test_without_it_the_report_says_that_the_base_judges_itself(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    report = measured(tiny_bundle, tmp_path, dataset(tmp_path), size=1.0)
    assert (report.space, *report.beside) == (STYLE, MEL)
    (told,) = [note for note in report.notes if "judges its own songs" in note]
    assert "angen models fetch musicnn" in told


def test_all_sounds_are_compared_at_one_loudness() -> None:
    heard: list[float] = []

    def hear(samples: Sound, rate_hz: int) -> Vectors:
        heard.append(float(np.sqrt(np.mean(samples**2))))
        return np.zeros((1, 1))

    noise = np.random.default_rng(0).normal(size=8_000).astype(np.float32)
    for level in (1e-3, 1.0, 0.0):
        points(level * noise, 8_000, {"any": hear})
    assert heard == pytest.approx([LEVEL, LEVEL, 0], rel=1e-4)


def test_recordings_sent_through_the_codec_are_the_floor(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    report = measured(tiny_bundle, tmp_path, dataset(tmp_path), size=1.0)
    assert all(measure.distance_codec is not None for measure in report.measures.values())
    assert report.agreement["codec"].spectrum_db > 0


@pytest.mark.parametrize(
    ("songs", "clips", "units"), [(5, 5, 5), (4, 8, 4), (3, 6, 6), (1, 5, 5), (1, 1, 3)]
)
def test_clips_stand_for_songs_where_those_are_few(songs: int, clips: int, units: int) -> None:
    takes = [
        Take(
            audio=torch.zeros(1),
            latents=torch.zeros(1, 1),
            points={},
            clip=Clip.model_validate(
                {
                    "file": f"clips/{clip}.wav",
                    "song": f"song{clip % songs}",
                    "start_s": 0,
                    "duration_s": 8,
                    "ends_song": False,
                    "split": "train",
                    "sha256": f"{clip:064x}",
                    "source": Source(file="song.wav", sha256="0" * 64),
                    "metadata": ClipMetadata(),
                }
            ),
            start_s=start,
        )
        for clip in range(clips)
        for start in (0.0, 2.0, 4.0)
    ]
    unit = units_of(takes)
    assert len({unit(take) for take in takes}) == units


def test_an_adapter_with_an_effect_is_measured_and_written(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    report = measured(tiny_bundle, tmp_path, dataset(tmp_path), size=1.0, write=True)
    assert not report.outputs_equal
    assert report.effect.distance_base != report.effect.distance_adapter
    written = json.loads((tmp_path / "adapter" / "report.json").read_text())
    assert written["effect"]["distance_base"] == report.effect.distance_base
    assert written["effect"]["distance_adapter"] == report.effect.distance_adapter
    assert written["memorisation"]["closest"] == report.memorisation.closest
    assert written["memorisation"]["reference"] == report.memorisation.reference
    assert written["verdict"] == report.verdict.value
    assert written["counts"] == {
        "songs": 4,
        "recordings": 5,
        "real_excerpts": 15,
        "real_clips": 5,
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
    assert "4 songs a side, 12 excerpts of 4 recordings to compare with" in page
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
    assert any("none could be kept aside" in note for note in report.notes)


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
            tiny_bundle, folder, info, tmp_path, lambda _: torch.zeros(40, 8), SMALL, {}, stop
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
        spaces_of(tiny_bundle, None),
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
