from pathlib import Path

import numpy as np
import pytest

from angen.errors import MissingWeights
from mini import bank
from mini.compose.instruments import INSTRUMENTS

needs_bank = pytest.mark.skipif(
    not (bank.FOLDER / "bank.json").exists(), reason="no note bank: `python -m mini.bank`"
)


def test_build_says_what_to_install_without_a_soundfont(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="apt-get install fluidsynth"):
        bank.build(tmp_path, soundfont=tmp_path / "none.sf2")
    assert list(tmp_path.iterdir()) == []


@needs_bank
def test_bank_has_every_note_at_one_loudness() -> None:
    for each in INSTRUMENTS.values():
        if each.programme < 0:
            continue
        for pitch in (each.low, (each.low + each.high) // 2, each.high):
            sound = bank.note(each.name, pitch).astype(np.float64)
            window = bank.RATE_HZ // 10
            energy = np.cumsum(np.pad(sound**2, window))
            loudest = np.max(energy[window:] - energy[:-window]) / window
            assert np.sqrt(loudest) == pytest.approx(bank.FULL, rel=0.1), (each.name, pitch)


@needs_bank
@pytest.mark.parametrize("name", ["piano", "flute", "strings", "saxophone"])
def test_bank_note_is_in_tune(name: str) -> None:
    sound = bank.note(name, 69).astype(np.float64)[: 2 * bank.RATE_HZ]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 19))
    hz = np.fft.rfftfreq(1 << 19, 1 / bank.RATE_HZ)
    around = (hz > 415) & (hz < 466)
    peak = hz[around][np.argmax(spectrum[around])]
    assert abs(1200 * np.log2(peak / 440)) < 15
