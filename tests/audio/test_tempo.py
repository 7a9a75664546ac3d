import numpy as np
import pytest

from angen.audio.listening import Listening, listen
from angen.audio.tempo import estimate_tempo
from tests.audio.sounds import MAJOR, band, clicks

RATE = 22_050


@pytest.fixture(scope="module", params=[72, 96, 125, 150])
def heard(request: pytest.FixtureRequest) -> tuple[float, Listening]:
    """A band at a known tempo, bars of four."""
    bpm = float(request.param)
    return bpm, listen(band(bpm, 0, MAJOR, 24, RATE), RATE)


def test_tempo_is_found_or_named_as_half_or_double(heard: tuple[float, Listening]) -> None:
    bpm, listening = heard
    assert listening.bpm is not None
    answers = (listening.bpm, *listening.bpm_alternatives)
    assert any(abs(answer / bpm - 1) < 0.02 for answer in answers)


def test_tempo_itself_is_right_where_music_usually_is() -> None:
    for bpm in (90, 110, 128):
        listening = listen(band(bpm, 0, MAJOR, 20, RATE), RATE)
        assert listening.bpm == pytest.approx(bpm, rel=0.02)


def test_no_tempo_without_onsets() -> None:
    assert estimate_tempo(np.zeros((2_000, 4), np.float32)) is None
    assert estimate_tempo(np.ones((50, 4), np.float32)) is None


def test_steady_clicks_are_believed_more_than_noise() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((1, 12 * RATE)).astype(np.float32) * 0.1
    steady = listen(clicks(110, 12, RATE), RATE).confidence["bpm"]
    assert steady > listen(noise, RATE).confidence["bpm"] + 0.1


@pytest.mark.parametrize("bpm", [170, 180, 190])
def test_fast_rock_is_not_heard_at_half_its_tempo(bpm: int) -> None:
    """Bass drum and snare in turn on the beats, guitars in eighths: what metal is made of."""
    rng, beat_s, seconds = np.random.default_rng(0), 60 / bpm, 24
    sound = 0.001 * rng.standard_normal(seconds * RATE)
    times = np.arange(RATE // 5) / RATE
    drum = np.sin(2 * np.pi * 55 * times) * np.exp(-25 * times)
    snare = rng.standard_normal(RATE // 5) * np.exp(-30 * times)
    hat = np.diff(rng.standard_normal(RATE // 5 + 1)) * np.exp(-80 * times)
    for eighth, at in enumerate(np.arange(0, seconds - 0.3, beat_s / 2)):
        guitar = np.sign(np.sin(2 * np.pi * 82.4 * times)) * np.exp(-8 * times)
        hit = 0.15 * guitar + 0.1 * hat
        if eighth % 2 == 0:
            hit = hit + (0.5 * snare if eighth % 4 else 0.8 * drum)
        start = round(at * RATE)
        sound[start : start + len(hit)] += hit
    heard = listen((0.5 * sound).astype(np.float32)[None], RATE)
    assert heard.bpm == pytest.approx(bpm, rel=0.02)
