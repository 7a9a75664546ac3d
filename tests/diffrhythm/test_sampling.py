import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from angen.diffrhythm.ending import Ending
from angen.diffrhythm.ensemble import Ensemble
from angen.diffrhythm.sampling import (
    SamplerConfig,
    Song,
    integrate,
    sample,
    sample_blocks,
    seeded_noise,
)
from angen.errors import Stopped
from tests.diffrhythm.tiny import TINY, random_dit, random_song, relative_error

BLOCK, CHANNELS = TINY.block_size, TINY.mel_dim
FEW = SamplerConfig(steps=3, guidance=2.0)


def silent(done: int, total: int) -> None:
    pass


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_songs_of_a_batch_are_what_each_is_alone(guidance: float) -> None:
    dit, config = random_dit(), SamplerConfig(steps=4, guidance=guidance)
    songs = [
        random_song(0, words=0, frames=9),
        random_song(1, words=7, frames=24),
        random_song(2, words=3, frames=4),
        random_song(3, words=12, frames=17),
        random_song(4, words=5, frames=0),
    ]
    together = sample(dit, songs, config)
    assert [len(song) for song in together] == [9, 24, 4, 17, 0]
    for song, ours in zip(songs, together, strict=True):
        (alone,) = sample(dit, [song], config)
        assert relative_error(ours, alone) < 1e-5


def test_a_song_that_ends_early_leaves_the_others_as_they_were() -> None:
    dit = random_dit()
    songs = [random_song(i, words=4 + i, frames=20) for i in range(3)]
    starts = {i: torch.randn(5, BLOCK, CHANNELS) for i in range(3)}
    ones = still(dit)  # velocity zero: a block is its noise

    def run(chosen: list[int], model: nn.Module) -> list[Tensor]:
        queues = [iter(starts[i]) for i in chosen]
        return sample(
            model,  # type: ignore[arg-type]
            [songs[i] for i in chosen],
            FEW,
            noise=lambda song: next(queues[song]),
        )

    starts[1][1, 2:] = 1.0
    together = run([0, 1, 2], ones)
    assert [len(song) for song in together] == [20, BLOCK + 2, 20]
    for i in range(3):
        assert torch.equal(together[i], run([i], ones)[0])


def still(dit: nn.Module) -> nn.Module:
    head = dit.get_submodule("proj_out")
    assert isinstance(head, nn.Linear)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return dit


def test_the_seed_alone_decides() -> None:
    dit = random_dit()
    first, again, other = (random_song(5), random_song(5), random_song(5))
    object.__setattr__(other, "seed", 6)
    a, b, c = (sample(dit, [song], FEW)[0] for song in (first, again, other))
    assert torch.equal(a, b)
    assert relative_error(c, a) > 0.1


def test_drawing_from_the_global_generator_changes_nothing() -> None:
    dit, song = random_dit(), random_song(1)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    (before,) = sample(dit, [song], FEW)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    assert torch.equal(sample(dit, [song], FEW)[0], before)


def test_a_longer_song_begins_like_the_shorter_one() -> None:
    dit = random_dit()
    (short,) = sample(dit, [random_song(2, frames=6)], FEW)
    (long,) = sample(dit, [random_song(2, frames=18)], FEW)
    assert relative_error(long[:6], short) < 1e-5


