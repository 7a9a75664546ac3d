from dataclasses import replace
from pathlib import Path

import pytest
import torch

from angen.fitting.config import FitConfig
from angen.fitting.fit import run
from angen.fitting.pairs import FULL_SCALE, Pairs, pair_path
from angen.fitting.straight import begin_straight
from angen.tensors import write_tensors
from angen.vocoder.learned import LearnedConfig, LearnedEncoder
from tests.fitting.tiny_fit import RECIPE, deaf_bundle, ignore, prepare, write_chords

SMALL = LearnedConfig(
    out_channels=3,
    sample_rate_hz=8_000,
    fft_samples=(128, 512),
    hop_samples=80,
    bands=8,
    strides=(4, 5),
    width=16,
    depth=0,
    heads=1,
    reach=2,
)


def test_the_straight_way_is_found_where_there_is_one(tmp_path: Path) -> None:
    truth, frames = LearnedEncoder(SMALL), 120
    torch.nn.init.normal_(truth.straight.weight, std=0.1)
    torch.nn.init.normal_(truth.straight.bias)
    for i in range(10):
        generator = torch.Generator().manual_seed(i)
        levels = torch.rand(frames * 20, generator=generator).repeat_interleave(80)
        noise = levels * torch.randn(frames * SMALL.samples_per_frame, generator=generator)
        audio = (0.05 * noise).clamp(-1, 1)
        with torch.no_grad():
            latents = truth(audio[None, None])[0].T.contiguous()
        sound = (audio * FULL_SCALE).round().short()
        write_tensors(pair_path(tmp_path, i), {"latents": latents, "audio": sound})
    config = FitConfig(**RECIPE | {"songs": 10})
    pairs = Pairs(tmp_path, config, SMALL.samples_per_frame)
    encoder = LearnedEncoder(SMALL)
    encoder.mean.copy_(pairs.moments()[0])
    encoder.std.copy_(pairs.moments()[1])
    assert begin_straight(encoder, pairs) < 0.02  # of the variance, on songs kept aside


def test_each_view_is_looked_at_every_quarter_of_its_window() -> None:
    assert SMALL.samples_per_frame == 1_600
    assert SMALL.moments == (
        20,
        20,
    )  # a quarter of 128 is less than a hop; of 512 it is 12.5 a frame
    assert replace(SMALL, fft_samples=(1_024, 2_048)).moments == (10, 4)
    assert SMALL.features == 40 * 8


def test_a_fit_of_no_steps_has_the_straight_way_alone(tmp_path: Path) -> None:
    bundle = deaf_bundle(tmp_path / "b")
    write_chords(tmp_path / "songs", 4, 40)
    fit = prepare(bundle, tmp_path / "w", [], steps=0)
    before = fit.error()
    assert run(fit, ignore).error < 0.7 * before
    plain = prepare(bundle, tmp_path / "v", [], steps=0, straight=False, refine=1)
    assert run(plain, ignore).error == pytest.approx(before)
