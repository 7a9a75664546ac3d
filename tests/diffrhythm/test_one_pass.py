"""The proof that training teaches what sampling asks: both give the same velocities."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from angen.diffrhythm.dit import DiT
from angen.diffrhythm.ensemble import Ensemble
from angen.diffrhythm.objective import Batch, one_pass_velocity
from angen.diffrhythm.sampling import SamplerConfig, sample, seeded_noise
from tests.diffrhythm.tiny import TINY, random_dit, random_song, relative_error

BLOCK, CHANNELS = TINY.block_size, TINY.mel_dim
LIMIT = 1e-5


def random_batch(words: list[int], blocks: list[int], *, timed: bool = False) -> Batch:
    """Clips of unequal length; what pads the shorter ones is wild, so that a leak would show."""
    songs = [random_song(i, words=n) for i, n in enumerate(words)]
    generator = torch.Generator().manual_seed(7)
    frames = torch.tensor(blocks) * BLOCK
    latents = torch.randn(len(words), int(frames.max()), CHANNELS, generator=generator)
    padding = torch.arange(latents.shape[1]) >= frames[:, None]
    return Batch(
        text=pad_sequence([song.tokens for song in songs], batch_first=True),
        text_lengths=torch.tensor(words),
        latents=latents.masked_fill(padding[..., None], 1e3),
        frames=frames,
        style=torch.stack([song.style for song in songs]),
        timeline=torch.randn(*latents.shape[:2], 512, generator=generator) if timed else None,
    )


def as_sampler(dit: DiT, batch: Batch, clip: int, dropped: bool, x: Tensor, t: Tensor) -> Tensor:
    """Velocities (N, C) of one clip, alone, block by block, with the caches of the sampler."""
    ensemble = Ensemble(
        dit,
        [batch.text[clip, : batch.text_lengths[clip]]],
        batch.style[clip, None],
        guidance=0.0 if dropped else 1.0,  # 0.0 is the unprompted branch and nothing else
        frames=x.shape[1],
        timeline=None if batch.timeline is None else batch.timeline[clip, None],
    )
    velocities = []
    for index in range(int(batch.frames[clip]) // BLOCK):
        here = slice(index * BLOCK, (index + 1) * BLOCK)
        velocities.append(ensemble.velocity(x[clip, None, here], float(t[clip, index]), index)[0])
        ensemble.remember(batch.latents[clip, None, here], index)
    return torch.cat(velocities)


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize(
    ("words", "blocks", "dropped"),
    [
        ([5], [1], [False]),
        ([5], [6], [True]),
        ([0], [3], [False]),
        ([9, 9, 9], [4, 4, 4], [False, True, False]),
        ([1, 12, 5], [5, 2, 3], [False, False, True]),
        ([0, 7, 0, 3], [1, 4, 2, 7], [True, True, False, False]),
    ],
)
@torch.no_grad()
def test_one_pass_gives_each_block_the_velocity_that_the_sampler_computes(
    words: list[int], blocks: list[int], dropped: list[bool], timed: bool
) -> None:
    dit, batch = random_dit(), random_batch(words, blocks, timed=timed)
    generator = torch.Generator().manual_seed(8)
    x = torch.randn(batch.latents.shape, generator=generator)
    t = torch.rand(len(words), x.shape[1] // BLOCK, generator=generator)
    one_pass = one_pass_velocity(dit, batch, x, t, torch.tensor(dropped))
    for clip, frames in enumerate(batch.frames.tolist()):
        expected = as_sampler(dit, batch, clip, dropped[clip], x, t)
        for ours, theirs in zip(
            torch.split(one_pass[clip, :frames], BLOCK), torch.split(expected, BLOCK), strict=True
        ):
            assert relative_error(ours, theirs) < LIMIT


@pytest.mark.parametrize("guidance", [0.0, 1.0])
@torch.no_grad()
def test_a_sampled_song_is_the_integral_of_one_pass_velocities(guidance: float) -> None:
    dit = random_dit()
    song, steps = random_song(3, words=6, frames=5 * BLOCK), 4
    (sampled,) = sample(dit, [song], SamplerConfig(steps=steps, guidance=guidance))
    noise = seeded_noise([song], BLOCK, CHANNELS)
    x = torch.cat([noise(0) for _ in range(5)])[None]
    batch = Batch(
        text=song.tokens[None],
        text_lengths=torch.tensor([6]),
        latents=sampled[None],
        frames=torch.tensor([5 * BLOCK]),
        style=song.style[None],
    )
    for now, then in pairwise(torch.linspace(0, 1, steps + 1)):
        t = now.expand(1, 5)
        velocity = one_pass_velocity(dit, batch, x, t, torch.tensor([guidance == 0.0]))
        x = x + (then - now) * velocity
    assert relative_error(x[0], sampled) < LIMIT


@torch.no_grad()
def test_songs_with_timelines_are_what_they_are_alone() -> None:
    dit, timeline = random_dit(), torch.randn(4 * BLOCK, 512)
    free = random_song(3, words=6, frames=4 * BLOCK)
    short = replace(random_song(4, words=2, frames=2 * BLOCK), timeline=timeline[: 2 * BLOCK])
    bound = replace(random_song(5, words=0, frames=4 * BLOCK - 1), timeline=timeline)
    config = SamplerConfig(steps=3, guidance=2.0)
    together = sample(dit, [free, short, bound], config)
    for song, made in zip([free, short, bound], together, strict=True):
        (alone,) = sample(dit, [song], config)
        assert relative_error(made, alone) < LIMIT
    (unbound,) = sample(dit, [replace(bound, timeline=None)], config)
    assert relative_error(together[2], unbound) > 1e-3


@pytest.mark.parametrize("shape", [(8, 512), (9, 511), (9, 512, 1), (9,)])
def test_a_timeline_has_a_style_for_each_frame(shape: tuple[int, ...]) -> None:
    song = random_song(3, words=6, frames=9)
    with pytest.raises(ValueError, match="9 frames"):
        replace(song, timeline=torch.zeros(shape))
    assert replace(song, timeline=torch.zeros(9, 512)).frames == 9


@torch.no_grad()
def test_a_noisy_block_does_not_see_its_own_answer() -> None:
    dit, batch = random_dit(), random_batch([4], [3])
    x, t = torch.randn(batch.latents.shape), torch.full((1, 3), 0.5)
    kept = torch.tensor([False])
    before = one_pass_velocity(dit, batch, x, t, kept)
    batch.latents[:, BLOCK:] += 1  # blocks 1 and 2: only block 2 may notice, by block 1
    after = one_pass_velocity(dit, batch, x, t, kept)
    assert torch.equal(before[:, : 2 * BLOCK], after[:, : 2 * BLOCK])
    assert relative_error(after[:, 2 * BLOCK :], before[:, 2 * BLOCK :]) > 1e-3


def test_a_dropped_clip_learns_the_same_whatever_its_text_and_style() -> None:
    dit, batch = random_dit(), random_batch([4, 6], [3, 3], timed=True)
    assert batch.timeline is not None
    other = Batch(
        text=batch.text.flip(1).masked_fill(batch.text == 0, 0),
        text_lengths=batch.text_lengths,
        latents=batch.latents,
        frames=batch.frames,
        style=-batch.style,
        timeline=-batch.timeline,
    )
    x, t = torch.randn(batch.latents.shape), torch.full((2, 3), 0.5)
    dropped = torch.tensor([True, False])
    with torch.no_grad():
        ours = one_pass_velocity(dit, batch, x, t, dropped)
        theirs = one_pass_velocity(dit, other, x, t, dropped)
    assert torch.equal(ours[0], theirs[0])
    assert relative_error(ours[1], theirs[1]) > 1e-3
