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


def test_a_dataset_of_one_clip_is_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    for seed in range(2):
        write_song(tmp_path / f"music/song{seed}.wav", 9, seed=seed)
    how = PrepareConfig(cutting=Cutting(cut=False))
    info = prepare([tmp_path / "music"], "village", tmp_path, how, silent)
    lone = info.model_copy(update={"clips": info.clips[:1]})
    data = training_data(lone, tmp_path / "village", tiny_bundle, CONFIG, silent)
    with pytest.raises(BadInput, match=r"training clips?; at least 2 are needed"):
        train(tiny_bundle, data, CONFIG, tmp_path / "loras" / "village")
