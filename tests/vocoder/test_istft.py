"""The decoder that ships: lengths, and overlap-add against what is known."""

import pytest
import torch

from angen.vocoder.istft import InverseStft, IstftConfig, overlap_add


def tiny(channels: int = 3) -> InverseStft:
    torch.manual_seed(0)
    config = IstftConfig(
        in_channels=channels,
        sample_rate_hz=8000,
        fft_samples=160,
        hop_samples=40,
        widths=(8, 6),
        blocks=(1, 1),
        kernels=(3, 5),
        factors=(5,),
    )
    return InverseStft(config).eval()


@pytest.mark.parametrize("frames", [0, 1, 7])
def test_each_latent_frame_becomes_its_samples(frames: int) -> None:
    decoder = tiny()
    assert decoder.samples_per_frame == 200
    wave = decoder(torch.randn(2, 3, frames))
    assert wave.shape == (2, 1, 200 * frames)
    assert torch.isfinite(wave).all()


def test_overlap_add_sums_shifted_windows() -> None:
    frames = torch.arange(12.0).view(1, 3, 4)
    expected = torch.zeros(8)
    for i in range(3):
        expected[2 * i : 2 * i + 4] += frames[0, i]
    torch.testing.assert_close(overlap_add(frames, 2)[0], expected)


def test_the_head_inverts_a_short_time_spectrum() -> None:
    decoder = tiny()
    wave = torch.sin(torch.arange(4000) * 0.3)
    padded = torch.nn.functional.pad(wave, (60, 60))
    spectrum = torch.stft(
        padded[None], 160, 40, window=decoder.window, center=False, return_complex=True
    )
    polar = torch.cat([spectrum.abs().clamp_min(1e-9).log(), spectrum.angle()], dim=1)
    made = decoder.to_wave(polar)[0, 0]
    torch.testing.assert_close(made, wave[: len(made)], atol=1e-4, rtol=0)


def test_a_batch_gives_what_each_gives_alone() -> None:
    decoder = tiny()
    latents = torch.randn(3, 3, 6)
    alone = torch.cat([decoder(item[None]) for item in latents])
    torch.testing.assert_close(decoder(latents), alone, atol=1e-5, rtol=0)


def test_wild_latents_stay_finite() -> None:
    assert torch.isfinite(tiny()(1e4 * torch.randn(1, 3, 5))).all()


def test_stages_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match="stages disagree"):
        IstftConfig(
            in_channels=3,
            sample_rate_hz=8000,
            fft_samples=160,
            hop_samples=40,
            widths=(8, 6),
            blocks=(1,),
            kernels=(3, 3),
            factors=(5,),
        )
