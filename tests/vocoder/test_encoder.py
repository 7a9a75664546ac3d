"""The encoder that ships: frame counts, where in time a latent looks, and the fit of its map."""

import pytest
import torch

from angen.vocoder.encoder import Encoder, EncoderConfig, fit_components

CONFIG = EncoderConfig(
    out_channels=3,
    sample_rate_hz=8000,
    fft_samples=160,
    bands=16,
    fine_fft_samples=1024,
    fine_bands=24,
    hop_samples=40,
    frames=20,
    fine_frames=2,
)


def tiny() -> Encoder:
    torch.manual_seed(0)
    return Encoder(CONFIG).eval().requires_grad_(False)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (799, 1), (800, 1), (801, 2)])
def test_a_part_of_a_frame_counts_as_a_frame(samples: int, frames: int) -> None:
    assert tiny()(torch.randn(2, 1, samples)).shape == (2, 3, frames)


def test_a_sound_moves_only_the_latents_around_it() -> None:
    encoder = tiny()
    quiet = 0.01 * torch.randn(1, 1, 16_000)  # 20 frames
    loud = quiet.clone()
    loud[..., 8000:8800] += 1
    moved = (encoder(loud) - encoder(quiet)).abs().amax((0, 1)) > 1e-4
    assert moved[10]
    assert not moved[:9].any()
    assert not moved[12:].any()


def test_fitted_channels_are_uncorrelated_with_mean_zero_and_mean_square_one() -> None:
    encoder = tiny()
    mixing = torch.randn(CONFIG.features, CONFIG.features)
    features = torch.randn(5000, CONFIG.features) @ mixing + 7
    explained = fit_components(encoder, features, torch.ones(CONFIG.features))
    latents = encoder.components(features)
    torch.testing.assert_close(latents.mean(0), torch.zeros(3), atol=1e-2, rtol=0)
    covariance = latents.T @ latents / 5000
    torch.testing.assert_close(covariance, covariance.diag().diag(), atol=2e-2, rtol=0)
    assert float(covariance.diag().mean()) == pytest.approx(1, abs=0.02)
    assert explained.tolist() == sorted(explained.tolist(), reverse=True)


def test_the_fit_keeps_the_directions_of_largest_variance() -> None:
    encoder = tiny()
    directions = torch.linalg.qr(torch.randn(CONFIG.features, 3)).Q  # orthonormal columns
    features = 10 * torch.randn(4000, 3) @ directions.T
    features = features + 0.01 * torch.randn(4000, CONFIG.features)
    explained = fit_components(encoder, features, torch.ones(CONFIG.features))
    assert float(explained.sum()) > 0.999


def test_views_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="fine_frames=3"):
        EncoderConfig(
            out_channels=3,
            sample_rate_hz=8000,
            fft_samples=160,
            bands=16,
            fine_fft_samples=512,
            fine_bands=24,
            hop_samples=40,
            frames=20,
            fine_frames=3,
        )
