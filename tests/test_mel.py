"""Log-mel frames against signals whose spectrum is known."""

import math

import pytest
import torch

from angen.mel import QUIETEST, LogMel, mel_filters, slaney_filters


def sine(hz: float, samples: int = 24_000) -> torch.Tensor:
    return torch.sin(2 * math.pi * hz * torch.arange(samples) / 24_000)[None]


def listener() -> LogMel:
    return LogMel(rate_hz=24_000, fft_samples=1024, hop_samples=240, bands=80)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (240, 1), (241, 2), (24_000, 100)])
def test_frames_cover_the_samples_exactly(samples: int, frames: int) -> None:
    assert listener()(torch.zeros(2, samples)).shape == (2, 80, frames)


@pytest.mark.parametrize("hz", [200.0, 1000.0, 5000.0])
def test_a_sine_is_loudest_in_its_band(hz: float) -> None:
    band = int(listener()(sine(hz))[0, :, 50].argmax())
    filters = mel_filters(24_000, 1024, 80, 30.0)
    centre_hz = float((filters[band] * torch.linspace(0, 12_000, 513)).sum())
    assert abs(centre_hz - hz) < max(30, 0.05 * hz)


def test_silence_is_the_floor() -> None:
    assert torch.allclose(listener()(torch.zeros(1, 4800)), torch.tensor(math.log(QUIETEST)))


def test_twice_as_loud_adds_the_logarithm_of_two() -> None:
    quiet, loud = listener()(0.1 * sine(440)), listener()(0.2 * sine(440))
    band = int(quiet[0, :, 50].argmax())
    assert float((loud - quiet)[0, band, 50]) == pytest.approx(math.log(2), abs=1e-4)


def test_a_hop_longer_than_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="skips sound"):
        LogMel(rate_hz=24_000, fft_samples=256, hop_samples=512, bands=16)


def test_slaney_filters_are_those_of_librosa() -> None:
    """Made by librosa 0.7.2: ``librosa.filters.mel(16000, 512, 96)[band, bin]``."""
    filters = slaney_filters(16_000, 512, 96)
    known = {
        (0, 1): 0.0319992229,
        (0, 2): 0.0,
        (39, 41): 0.0214399714,
        (39, 42): 0.0088817868,
        (40, 42): 0.0148779145,
        (41, 45): 0.0048646275,
        (60, 81): 0.0109323133,
        (95, 249): 0.0034864906,
    }
    assert {at: float(filters[at]) for at in known} == pytest.approx(known, abs=1e-8)
    assert float(filters.sum()) == pytest.approx(3.071914, abs=1e-6)
