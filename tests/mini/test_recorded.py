"""Stretches of recordings to measure by."""

from pathlib import Path

import numpy as np

from angen.audio.files import write_wav
from mini.bank import RATE_HZ
from mini.recorded import stretches


def test_middles_of_what_is_long_enough_and_sounds(tmp_path: Path) -> None:
    time_s = np.arange(4 * RATE_HZ) / RATE_HZ
    tone = (0.3 * np.sin(2 * np.pi * 220 * time_s)).astype(np.float32)
    write_wav(tmp_path / "a.wav", tone * (time_s > 1), RATE_HZ)
    write_wav(tmp_path / "b silent.wav", 0 * tone, RATE_HZ)
    write_wav(tmp_path / "c short.wav", tone[:RATE_HZ], RATE_HZ)
    write_wav(tmp_path / "d.wav", tone, RATE_HZ)
    (tmp_path / "e.wav").write_text("no sound")
    found = stretches(tmp_path, 10, 2.0)
    assert [len(wave) for wave in found] == [2 * RATE_HZ] * 2
    assert abs(found[0].numpy() - tone[RATE_HZ : 3 * RATE_HZ]).max() < 1e-3
    assert len(stretches(tmp_path, 1, 2.0)) == 1
