import mir_eval
import numpy as np
import pytest

from angen.audio import tempo
from angen.audio.listening import Listening, listen
from angen.audio.tempo import FRAME_RATE_HZ, estimate_tempo, settle_phase, track_beats
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


def test_beats_fall_on_the_drums(heard: tuple[float, Listening]) -> None:
    bpm, listening = heard
    if listening.bpm is None or abs(listening.bpm / bpm - 1) > 0.04:
        pytest.skip("another metrical level was chosen; see the test of alternatives")
    truth = np.arange(0, 24, 60 / bpm)
    score = mir_eval.beat.f_measure(truth[truth > 2], listening.beats[listening.beats > 2])
    assert score > 0.95


def test_downbeats_fall_where_the_chord_changes(heard: tuple[float, Listening]) -> None:
    bpm, listening = heard
    if listening.bpm is None or abs(listening.bpm / bpm - 1) > 0.04:
        pytest.skip("another metrical level was chosen; see the test of alternatives")
    truth = np.arange(0, 24, 240 / bpm)
    assert listening.beats_per_bar == 4
    assert mir_eval.beat.f_measure(truth[1:], listening.downbeats[1:]) > 0.9


def test_three_in_a_bar_is_told_from_four() -> None:
    from tests.audio.sounds import chords

    waltz = clicks(120, 24, RATE, accent_every=3) + 0.5 * chords(0, MAJOR, 24, RATE, bar_s=1.5)
    assert listen(waltz, RATE).beats_per_bar == 3


def test_beats_follow_a_late_start() -> None:
    flux = np.zeros((1_000, 4), np.float32)
    truth = np.arange(0.37, 11, 0.5)
    flux[np.round(truth * FRAME_RATE_HZ).astype(int)] = 1
    beats = track_beats(tempo.onset_curve(flux), 120)
    assert mir_eval.beat.f_measure(truth, beats) == 1


def test_phase_moves_to_where_the_bass_and_the_chords_are() -> None:
    flux = np.full((1_000, 4), 0.01, np.float32)
    on, off = np.arange(0.5, 11, 0.5), np.arange(0.25, 11, 0.5)
    flux[np.round(on * FRAME_RATE_HZ).astype(int), :3] = 1
    flux[np.round(off * FRAME_RATE_HZ).astype(int), 3] = 3  # hats between the beats

    def change(times: np.ndarray) -> np.ndarray:
        return np.where(np.isclose(times % 0.5, 0), 0.2, 0.02).astype(np.float32)

    settled = settle_phase(off, flux, change)
    assert np.allclose(settled % 0.5, 0)
    assert np.array_equal(settle_phase(on, flux, change), on)


def test_no_tempo_without_onsets() -> None:
    assert estimate_tempo(np.zeros((2_000, 4), np.float32)) is None
    assert estimate_tempo(np.ones((50, 4), np.float32)) is None


def test_steady_clicks_are_believed_more_than_noise() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((1, 12 * RATE)).astype(np.float32) * 0.1
    steady = listen(clicks(110, 12, RATE), RATE).confidence["bpm"]
    assert steady > listen(noise, RATE).confidence["bpm"] + 0.1
