from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from angen.studio.playing.making import HEADER_BYTES, header, ready
from angen.studio.playing.streaming import LOUDEST, GrowingWav

RATE_HZ = 8_000


def tone(seconds: float, level: float) -> torch.Tensor:
    time_s = torch.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return level * torch.sin(2 * torch.pi * 220 * time_s)


def test_the_file_grows_and_can_be_read_all_along(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    sound = tone(3, 0.5)
    assert ready(path) == (0, 0.0, 0.0)
    with GrowingWav(path, 4) as growing:
        for second, part in enumerate(torch.split(sound, RATE_HZ), start=1):
            assert growing.write(part, RATE_HZ) == second
            assert ready(path) == (RATE_HZ, second, 4)
            head, data = path.read_bytes()[:HEADER_BYTES], path.read_bytes()[HEADER_BYTES:]
            assert head == header(RATE_HZ, 4 * RATE_HZ)
            heard = np.frombuffer(data, "<i2") / 32_767
            np.testing.assert_allclose(heard, sound[: len(heard)].numpy(), atol=1e-4)


def test_a_whole_file_is_a_wav_file(tmp_path: Path) -> None:
    with GrowingWav(tmp_path / "song.wav", 2) as growing:
        growing.write(tone(2, 0.5), RATE_HZ)
    samples, rate_hz = soundfile.read(tmp_path / "song.wav", dtype="float32")
    assert (len(samples), rate_hz) == (2 * RATE_HZ, RATE_HZ)


def test_a_song_that_would_clip_is_turned_down_and_stays_so(tmp_path: Path) -> None:
    with GrowingWav(tmp_path / "song.wav", 3) as growing:
        for level in (0.5, 2.0, 0.5):
            growing.write(tone(1, level), RATE_HZ)
    samples, _ = soundfile.read(tmp_path / "song.wav", dtype="float32")
    first, loud, last = (float(np.abs(part).max()) for part in np.split(samples, 3))
    assert first == pytest.approx(0.5, abs=1e-3)
    assert loud <= 1.0
    assert np.abs(samples[RATE_HZ + 800 : 2 * RATE_HZ]).max() == pytest.approx(LOUDEST, abs=1e-2)
    assert last == pytest.approx(0.25 * LOUDEST, abs=1e-2)
    steps = np.abs(np.diff(samples))
    seams = [RATE_HZ - 1, 2 * RATE_HZ - 1]
    assert steps[seams].max() <= 1.1 * steps.max()


def test_a_second_attempt_leaves_the_first_to_its_listeners(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    with GrowingWav(path, 1) as growing:
        growing.write(tone(1, 0.5), RATE_HZ)
    with path.open("rb") as listener:
        with GrowingWav(path, 1) as growing:
            growing.write(tone(0.5, 0.1), RATE_HZ)
        assert len(listener.read()) == HEADER_BYTES + 2 * RATE_HZ
    assert ready(path)[1] == 0.5
