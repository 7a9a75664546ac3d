import math

import torch

from angen.vocoder.antialias import AntiAliased, Downsample, SnakeBeta, Upsample, lowpass_filter


def sine(cycles: float, samples: int) -> torch.Tensor:
    """(1, 1, samples) of a tone of ``cycles`` a sample."""
    return torch.sin(2 * math.pi * cycles * torch.arange(samples))[None, None]


def test_the_filter_is_symmetric_with_unit_sum() -> None:
    taps = lowpass_filter().flatten()
    assert taps.shape == (12,)
    torch.testing.assert_close(taps, taps.flip(0))
    torch.testing.assert_close(taps.sum(), torch.tensor(1.0))


def test_up_and_down_keep_a_low_tone() -> None:
    x = sine(0.03, 200)
    doubled = Upsample()(x)
    assert doubled.shape == (1, 1, 400)
    again = Downsample()(doubled)
    assert again.shape == x.shape
    assert (again - x)[..., 20:-20].abs().max() < 0.02


def test_down_takes_out_what_it_could_not_carry() -> None:
    above = sine(0.45, 400)  # folds back to 0.1 without the filter
    assert Downsample()(above)[..., 20:-20].abs().max() < 0.02


def test_snake_has_its_closed_form() -> None:
    snake = SnakeBeta(1)
    with torch.no_grad():
        snake.alpha.fill_(math.log(3.0))
        snake.beta.fill_(math.log(2.0))
        x = torch.randn(1, 1, 10)
        torch.testing.assert_close(snake(x), x + torch.sin(3 * x) ** 2 / 2)


def test_activation_keeps_the_length_of_odd_and_tiny_signals() -> None:
    for samples in (1, 2, 7):
        assert AntiAliased(3)(torch.randn(2, 3, samples)).shape == (2, 3, samples)
