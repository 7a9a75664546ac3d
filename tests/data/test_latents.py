from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from angen.audio.listening import BEATS_EAR
from angen.bundle import Bundle, load_bundle
from angen.data import latents
from angen.data.clips import Cutting
from angen.data.latents import Encoded, encode_dataset
from angen.data.manifest import DatasetInfo, prompt_of
from angen.data.prepare import PrepareConfig, prepare
from angen.errors import BadInput, Stopped
from angen.tensors import read_tensors, write_tensors
from tests.data.songs import write_song
from tests.tiny import CHANNELS, write_tiny_bundle

Change = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo"


@pytest.fixture
def info(tmp_path: Path) -> DatasetInfo:
    for seed in range(2):
        write_song(tmp_path / f"music/song{seed}.wav", 9, seed=seed)
    config = PrepareConfig(cutting=Cutting(cut=False))
    return prepare([tmp_path / "music"], "demo", tmp_path, config, silent)


def files(folder: Path) -> Iterator[Path]:
    return (folder / "latents").rglob("*.safetensors")


def same(a: Encoded, b: Encoded) -> bool:
    return all(
        mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)
        for mine, theirs in (
            (a.latents, b.latents),
            (a.audio_styles, b.audio_styles),
            (a.text_styles, b.text_styles),
            (a.beats, b.beats),
        )
    )


def test_every_clip_is_encoded(info: DatasetInfo, folder: Path, tiny_bundle: Bundle) -> None:
    told: list[tuple[int, int]] = []
    encoded = encode_dataset(info, folder, tiny_bundle, lambda *step: told.append(step))
    assert told == [(0, 2), (1, 2), (2, 2)]
    for clip in info.clips:
        assert encoded.latents_of(clip).shape == (45, CHANNELS)
        style = tiny_bundle.embed_text(prompt_of(clip.metadata))
        assert torch.equal(encoded.text_styles[prompt_of(clip.metadata)], style)
        assert encoded.audio_styles[clip.file].norm().item() == pytest.approx(1, abs=1e-4)


def test_what_was_encoded_is_found_again(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle
) -> None:
    first = encode_dataset(info, folder, tiny_bundle, silent)
    for clip in info.clips:
        (folder / clip.file).unlink()  # so that nothing can be encoded anew
    assert same(encode_dataset(info, folder, tiny_bundle, silent), first)


def test_a_changed_prompt_is_embedded_anew(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle
) -> None:
    encode_dataset(info, folder, tiny_bundle, silent)
    metadata = info.clips[0].metadata.model_copy(update={"genre": "reel", "edited": ("genre",)})
    clip = info.clips[0].model_copy(update={"metadata": metadata})
    changed = info.model_copy(update={"clips": (clip, *info.clips[1:])})
    encoded = encode_dataset(changed, folder, tiny_bundle, silent)
    prompt = prompt_of(metadata)
    assert torch.equal(encoded.text_styles[prompt], tiny_bundle.embed_text(prompt))