SPAN = replace(TINY, span=4 * BLOCK)  # it keeps the newest two blocks when it forgets


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_a_song_beyond_the_span_goes_on_as_if_it_began_with_its_newest_frames(
    guidance: float, timed: bool
) -> None:
    dit = random_dit(config=SPAN)
    song = random_song(0, words=5, frames=8 * BLOCK)
    line = torch.randn(8 * BLOCK, 512, generator=torch.Generator().manual_seed(1))
    whole = replace(song, timeline=line if timed else None)
    config = SamplerConfig(steps=3, guidance=guidance)
    (made,) = sample(dit, [whole], config)
    assert len(made) == 8 * BLOCK
    # Four blocks are as without a span; then each stretch begins with the newest two.
    (plain,) = sample(random_dit(), [replace(whole, frames=4 * BLOCK)], config)
    assert relative_error(made[: 4 * BLOCK], plain) < 1e-5
    noise = seeded_noise([song], BLOCK, CHANNELS)
    starts = [noise(0)[None] for _ in range(8)]
    blocks = torch.split(made, BLOCK)
    for index, first in ((4, 2), (5, 2), (6, 4), (7, 4)):
        stretch = Ensemble(
            dit,
            [song.tokens],
            song.style[None],
            guidance=guidance,
            frames=4 * BLOCK,
            timeline=line[None, first * BLOCK :] if timed else None,
        )
        with torch.no_grad():
            for place, block in enumerate(blocks[first:index]):
                stretch.remember(block[None], place)
            velocity = partial(stretch.velocity, index=index - first)
            ours = integrate(velocity, starts[index], 3, silent)
        assert relative_error(blocks[index][None], ours) < 1e-5


def test_songs_of_a_batch_are_what_each_is_alone_beyond_the_span() -> None:
    dit = random_dit(config=SPAN)
    songs = [random_song(i, words=3 * i, frames=(6 + 4 * i) * BLOCK) for i in range(3)]
    for song, ours in zip(songs, sample(dit, songs, FEW), strict=True):
        assert relative_error(ours, sample(dit, [song], FEW)[0]) < 1e-5


@pytest.mark.parametrize("span", [3 * BLOCK, 4 * BLOCK + 1, -BLOCK])
def test_a_span_is_whole_blocks(span: int) -> None:
    with pytest.raises(ValueError, match=f"span={span}"):
        replace(TINY, span=span)


@pytest.mark.parametrize("frames", [1, 3, 4, 5, 11])
def test_our_rule_cuts_to_the_length_asked_for_and_upstreams_does_not(frames: int) -> None:
    dit, song = random_dit(), random_song(0, frames=frames)
    (ours,) = sample(dit, [song], FEW)
    rule = SamplerConfig(steps=3, guidance=2.0, ending=Ending.UPSTREAM)
    (theirs,) = sample(dit, [song], rule)
    assert len(ours) == frames
    assert len(theirs) == math.ceil(frames / BLOCK) * BLOCK
    assert torch.equal(theirs[:frames], ours)


@pytest.mark.parametrize("ending", list(Ending))
def test_blocks_as_they_come_make_up_the_song(ending: Ending) -> None:
    dit = random_dit()
    songs = [random_song(i, frames=n) for i, n in enumerate((3, 14, 8))]
    config = SamplerConfig(steps=2, ending=ending)
    streamed = list(sample_blocks(dit, songs, config))
    assert len(streamed) == 4  # blocks of the longest
    for i, whole in enumerate(sample(dit, songs, config)):
        assert torch.equal(torch.cat([block[i] for block in streamed]), whole)


def test_without_guidance_no_row_is_spent_on_the_unprompted_branch() -> None:
    def rows(guidance: float) -> set[int]:
        dit, seen = random_dit(), set()
        dit.proj_out.register_forward_pre_hook(lambda _, inputs: seen.add(len(inputs[0])))
        songs = [random_song(0), random_song(1)]
        sample(dit, songs, SamplerConfig(steps=2, guidance=guidance))
        return seen

    assert rows(1.0) == {2}
    assert rows(2.0) == {4}


def test_forward_passes_are_the_steps_and_nothing_more() -> None:
    dit, calls = random_dit(), [0]

    def count(*_: object) -> None:
        calls[0] += 1

    dit.proj_out.register_forward_pre_hook(count)
    sample(dit, [random_song(0, frames=12)], SamplerConfig(steps=5))
    assert calls[0] == 3 * 5


