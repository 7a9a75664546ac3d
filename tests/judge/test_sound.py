"""Patches of log mel against sounds whose answer is known."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from angen.errors import BadInput
from angen.judge.sound import RATE_HZ, Sound, patches
from angen.mel import slaney_filters

HOP = 256


def sine(hz: float, seconds: float, rate_hz: int = RATE_HZ) -> Sound:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def heard(samples: Sound, rate_hz: int = RATE_HZ) -> torch.Tensor:
    return torch.cat(list(patches(samples, rate_hz)))


@pytest.mark.parametrize(("seconds", "count"), [(2.976, 1), (5.967, 1), (5.968, 2), (60, 20)])
def test_patches_follow_each_other_every_187_frames(seconds: float, count: int) -> None:
    assert heard(sine(440, seconds)).shape == (count, 187, 96)


def test_a_patch_is_the_same_wherever_it_lies_in_a_long_sound() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 60 * RATE_HZ).astype(np.float32)
    whole = heard(samples)
    begin = 9 * 187 * HOP  # of the tenth patch, which is of the second handful
    alone = heard(samples[begin - HOP : begin + 200 * HOP])[0]
    torch.testing.assert_close(whole[9, :180], alone[1:181], atol=1e-5, rtol=1e-5)


def test_a_sine_has_the_power_of_its_line() -> None:
    """By hand: amplitude a, window sum w give a power of (a w / 2)² in the middle bin."""
    middle = heard(sine(1000, 3))[0, 90]  # 1 kHz is bin 32
    power = (10 ** middle.double() - 1) / 10_000  # (96,)
    bins = torch.tensor([0.25, 1.0, 0.25], dtype=torch.float64) * (0.5 * 256 / 2) ** 2
    by_hand = slaney_filters(RATE_HZ, 512, 96)[:, 31:34].double() @ bins
    torch.testing.assert_close(power, by_hand, atol=1e-3, rtol=1e-3)


def test_silence_is_zero() -> None:
    assert not heard(np.zeros(RATE_HZ * 3, np.float32)).any()


def test_a_short_sound_is_repeated() -> None:
    short = sine(500, 0.5)
    repeated = heard(np.tile(short, 6))  # all but the last frame, which sees what comes after
    torch.testing.assert_close(heard(short)[:, :186], repeated[:, :186], atol=1e-4, rtol=1e-4)
    assert heard(sine(500, 1 / RATE_HZ)).shape == (1, 187, 96)


def test_channels_are_mixed_and_rates_brought_to_16_khz() -> None:
    left, right = sine(300, 3), sine(2000, 3)
    torch.testing.assert_close(heard(np.stack([left, right])), heard(0.5 * left + 0.5 * right))
    at_44 = heard(sine(300, 3, 44_100), 44_100)[0, 10:170]
    torch.testing.assert_close(at_44, heard(left)[0, 10:170], atol=0.02, rtol=0.02)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros((2, 0)), np.array([0.1, np.nan])])
def test_what_is_no_sound_is_refused(samples: NDArray[np.float64]) -> None:
    with pytest.raises(BadInput, match="no numbers"):
        heard(samples.astype(np.float32))
