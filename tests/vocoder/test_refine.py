from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from angen.bundle import Bundle
from angen.errors import Stopped
from angen.vocoder.generator import BigVGAN, BigVGANConfig
from angen.vocoder.likeness import Likeness
from angen.vocoder.refine import RefineConfig, refine, sound_of
from angen.vocoder.twoband import SmallDecoder
from tests.tiny import CHANNELS, RATE_HZ, tiny_decoder, tiny_two_band


def small_bigvgan() -> BigVGAN:
    config = BigVGANConfig(
        in_channels=3,
        sampling_rate=4_000,
        upsample_rates=(10, 8),
        upsample_kernel_sizes=(20, 16),
        upsample_initial_channel=8,
        resblock_kernel_sizes=(3,),
        resblock_dilation_sizes=((1, 3),),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return BigVGAN(config).eval().requires_grad_(False)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_gradient_of_the_latents_is_that_of_finite_differences() -> None:
    decoder, likeness = small_bigvgan().double(), Likeness(4_000)
    latents = random(1, 3, 12).double().requires_grad_()
    target = 0.3 * random(1, 12 * 80, seed=1)

    def loss(at: Tensor) -> Tensor:
        distance: Tensor = likeness(sound_of(decoder, at), target).total.sum()
        return distance

    (gradient,) = torch.autograd.grad(loss(latents), [latents])
    direction = gradient / gradient.norm()
    step = 3e-3  # the spectra are taken in float32
    with torch.no_grad():
        rise = (loss(latents + step * direction) - loss(latents - step * direction)) / (2 * step)
    assert float(rise) == pytest.approx(float(gradient.norm()), rel=0.05)


def test_a_sound_is_like_itself_and_louder_by_its_decibels() -> None:
    likeness, audio = Likeness(RATE_HZ), 0.1 * random(2, RATE_HZ)
    same = likeness(audio, audio)
    assert same.total.abs().max() < 2e-4
    louder = likeness(2 * audio, audio)
    assert louder.loudness_db.tolist() == pytest.approx([6.02, 6.02], abs=0.01)
    assert louder.mel.tolist() == pytest.approx([0.693, 0.693], abs=0.01)


def test_silence_has_a_distance() -> None:
    likeness = Likeness(RATE_HZ)
    silence = torch.zeros(1, 800, requires_grad=True)
    distance = likeness(silence, 0.1 * random(1, 800)).total.sum()
    (gradient,) = torch.autograd.grad(distance, [silence])
    assert distance.isfinite()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("make", [tiny_decoder, tiny_two_band])
def test_gradients_reach_the_latents_of_the_small_decoders(
    make: Callable[[], SmallDecoder],
) -> None:
    decoder = make().eval().requires_grad_(False)
    latents = random(1, CHANNELS, 10).requires_grad_()
    assert torch.equal(sound_of(decoder, latents)[:, None], decoder(latents))
    (gradient,) = torch.autograd.grad(sound_of(decoder, latents).square().sum(), [latents])
    assert gradient.isfinite().all()
    assert gradient.norm() > 0


def test_refinement_finds_latents_that_sound_more_like_the_recording() -> None:
    decoder, likeness = small_bigvgan(), Likeness(4_000)
    truth, std = random(3, 8), torch.ones(3)
    audio = sound_of(decoder, truth[None])[0]
    start = truth + 0.5 * random(3, 8, seed=2)
    config = RefineConfig(steps=30, prior_weight=0)
    with torch.no_grad():
        found = refine(decoder, likeness, start, audio, std, config)
        before, after = (
            float(likeness(sound_of(decoder, z[None]), audio[None]).total) for z in (start, found)
        )
    assert after < 0.8 * before


def test_no_steps_change_nothing_and_the_prior_holds_back() -> None:
    decoder, likeness = small_bigvgan(), Likeness(4_000)
    start, audio, std = random(3, 6), 0.3 * random(6 * 80), torch.ones(3)
    same = refine(decoder, likeness, start, audio, std, RefineConfig(steps=0))
    assert torch.equal(same, start)

    def moved(weight: float) -> float:
        config = RefineConfig(steps=15, prior_weight=weight)
        prior = lambda latents: (latents[0] - start).square().sum()  # noqa: E731
        found = refine(decoder, likeness, start, audio, std, config, prior)
        return float((found - start).norm())

    assert moved(1_000.0) < 0.5 * moved(0.0)


def test_refinement_can_be_stopped() -> None:
    def stop(done: int, total: int) -> None:
        raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        refine(
            small_bigvgan(),
            Likeness(4_000),
            random(3, 30),
            0.3 * random(30 * 80),
            torch.ones(3),
            RefineConfig(steps=1),
            None,
            stop,
        )


def test_a_model_finds_noise_of_its_own_noise_unlikely_with_gradients(tiny_bundle: Bundle) -> None:
    latents = random(2, CHANNELS, 25).requires_grad_()
    error = tiny_bundle.unlikeliness(latents)
    (gradient,) = torch.autograd.grad(error, [latents])
    assert gradient[..., :20].norm() > 0
    assert gradient[..., 20:].norm() == 0  # less than a block
    assert torch.equal(tiny_bundle.unlikeliness(latents), error)
    assert float(tiny_bundle.unlikeliness(latents[..., :5]).detach()) == 0
