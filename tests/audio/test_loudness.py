import numpy as np
import pyloudnorm
import pytest

from angen.audio.loudness import SILENCE_LUFS, Loudness, LoudnessListener
from tests.audio.sounds import Sound, sine


def measured(samples: Sound, rate_hz: int, block: int = 10_000) -> Loudness:
    listener = LoudnessListener(rate_hz)
    for start in range(0, samples.shape[1], block):
        listener.feed(samples[0, start : start + block])
    return listener.finish()


def test_loudness_of_the_reference_tone_is_that_of_the_standard() -> None:
    tone = sine(997, 5, 48_000, level=1.0)  # BS.1770: a full-scale tone in one channel
    assert measured(tone, 48_000).lufs == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("rate_hz", [22_050, 44_100])
def test_loudness_agrees_with_pyloudnorm(rate_hz: int) -> None:
    rng = np.random.default_rng(3)
    swell = np.repeat(rng.uniform(0.001, 0.4, 16), rate_hz // 2)
    noise = (rng.standard_normal(len(swell)) * swell).astype(np.float32)[None]
    expected = pyloudnorm.Meter(rate_hz).integrated_loudness(noise[0].astype(np.float64))
    assert measured(noise, rate_hz).lufs == pytest.approx(expected, abs=0.15)


def test_loudness_does_not_depend_on_how_the_stream_is_cut() -> None:
    tone = sine(300, 3, 22_050) * np.linspace(0.1, 1, 3 * 22_050, dtype=np.float32)
    whole, cut = measured(tone, 22_050, block=10**6), measured(tone, 22_050, block=777)
    assert whole.lufs == pytest.approx(cut.lufs, abs=1e-3)
    assert np.allclose(whole.levels_db, cut.levels_db, atol=0.01)


def test_levels_and_crest_of_a_sine() -> None:
    heard = measured(sine(440, 2, 22_050, level=0.5), 22_050)
    assert len(heard.levels_db) == 20
    assert heard.levels_db[5] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.1)
    assert heard.crest_db == pytest.approx(3.01, abs=0.05)
    assert heard.peak == pytest.approx(0.5, abs=1e-3)


def test_silence_and_nothing_have_the_loudness_of_silence() -> None:
    assert measured(np.zeros((1, 22_050), np.float32), 22_050).lufs == SILENCE_LUFS
    assert LoudnessListener(22_050).finish().lufs == SILENCE_LUFS
