import numpy as np
import pytest

from angen.training.agreement import (
    QUIETEST_DB,
    band_centres,
    key_score,
    long_term_spectrum,
    mean_or_none,
    same_tempo,
    spectrum_distance,
)

RATE_HZ = 24_000


@pytest.mark.parametrize(
    ("heard", "asked", "same"),
    [
        (120, 120, True),
        (124, 120, True),
        (126, 120, False),
        (60, 120, True),
        (241, 120, True),
        (90, 120, False),
        (0, 120, False),
    ],
)
def test_same_tempo_allows_four_percent_and_octaves(heard: float, asked: float, same: bool) -> None:
    assert same_tempo(heard, asked) is same


@pytest.mark.parametrize(
    ("heard", "asked", "score"),
    [
        ("C major", "C major", 1.0),
        ("G major", "C major", 0.5),
        ("F major", "C major", 0.5),
        ("A minor", "C major", 0.3),
        ("C major", "A minor", 0.3),
        ("C minor", "C major", 0.2),
        ("D major", "C major", 0.0),
        ("Bb major", "A# major", 1.0),
        ("F# min", "f♯", 1.0),
        ("Am", "A minor", 1.0),
        ("unknown", "C major", None),
        ("", "C major", None),
    ],
)
def test_key_score_follows_the_circle_of_fifths(
    heard: str, asked: str, score: float | None
) -> None:
    assert key_score(heard, asked) == score


def test_long_term_spectrum_has_its_peak_at_the_tone() -> None:
    seconds = np.arange(RATE_HZ * 2) / RATE_HZ
    tone = np.sin(2 * np.pi * 800 * seconds).astype(np.float32)
    spectrum = long_term_spectrum(tone, RATE_HZ)
    assert band_centres(RATE_HZ)[spectrum.argmax()] == pytest.approx(800, rel=0.01)
    assert spectrum.max() == 0


def test_white_noise_rises_by_the_width_of_its_bands() -> None:
    noise = np.random.default_rng(0).normal(size=RATE_HZ * 20).astype(np.float32)
    rises = np.diff(long_term_spectrum(noise, RATE_HZ)[12:])  # third octaves: 10 log10(2) / 3
    assert rises.mean() == pytest.approx(1.003, abs=0.05)


def test_spectrum_distance_knows_a_filter_of_known_gain() -> None:
    base = [np.zeros(20)]
    assert spectrum_distance([np.full(20, -6.0)], base) == pytest.approx(6)
    assert spectrum_distance(base, base) == 0


def test_loudness_does_not_change_the_spectrum() -> None:
    noise = np.random.default_rng(0).normal(size=RATE_HZ).astype(np.float32)
    quiet = (noise / 10).astype(np.float32)
    difference = long_term_spectrum(noise, RATE_HZ) - long_term_spectrum(quiet, RATE_HZ)
    assert np.abs(difference).max() < 1e-4


def test_silence_and_short_sounds_have_a_spectrum() -> None:
    assert (long_term_spectrum(np.zeros(RATE_HZ, np.float32), RATE_HZ) == QUIETEST_DB).all()
    assert np.isfinite(long_term_spectrum(np.ones(10, np.float32), RATE_HZ)).all()


def test_mean_leaves_out_what_is_unknown() -> None:
    assert mean_or_none([1.0, None, 0.0]) == 0.5
    assert mean_or_none([None]) is None
