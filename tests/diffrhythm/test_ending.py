import pytest
import torch
from torch import Tensor

from angen.diffrhythm.ending import END_DISTANCE, Ending, Finisher, trailing_end_marks

BLOCK = 4


def finish(song: Tensor, frames: int, ending: Ending) -> Tensor:
    """What comes out when blocks of ``song`` (T, 1) are sampled one after another."""
    finisher = Finisher(frames, BLOCK, ending)
    out = []
    for block in torch.split(song, BLOCK):
        assert not finisher.over
        out.append(finisher.take(block))
        if finisher.over:
            break
    assert finisher.over
    return torch.cat(out)


def marked(real: int, marks: int) -> Tensor:
    """Frames -1, -2, ... and then ones."""
    return torch.cat([-1.0 - torch.arange(real), torch.ones(marks)])[:, None]


@pytest.mark.parametrize("real", [0, 1, 3, 4, 5, 7, 8])
def test_ours_keeps_every_real_frame(real: int) -> None:
    song = marked(real, BLOCK - real % BLOCK)
    assert torch.equal(finish(song, 40, Ending.OURS), song[:real])


@pytest.mark.parametrize("real", [0, 1, 3, 4, 5, 7, 8])
def test_upstream_loses_the_last_real_frame(real: int) -> None:
    song = marked(real, BLOCK - real % BLOCK)
    assert torch.equal(finish(song, 40, Ending.UPSTREAM), song[: max(real - 1, 0)])


@pytest.mark.parametrize("frames", [1, 4, 6, 8])
def test_without_a_mark_ours_is_cut_and_upstream_is_whole_blocks(frames: int) -> None:
    whole = -(-frames // BLOCK) * BLOCK
    song = marked(whole, 0)
    assert torch.equal(finish(song, frames, Ending.OURS), song[:frames])
    assert torch.equal(finish(song, frames, Ending.UPSTREAM), song)


def test_ones_inside_a_block_do_not_end_the_song() -> None:
    song = marked(8, 0)
    song[1:3] = 1.0
    assert torch.equal(finish(song, 8, Ending.OURS), song)


def test_the_threshold_is_inclusive() -> None:
    def frame(distance: float) -> Tensor:
        return torch.full((1, 2), 1 + distance**0.5)

    assert trailing_end_marks(frame(END_DISTANCE - 1e-4)) == 1
    assert trailing_end_marks(frame(END_DISTANCE + 1e-4)) == 0
    assert trailing_end_marks(torch.ones(3, 2)) == 3
    assert trailing_end_marks(torch.cat([torch.ones(2, 2), torch.zeros(1, 2)])) == 0


def test_a_song_of_no_frames_is_over_at_once() -> None:
    assert Finisher(0, BLOCK, Ending.OURS).over