def test_beats_are_those_of_the_tempo_that_the_metadata_names(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = info.clips[0]
    bpm = clip.metadata.bpm
    assert bpm is not None
    heard = encode_dataset(info, folder, tiny_bundle, silent).beats[clip.file]
    assert 60 / float(heard.diff().median()) == pytest.approx(bpm, rel=0.03)
    for said, count in (
        (2 * bpm, 2 * len(heard)),
        (None, 0),
        (3 * bpm, 0),
    ):  # 360 is no tempo of songs
        metadata = clip.metadata.model_copy(update={"bpm": said, "edited": ("bpm",)})
        edited = clip.model_copy(update={"metadata": metadata})
        changed = info.model_copy(update={"clips": (edited,)})
        found = encode_dataset(changed, folder, tiny_bundle, silent).beats[clip.file]
        assert len(found) == pytest.approx(count, abs=3)
    monkeypatch.setattr(Bundle, "has_timeline", False)  # as the released model
    assert not encode_dataset(info, folder, tiny_bundle, silent).beats


def test_another_bundle_has_its_own_latents(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    ours = encode_dataset(info, folder, tiny_bundle, silent)
    other = load_bundle(write_tiny_bundle(tmp_path / "other", seed=7))
    theirs = encode_dataset(info, folder, other, silent)
    assert not same(ours, theirs)
    assert same(encode_dataset(info, folder, tiny_bundle, silent), ours)


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_damaged_file_is_computed_anew_and_said(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle, damage: str
) -> None:
    first = encode_dataset(info, folder, tiny_bundle, silent)
    for path in files(folder):
        content = {"cut": path.read_bytes()[:200], "empty": b"", "other": b"not tensors"}[damage]
        path.write_bytes(content)
    again = encode_dataset(info, folder, tiny_bundle, silent)
    assert same(again, first)
    assert sorted(again.repaired) == sorted(str(path) for path in files(folder))
    assert not encode_dataset(info, folder, tiny_bundle, silent).repaired


def test_a_clip_that_has_changed_is_refused_by_name(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle
) -> None:
    path = folder / info.clips[1].file
    samples, rate_hz = soundfile.read(path)
    soundfile.write(path, samples * 0.5, rate_hz)
    with pytest.raises(BadInput, match=rf"{path.name} is not the clip that was prepared"):
        encode_dataset(info, folder, tiny_bundle, silent)


def test_beats_of_another_ear_are_heard_anew(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hears(second: float, *_: object) -> NDArray[np.float64]:
        return np.array([second])

    before = encode_dataset(info, folder, tiny_bundle, silent)
    monkeypatch.setattr(latents, "beats_of", partial(hears, 1.5))
    assert same(encode_dataset(info, folder, tiny_bundle, silent), before)
    monkeypatch.setattr(latents, "BEATS_EAR", BEATS_EAR + 1)
    after = encode_dataset(info, folder, tiny_bundle, silent)
    assert [beats.tolist() for beats in after.beats.values()] == [[1.5], [1.5]]
    assert not after.repaired


def test_clips_of_another_way_of_encoding_are_encoded_anew(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = encode_dataset(info, folder, tiny_bundle, silent)
    monkeypatch.setattr(Bundle, "embed_audio", lambda *_: torch.arange(512.0))
    assert same(encode_dataset(info, folder, tiny_bundle, silent), before)
    monkeypatch.setattr(latents, "ENCODED_AS", latents.ENCODED_AS + 1)
    after = encode_dataset(info, folder, tiny_bundle, silent)
    assert all(float(style[3]) == 3 for style in after.audio_styles.values())


@pytest.mark.parametrize(
    "change",
    [
        lambda found: {**found, "latents": found["latents"][:3]},
        lambda found: {**found, "latents": found["latents"].int()},
        lambda found: {**found, "style": torch.zeros(512)},
    ],
)
def test_what_cannot_be_of_the_clip_is_encoded_anew(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle, change: Change
) -> None:
    first = encode_dataset(info, folder, tiny_bundle, silent)
    path = next((folder / "latents").rglob("clip_*"))
    write_tensors(path, change(read_tensors(path)))
    again = encode_dataset(info, folder, tiny_bundle, silent)
    assert again.repaired == (str(path),)
    assert same(again, first)


def test_prompts_are_read_as_they_are_read_today(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode_dataset(info, folder, tiny_bundle, silent)
    today = torch.arange(512.0)
    monkeypatch.setattr(Bundle, "embed_text", lambda *_: today)
    styles = encode_dataset(info, folder, tiny_bundle, silent).text_styles
    assert styles
    assert all(torch.equal(style, today) for style in styles.values())


@pytest.mark.parametrize("change", ["gone", "another"])
def test_beats_are_heard_in_no_other_clip_than_was_prepared(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle, change: str
) -> None:
    encode_dataset(info, folder, tiny_bundle, silent)
    for beats in (folder / "latents").rglob("beats_*"):
        beats.unlink()
    path = folder / info.clips[0].file
    if change == "gone":
        path.unlink()
    else:
        samples, rate_hz = soundfile.read(path)
        soundfile.write(path, samples * 0.5, rate_hz)
    with pytest.raises(BadInput, match=rf"{path.name} is (missing|not the clip)"):
        encode_dataset(info, folder, tiny_bundle, silent)


@pytest.mark.parametrize(
    "beats",
    [
        torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64),
        torch.tensor([3.0, 2.0], dtype=torch.float64),
        torch.tensor([-0.5, 1.0], dtype=torch.float64),
        torch.tensor([1.0, 100.0], dtype=torch.float64),
        torch.tensor([1.0, 2.0], dtype=torch.float32),
        torch.tensor([False, True]),
    ],
)
def test_beats_that_cannot_be_are_heard_anew(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle, beats: torch.Tensor
) -> None:
    first = encode_dataset(info, folder, tiny_bundle, silent)
    path = next((folder / "latents").rglob("beats_*"))
    write_tensors(path, {"beats": beats})
    again = encode_dataset(info, folder, tiny_bundle, silent)
    assert again.repaired == (str(path),)
    assert same(again, first)


def test_a_beat_at_the_very_end_is_one(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle
) -> None:
    encode_dataset(info, folder, tiny_bundle, silent)
    path = next((folder / "latents").rglob("beats_*"))
    last_s = info.clips[0].duration_s + 256 / 22_050  # an ear's last frame
    write_tensors(path, {"beats": torch.tensor([0.5, last_s], dtype=torch.float64)})
    again = encode_dataset(info, folder, tiny_bundle, silent)
    assert again.repaired == ()
    assert [0.5, last_s] in [beats.tolist() for beats in again.beats.values()]


def test_a_clip_that_is_gone_is_refused_by_name(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle
) -> None:
    path = folder / info.clips[1].file
    path.unlink()
    with pytest.raises(BadInput, match=rf"{path.name} is missing"):
        encode_dataset(info, folder, tiny_bundle, silent)


def test_what_was_encoded_before_a_stop_is_kept(
    info: DatasetInfo, folder: Path, tiny_bundle: Bundle
) -> None:
    def stop(done: int, total: int) -> None:
        if done == 1:
            raise Stopped("enough")

    with pytest.raises(Stopped):
        encode_dataset(info, folder, tiny_bundle, stop)
    (folder / info.clips[0].file).unlink()
    encode_dataset(info, folder, tiny_bundle, silent)
