"""What a CPU cannot show: run with ``pytest -m gpu`` on a machine that has one."""

import pytest
import torch

from angen.diffrhythm.objective import block_flow_loss
from angen.diffrhythm.sampling import SamplerConfig, sample
from tests.diffrhythm.test_one_pass import random_batch
from tests.diffrhythm.tiny import random_dit, random_song, relative_error

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]


def test_a_seed_gives_the_same_song_on_the_gpu() -> None:
    songs = [random_song(i, words=3 * i, frames=9 + i) for i in range(3)]
    config = SamplerConfig(steps=4)
    here = sample(random_dit(), songs, config)
    there = sample(random_dit().cuda(), songs, config)
    for ours, theirs in zip(there, here, strict=True):
        assert relative_error(ours.cpu(), theirs) < 1e-3


def test_the_loss_is_the_same_on_the_gpu() -> None:
    batch = random_batch([3, 0, 5], [2, 3, 1])
    batch.latents.clamp_(-3, 3)
    noise, times = torch.randn(batch.latents.shape), torch.rand(3, 3)
    dropped = torch.tensor([False, True, False])
    here = block_flow_loss(random_dit(), batch, noise, times, dropped)
    there = block_flow_loss(
        random_dit().cuda(), batch.to("cuda"), noise.cuda(), times.cuda(), dropped.cuda()
    )
    assert relative_error(there.cpu(), here) < 1e-4