def test_guidance_is_linear_between_the_branches() -> None:
    dit, song = random_dit(), random_song(0, frames=BLOCK)
    one_step = [sample(dit, [song], SamplerConfig(steps=1, guidance=g))[0] for g in (0.0, 1.0, 3.0)]
    assert relative_error(one_step[0] + 3 * (one_step[1] - one_step[0]), one_step[2]) < 1e-5


def test_steps_are_told_up_to_the_last() -> None:
    told: list[tuple[int, int]] = []
    sample(random_dit(), [random_song(0, frames=9)], FEW, lambda *step: told.append(step))
    assert told == [(i + 1, 9) for i in range(9)]


@pytest.mark.parametrize("blocks", [2, 10])
def test_an_early_end_is_told_as_the_last_step(blocks: int) -> None:
    told: list[tuple[int, int]] = []
    sample(
        still(random_dit()),  # type: ignore[arg-type]
        [random_song(0, frames=blocks * BLOCK)],
        FEW,
        lambda *step: told.append(step),
        noise=lambda _: torch.ones(BLOCK, CHANNELS),
    )
    assert told[-2:] == [(3, 3 * blocks), (3 * blocks, 3 * blocks)]


def test_a_listener_can_stop_it() -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise Stopped("enough")

    with pytest.raises(Stopped, match="enough"):
        sample(random_dit(), [random_song(0)], FEW, stop)


def test_nothing_asked_for_is_nothing_made() -> None:
    assert sample(random_dit(), [], FEW) == []
    (empty,) = sample(random_dit(), [random_song(0, frames=0)], FEW)
    assert empty.shape == (0, CHANNELS)


@pytest.mark.parametrize("token", [-1, TINY.text_num_embeds + 1])
def test_a_token_outside_the_table_is_named(token: int) -> None:
    song = Song(tokens=torch.tensor([1, token]), style=torch.zeros(512), frames=4, seed=0)
    with pytest.raises(ValueError, match=f"token {token}: ids run from 0 to 20"):
        sample(random_dit(), [song], FEW)


def test_the_first_and_the_last_token_of_the_table_can_be_sung() -> None:
    ends = torch.tensor([0, TINY.text_num_embeds])
    song = Song(tokens=ends, style=torch.zeros(512), frames=4, seed=0)
    assert torch.isfinite(sample(random_dit(), [song], FEW)[0]).all()


def test_integrate_halves_its_error_when_steps_double() -> None:
    def error(steps: int) -> float:  # dx/dt = x takes 1 to e
        one = torch.ones(1, 1, 1, dtype=torch.float64)
        return abs(integrate(lambda x, _: x, one, steps, silent).item() - math.e)

    assert error(100) / error(200) == pytest.approx(2, rel=0.02)


def test_the_defaults_are_upstreams() -> None:
    """It names the grid points, 16, and how far beyond the prompted field, 2."""
    assert (SamplerConfig().steps, SamplerConfig().guidance) == (16 - 1, 1 + 2.0)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"steps": 0}, "steps=0"),
        ({"guidance": -1.0}, "guidance=-1.0"),
        ({"guidance": math.nan}, "nan"),
        ({"guidance": math.inf}, "inf"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SamplerConfig(**wrong)  # type: ignore[arg-type]


def test_a_misshapen_song_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3,\) and \(2,\)"):
        Song(tokens=torch.zeros(3, dtype=torch.int64), style=torch.zeros(2), frames=1, seed=0)
    with pytest.raises(ValueError, match=r"\(1, 3\) and \(512,\)"):
        Song(tokens=torch.zeros(1, 3, dtype=torch.int64), style=torch.zeros(512), frames=1, seed=0)
    with pytest.raises(ValueError, match="frames=-1"):
        Song(tokens=torch.zeros(0, dtype=torch.int64), style=torch.zeros(512), frames=-1, seed=0)


def test_half_precision_stays_near_single() -> None:
    song = random_song(1, frames=12)
    (single,) = sample(random_dit(), [song], FEW)
    (half,) = sample(random_dit().bfloat16(), [song], FEW)
    assert half.dtype == torch.float32
    assert relative_error(half, single) < 0.1
