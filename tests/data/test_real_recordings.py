"""Music that nobody here made: ANGEN_TEST_RECORDINGS names a folder of it."""

import os
from pathlib import Path

import pytest

from angen.bundle import Bundle
from angen.data.dataset import LatentDataset
from angen.data.latents import encode_dataset
from angen.data.manifest import prompt_of
from angen.data.prepare import PrepareConfig, prepare
from angen.data.scan import find_audio

FOLDER = os.environ.get("ANGEN_TEST_RECORDINGS", "")

pytestmark = pytest.mark.skipif(not FOLDER, reason="ANGEN_TEST_RECORDINGS names no folder")


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def test_real_recordings_become_batches(tmp_path: Path, tiny_bundle: Bundle) -> None:
    found, _ = find_audio([Path(FOLDER)])
    paths = sorted((item.path for item in found), key=lambda path: path.stat().st_size)[:6]
    info = prepare(paths, "real", tmp_path, PrepareConfig(), silent)
    assert len(info.songs) >= 3
    assert info.side("validation")
    assert all(clip.duration_s <= 30.01 for clip in info.clips)
    assert all(len(prompt_of(clip.metadata)) > len("music") for clip in info.clips)
    encoded = encode_dataset(info, tmp_path / "real", tiny_bundle, silent)
    data = LatentDataset(info, encoded, tiny_bundle, "train")
    batch = data.batch(range(len(data)))
    assert batch.frames.min() >= tiny_bundle.block
    assert batch.latents.isfinite().all()
