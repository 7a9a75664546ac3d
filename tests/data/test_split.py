import pytest

from angen.data.manifest import Clip
from angen.data.split import assign_split
from tests.data.test_manifest import a_clip


def clips_of(*sizes: int) -> list[Clip]:
    """Clips of as many songs as there are sizes."""
    numbers = iter(range(1, 10_000))
    return [
        a_clip(next(numbers), song=f"song{song}")
        for song, size in enumerate(sizes)
        for _ in range(size)
    ]


def aside(clips: list[Clip]) -> list[Clip]:
    return [clip for clip in clips if clip.split == "validation"]


def test_a_tenth_is_kept_aside_when_songs_are_small() -> None:
    assert len(aside(assign_split(clips_of(*[2] * 50)))) == 10


@pytest.mark.parametrize("sizes", [(5, 5), (1, 9), (3, 4, 5), (1, 1), (20, 1, 1)])
@pytest.mark.parametrize("seed", range(5))
def test_no_song_is_on_both_sides_and_neither_side_is_empty(
    sizes: tuple[int, ...], seed: int
) -> None:
    divided = assign_split(clips_of(*sizes), seed=seed)
    kept = {clip.song for clip in aside(divided)}
    trained = {clip.song for clip in divided if clip.split == "train"}
    assert kept
    assert trained
    assert not kept & trained


def test_one_song_alone_trains_whole() -> None:
    assert not aside(assign_split(clips_of(10)))


def test_nothing_is_kept_aside_when_nothing_is_asked_for() -> None:
    assert not aside(assign_split(clips_of(5, 5), fraction=0))


def test_the_split_depends_on_the_seed_and_not_on_the_order_of_clips() -> None:
    clips = clips_of(*[1] * 40)
    first = {clip.song for clip in aside(assign_split(clips, seed=1))}
    assert {clip.song for clip in aside(assign_split(clips[::-1], seed=1))} == first
    assert {clip.song for clip in aside(assign_split(clips, seed=2))} != first


def test_a_share_of_all_is_refused() -> None:
    with pytest.raises(ValueError, match="fraction=1"):
        assign_split(clips_of(2, 2), fraction=1)
