"""From prepared recordings to an adapter."""

from pathlib import Path

import pytest

from angen.adapters.metadata import read_metadata
from angen.bundle import Bundle
from angen.data.clips import Cutting
from angen.data.prepare import PrepareConfig, prepare
from angen.errors import BadInput
from angen.training.config import TrainingConfig
from angen.training.loop import train
from angen.training.material import training_data
from tests.data.songs import write_song

CONFIG = TrainingConfig(batch_size=2, max_steps=3, rank=4, alpha=8)


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def test_recordings_become_an_adapter_that_knows_where_it_comes_from(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    for seed in range(4):
        write_song(tmp_path / f"music/song{seed}.wav", 9, seed=seed)
    how = PrepareConfig(cutting=Cutting(cut=False, licence="CC0-1.0"), held_out=0.25)
    info = prepare([tmp_path / "music"], "village", tmp_path, how, silent)
    data = training_data(info, tmp_path / "village", tiny_bundle, CONFIG, silent)
    assert (len(data.training), len(data.validation)) == (3, 1)
    assert data.training.frames == [50, 50, 50]  # 45 of music, completed with end marks
    result = train(tiny_bundle, data, CONFIG, tmp_path / "loras" / "village")
    assert result.steps == 3
    metadata = read_metadata(result.folder)
    assert metadata is not None
    assert metadata.dataset is not None
    assert metadata.dataset.fingerprint == info.fingerprint
    assert metadata.dataset.licences == ("CC0-1.0",)
    assert metadata.dataset.minutes == pytest.approx(0.6)


def test_what_a_base_is_not_told_is_said(
    tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(4):
        write_song(tmp_path / f"music/song{seed}.wav", 9, seed=seed)
    how = PrepareConfig(cutting=Cutting(cut=False))
    info = prepare([tmp_path / "music"], "village", tmp_path, how, silent)

    def notes(**first: object) -> tuple[str, ...]:
        clip, *others = info.clips
        metadata = clip.metadata.model_copy(update={**first, "edited": tuple(first)})
        changed = (clip.model_copy(update={"metadata": metadata}), *others)
        edited = info.model_copy(update={"clips": changed})
        return training_data(edited, tmp_path / "village", tiny_bundle, CONFIG, silent).notes

    plain = notes()
    assert not [note for note in plain if "beats" in note or "voice" in note]
    (told,) = set(notes(bpm=None)) - set(plain)
    assert told.startswith("No beats are told of 1 of 4 clips")
    assert notes(lyrics="[verse]") == plain
    (told,) = set(notes(lyrics="[verse]\nla la")) - set(plain)
    assert told.endswith("has no voice: the words of 1 clip are not learned.")
    monkeypatch.setattr(Bundle, "has_timeline", False)  # as the released model
    monkeypatch.setattr(Bundle, "sings", True)
    assert notes(bpm=None, lyrics="[verse]\nla la") == plain


def test_a_dataset_of_one_clip_is_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    for seed in range(2):
        write_song(tmp_path / f"music/song{seed}.wav", 9, seed=seed)
    how = PrepareConfig(cutting=Cutting(cut=False))
    info = prepare([tmp_path / "music"], "village", tmp_path, how, silent)
    lone = info.model_copy(update={"clips": info.clips[:1]})
    data = training_data(lone, tmp_path / "village", tiny_bundle, CONFIG, silent)
    with pytest.raises(BadInput, match=r"training clips?; at least 2 are needed"):
        train(tiny_bundle, data, CONFIG, tmp_path / "loras" / "village")
