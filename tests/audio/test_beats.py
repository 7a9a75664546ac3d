import mir_eval
import numpy as np
import pytest

from angen.audio.beats import find_bars, track_beats
from angen.audio.listening import BEATS_EAR, Listening, beats_of, listen
from angen.audio.tempo import FRAME_RATE_HZ, Tempo, onset_curve
from tests.audio.sounds import MAJOR, band, chords, clicks

RATE = 22_050


@pytest.fixture(scope="module", params=[96, 125])
def heard(request: pytest.FixtureRequest) -> tuple[float, Listening]:
    """A band at a known tempo, bars of four."""
    bpm = float(request.param)
    return bpm, listen(band(bpm, 0, MAJOR, 24, RATE), RATE)


def test_beats_fall_on_the_drums(heard: tuple[float, Listening]) -> None:
    bpm, listening = heard
    truth = np.arange(0, 24, 60 / bpm)
    score = mir_eval.beat.f_measure(truth[truth > 2], listening.beats[listening.beats > 2])
    assert score > 0.95


def test_downbeats_fall_where_the_chord_changes(heard: tuple[float, Listening]) -> None:
    bpm, listening = heard
    truth = np.arange(0, 24, 240 / bpm)
    assert listening.beats_per_bar == 4
    assert mir_eval.beat.f_measure(truth[1:], listening.downbeats[1:]) > 0.9


@pytest.mark.parametrize("level", [1, 2])
def test_beats_of_a_known_tempo_begin_with_a_bar(level: int) -> None:
    music = band(96, 0, MAJOR, 24, RATE)[..., round(0.7 * RATE) :]  # the first bar broken off
    beats = beats_of(music, RATE, 96 * level)
    bars = (beats[0] + 0.7) / (4 * 60 / 96 / level)
    assert bars == pytest.approx(round(bars), abs=0.03)
    assert np.median(np.diff(beats)) == pytest.approx(60 / 96 / level, abs=0.02)
    assert beats[-1] > 20


def test_beats_that_are_kept_are_what_is_heard_today() -> None:
    """Where this fails on purpose, raise BEATS_EAR: else data sets keep what was heard before."""
    beats = beats_of(band(96, 0, MAJOR, 24, RATE), RATE, 96)
    heard = (len(beats), *(round(float(time), 2) for time in (beats[0], beats[-1], beats.mean())))
    assert (BEATS_EAR, heard) == (2, (35, 2.5, 23.74, 13.12))


def test_where_the_pulse_is_another_or_none_no_beats_are_told() -> None:
    assert not len(beats_of(band(96, 0, MAJOR, 24, RATE), RATE, 110))
    noise = np.random.default_rng(0).standard_normal(12 * RATE).astype(np.float32)
    assert not len(beats_of(noise, RATE, 160))  # what it is heard at
    assert not len(beats_of(noise[:100], RATE, 120))


def test_where_no_beat_is_stronger_than_others_no_beats_are_told() -> None:
    ticks = clicks(100, 24, RATE)
    heard = listen(ticks, RATE)
    assert heard.bpm == pytest.approx(100, rel=0.02)
    assert heard.confidence["bpm"] > 0.9
    assert not len(beats_of(ticks, RATE, 100))  # which of them begins a bar?


def test_three_in_a_bar_is_told_from_four() -> None:
    waltz = clicks(120, 24, RATE, accent_every=3) + 0.5 * chords(0, MAJOR, 24, RATE, bar_s=1.5)
    assert listen(waltz, RATE).beats_per_bar == 3


def test_beats_follow_a_late_start() -> None:
    flux = np.zeros((1_000, 4), np.float32)
    truth = np.arange(0.37, 11, 0.5)
    flux[np.round(truth * FRAME_RATE_HZ).astype(int)] = 1
    beats = track_beats(onset_curve(flux), 120)
    assert mir_eval.beat.f_measure(truth, beats) == 1


def hits(parts: dict[int, np.ndarray], seconds: float) -> np.ndarray:
    """Onset strength (F, 4) of music whose bands begin something at these times."""
    flux = np.full((round(seconds * FRAME_RATE_HZ), 4), 0.01, np.float32)
    for part, times in parts.items():
        flux[np.round(times[times < seconds - 0.1] * FRAME_RATE_HZ).astype(int), part] = 1
    return flux


def still(times: np.ndarray, span_s: float) -> np.ndarray:
    """Harmony that never changes."""
    return np.zeros(len(times), np.float32)


def test_beats_stay_on_the_beat_where_for_a_while_the_loudest_hits_lie_between() -> None:
    """A band whose guitar plays off-beats for eight bars must not pull all beats there."""
    beats, bars = np.arange(0.5, 64, 0.5), np.arange(0.5, 64, 2.0)
    backbeat = np.sort(np.concatenate([bars + 0.5, bars + 1.5]))
    kick = np.sort(np.concatenate([bars, bars + 1.0]))
    off = beats[(beats > 20) & (beats < 36)] + 0.25
    flux = hits({0: kick, 1: backbeat, 2: backbeat, 3: beats}, 64)
    flux[np.round(off * FRAME_RATE_HZ).astype(int), 1:] = 3

    def change(times: np.ndarray, span_s: float) -> np.ndarray:
        return np.where(np.abs((times - 0.5 + 0.1) % 2) < 0.2, 0.5, 0.01).astype(np.float32)

    pace = Tempo(bpm=120.0, confidence=1.0, alternatives=())
    found = find_bars(flux, pace, (change, change))
    assert mir_eval.beat.f_measure(beats, found.beats) > 0.97
    assert mir_eval.beat.f_measure(bars, found.downbeats) > 0.9


def test_beats_follow_a_recording_into_another_tempo() -> None:
    first, second = band(100, 0, MAJOR, 66, RATE), band(130, 0, MAJOR, 66, RATE)
    listening = listen(np.concatenate([first, second], axis=1), RATE)
    truth = np.concatenate([np.arange(0, 66, 0.6), 66 + np.arange(0, 66, 60 / 130)])
    assert mir_eval.beat.f_measure(truth, listening.beats) > 0.9


def test_where_two_tempi_meet_no_beat_comes_twice() -> None:
    for first_bpm, second_bpm in ((120, 87), (96, 131), (140, 101)):
        music = [band(bpm, 0, MAJOR, 66, RATE) for bpm in (first_bpm, second_bpm)]
        beats = listen(np.concatenate(music, axis=-1), RATE).beats
        assert np.diff(beats).min() > 0.45 * 60 / max(first_bpm, second_bpm)


def test_a_lost_beat_does_not_shift_all_bars_after_it() -> None:
    """Half a beat is cut out at 30 s: bars go on from where the music does."""
    bars = np.concatenate([np.arange(0.5, 30, 2.0), np.arange(30.25, 62, 2.0)])
    backbeat = np.sort(np.concatenate([bars + 0.5, bars + 1.5]))
    kick = np.sort(np.concatenate([bars, bars + 1.0]))
    flux = hits({0: kick, 1: backbeat, 2: backbeat, 3: np.sort(np.r_[kick, backbeat])}, 62)

    def change(times: np.ndarray, span_s: float) -> np.ndarray:
        return np.where(np.abs(times[:, None] - bars).min(axis=1) < 0.1, 0.5, 0.01)

    pace = Tempo(bpm=120.0, confidence=1.0, alternatives=())
    found = find_bars(flux, pace, (change, change))
    assert found.beats_per_bar == 4
    assert found.confidence > 0.8
    assert mir_eval.beat.f_measure(bars, found.downbeats) > 0.9
