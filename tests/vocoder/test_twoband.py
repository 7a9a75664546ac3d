"""The decoder that ships: the crossover against what is known, and both bands together."""

import pytest
import torch
from torch import Tensor

from angen.vocoder.twoband import TINY, Crossover
from tests.tiny import CHANNELS, FRAME_SAMPLES, RATE_HZ, tiny_two_band

LOW_HZ = 2_400
WHOLE_HZ = 24_000


def sine(hz: float, rate_hz: int = WHOLE_HZ) -> Tensor:
    return torch.sin(2 * torch.pi * hz * torch.arange(rate_hz) / rate_hz)[None]


def level(wave: Tensor) -> float:
    """Of the middle, where no end is near; 1 for a full-scale sine."""
    return float(wave[0, len(wave[0]) // 4 : -len(wave[0]) // 4].square().mean().mul(2).sqrt())


@pytest.mark.parametrize("hz", [40.0, 440.0, 900.0])
def test_low_notes_come_from_the_low_band_alone(hz: float) -> None:
    crossover = Crossover(10)
    assert level(crossover.exchanged(sine(hz), torch.zeros(1, LOW_HZ))) < 0.01
    played = crossover.exchanged(torch.zeros(1, WHOLE_HZ), sine(hz, LOW_HZ))
    torch.testing.assert_close(played[:, 500:-500], sine(hz)[:, 500:-500], atol=0.01, rtol=0)


@pytest.mark.parametrize("hz", [1_300.0, 3_000.0, 9_000.0])
def test_high_notes_stay_as_they_are(hz: float) -> None:
    made = Crossover(10).exchanged(sine(hz), torch.zeros(1, LOW_HZ))
    torch.testing.assert_close(made[:, 500:-500], sine(hz)[:, 500:-500], atol=0.01, rtol=0)


def test_a_sound_with_its_own_low_band_stays_as_it_is() -> None:
    crossover, wave = Crossover(10), torch.randn(2, WHOLE_HZ)
    assert torch.equal(crossover.exchanged(wave, crossover.down(wave)), wave)


@pytest.mark.parametrize(
    ("hz", "least", "most"),
    [
        (1_000, 0.99, 1.01),
        (1_104, 0.49, 0.51),
        (1_200, 0, 0.005),
        (1_250, 0, 0.005),
        (9_000, 0, 0.005),
    ],
)
def test_the_bands_meet_steeply_below_where_the_low_one_ends(
    hz: float, least: float, most: float
) -> None:
    taps = Crossover(10).taps.double()
    at = torch.arange(len(taps), dtype=torch.double)
    gain = abs(torch.sum(taps * torch.exp(-2j * torch.pi * hz / WHOLE_HZ * at)))
    assert least <= float(gain) <= most


def test_nothing_is_late_in_the_low_band() -> None:
    crossover, wave = Crossover(10), torch.zeros(1, WHOLE_HZ)
    wave[0, 12_000] = 1
    assert int(crossover.down(wave).argmax()) == 1_200
    assert int(crossover.up(crossover.down(wave)).argmax()) == 12_000


def test_sound_beyond_the_margin_does_not_matter() -> None:
    crossover, wave, low = Crossover(10), torch.randn(1, 4_000), torch.randn(1, 400)
    whole = crossover.exchanged(wave, low)
    part = crossover.exchanged(wave[:, :3_000], low[:, :300])
    until = 3_000 - crossover.margin
    torch.testing.assert_close(part[:, :until], whole[:, :until], atol=1e-5, rtol=0)


@pytest.mark.parametrize("frames", [0, 1, 7])
def test_each_latent_frame_becomes_its_samples(frames: int) -> None:
    decoder = tiny_two_band()
    assert (decoder.samples_per_frame, decoder.sample_rate_hz) == (FRAME_SAMPLES, RATE_HZ)
    with torch.no_grad():
        wave = decoder(torch.randn(2, CHANNELS, frames))
    assert wave.shape == (2, 1, FRAME_SAMPLES * frames)
    assert torch.isfinite(wave).all()


def notes(*hz: float) -> Tensor:
    at = torch.arange(2 * RATE_HZ) / RATE_HZ
    return 0.2 * torch.stack([torch.sin(2 * torch.pi * one * at) for one in hz]).sum(0)[None]


def test_two_low_notes_that_short_windows_melt_are_kept_apart() -> None:
    decoder = tiny_two_band()  # bins of its full band are 50 Hz wide
    true, melted = notes(200, 212), notes(206)
    magnitude = decoder.full.analyse(true).abs()
    even = torch.ones_like(magnitude)
    joined = decoder.joined(magnitude, even, melted, decoder.crossover.down(true))
    spectrum = torch.fft.rfft(joined[0, 4_000:12_000]).abs()  # bins of a hertz
    assert min(spectrum[200], spectrum[212]) > 5 * spectrum[206]
    assert int(spectrum[190:222].argmax()) + 190 in (200, 212)


def test_what_is_silent_in_the_full_band_is_silent() -> None:
    decoder = tiny_two_band()
    true = notes(200) * (torch.arange(2 * RATE_HZ) > RATE_HZ)  # silent until the first second
    steady = decoder.crossover.down(notes(200))
    magnitude = decoder.full.analyse(true).abs()
    joined = decoder.joined(magnitude, torch.ones_like(magnitude), true, steady)[0]
    assert joined[: RATE_HZ - 200].abs().max() < 0.005
    torch.testing.assert_close(
        joined[RATE_HZ + 400 : -400], true[0, RATE_HZ + 400 : -400], atol=0.02, rtol=0
    )


def test_sound_beyond_the_margin_of_a_decoder_does_not_matter() -> None:
    decoder, frames = tiny_two_band(), 200
    magnitude = torch.rand(1, decoder.full.bins, frames)
    full, low = torch.randn(1, frames * 80), torch.randn(1, frames * 8)
    rough = torch.rand_like(magnitude) + 0.5
    whole = decoder.joined(magnitude, rough, full, low)
    part = decoder.joined(
        magnitude[:, :, :150], rough[:, :, :150], full[:, : 150 * 80], low[:, : 150 * 8]
    )
    until = 150 * 80 - decoder.margin
    torch.testing.assert_close(part[:, :until], whole[:, :until], atol=1e-4, rtol=0)


def test_gradients_pass_through_magnitudes_alone() -> None:
    decoder = tiny_two_band().requires_grad_(False)
    latents = torch.randn(1, CHANNELS, 6, requires_grad=True)
    sound = decoder(latents)
    assert torch.equal(decoder.learnable(latents), sound)
    (found,) = torch.autograd.grad(sound.square().sum(), [latents])
    full = decoder.full
    magnitude = full.magnitude(full.spectra(latents)[0])
    with torch.no_grad():
        bands = full(latents)[:, 0], decoder.low(latents)[:, 0]
        spectrum = full.analyse(decoder.crossover.exchanged(*bands))
    mean = ((magnitude + TINY) * (spectrum.abs() + TINY)).sqrt()
    mean = torch.cat([mean[:, : decoder.low_bins], magnitude[:, decoder.low_bins :]], dim=1)
    (expected,) = torch.autograd.grad(
        full.overlapped(mean, spectrum.angle()).square().sum(), [latents]
    )
    torch.testing.assert_close(found, expected)
    assert found.norm() > 0
