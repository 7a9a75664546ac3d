"""The benchmark of separators, with separators whose gain is known."""

from dataclasses import dataclass

import numpy as np
import pytest

from angen.audio.files import Sound
from benchmarks.stems import gains, si_sdr

RATE_HZ = 8_000


@dataclass
class Leaky:
    """Knows the voice, and lets ``leak`` of the music through."""

    voice: Sound
    leak: float
    name: str = "leaky"
    rate_hz: int = RATE_HZ
    channels: int = 2
    stems: tuple[str, ...] = ("vocals", "accompaniment")
    level: float = 1.0

    def separate(self, mix: Sound) -> Sound:
        axes = self.voice.ravel().astype(np.float64)
        share = float(mix.ravel() @ axes / (axes @ axes))
        voice = share * self.voice
        vocals = voice + self.leak * (mix - voice)
        return np.stack([vocals, mix - vocals]).astype(np.float32)


def test_the_ratio_is_that_of_the_powers_whatever_the_scale() -> None:
    t = np.arange(RATE_HZ) / RATE_HZ
    wanted, other = (np.sin(2 * np.pi * hz * t).astype(np.float32)[None] for hz in (100, 300))
    assert si_sdr(3 * (wanted + 0.1 * other), wanted) == pytest.approx(20, abs=0.01)
    assert si_sdr(wanted + other, wanted) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("db", [-6.0, 0.0, 6.0])
def test_a_tenth_of_the_music_is_20_db_gained_whatever_the_mixture(db: float) -> None:
    rng = np.random.default_rng(0)
    voice, music = rng.standard_normal((2, 2, RATE_HZ)).astype(np.float32)
    music -= voice * float((voice * music).sum() / (voice**2).sum())
    vocals, _ = gains(voice, music, db, Leaky(voice, 0.1))
    assert vocals == pytest.approx(20, abs=0.3)
    assert gains(voice, music, db, Leaky(voice, 1.0))[0] == pytest.approx(0, abs=0.1)
