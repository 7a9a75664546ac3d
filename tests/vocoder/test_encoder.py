"""The encoder that ships: frame counts, and where in time a latent looks."""

import pytest
import torch

from angen.vocoder.encoder import Encoder, EncoderConfig, Normalise


def tiny() -> Encoder:
    torch.manual_seed(0)
    config = EncoderConfig(
        out_channels=3,
        sample_rate_hz=8000,
        fft_samples=160,
        hop_samples=40,
        bands=16,
        widths=(8, 6),
        blocks=(1, 1),
        kernels=(3, 3),
        factors=(5,),
    )
    return Encoder(config).eval()


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (199, 1), (200, 1), (201, 2)])
def test_a_part_of_a_frame_counts_as_a_frame(samples: int, frames: int) -> None:
    assert tiny()(torch.randn(2, 1, samples)).shape == (2, 3, frames)


def test_a_sound_moves_only_the_latents_around_it() -> None:
    encoder = tiny()
    quiet = 0.01 * torch.randn(1, 1, 4000)  # 20 frames
    loud = quiet.clone()
    loud[..., 2000:2200] += 1
    moved = (encoder(loud) - encoder(quiet)).abs().amax((0, 1)) > 1e-4
    assert moved[10]
    assert not moved[:7].any()
    assert not moved[14:].any()


def test_normalise_learns_the_mean_and_deviation_of_each_channel() -> None:
    torch.manual_seed(0)
    layer = Normalise(2)
    scale, offset = torch.tensor([[3.0], [0.5]]), torch.tensor([[10.0], [-1.0]])
    for _ in range(300):
        made = layer(scale * torch.randn(4, 2, 50) + offset)
    assert made.mean((0, 2)).abs().max() < 1e-5
    layer.eval()
    torch.testing.assert_close(layer.mean, offset[:, 0], atol=0.2, rtol=0)
    torch.testing.assert_close(layer.deviation, scale[:, 0], rtol=0.1, atol=0)
