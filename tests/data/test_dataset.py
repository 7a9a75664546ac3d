from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from angen.bundle import Bundle
from angen.conditioning.telling import LEARNED
from angen.conditioning.timeline import timeline
from angen.conditioning.vector import placed
from angen.data.dataset import DataConfig, LatentDataset
from angen.data.latents import Encoded
from angen.data.manifest import Clip, ClipMetadata
from angen.data.style_source import StyleSource
from angen.diffrhythm.objective import Batch
from angen.errors import BadInput
from tests.data.test_manifest import a_clip, a_dataset
from tests.tiny import BLOCK, CHANNELS

AUDIO, TEXT = 1.0, 2.0  # all numbers of a style vector


def latents_of(length: int) -> Tensor:
    """(T, C), frame i holding i - 1000 so that it is known again and no end mark."""
    return (torch.arange(length, dtype=torch.float32) - 1000)[:, None].expand(-1, CHANNELS)


def dataset(
    bundle: Bundle,
    clips: Sequence[Clip],
    lengths: Sequence[int],
    config: DataConfig | None = None,
    beats: Sequence[float] = (),
) -> LatentDataset:
    encoded = Encoded(
        latents={c.file: latents_of(length) for c, length in zip(clips, lengths, strict=True)},
        audio_styles={clip.file: torch.full((512,), AUDIO) for clip in clips},
        text_styles={"music": torch.full((512,), TEXT)},
        beats={clip.file: torch.tensor(beats, dtype=torch.float64) for clip in clips},
    )
    return LatentDataset(a_dataset(*clips), encoded, bundle, "train", config)


def real_frames(batch: Batch, row: int) -> list[float]:
    return [float(x) for x in batch.latents[row, : batch.frames[row], 0]]


def test_a_clip_amid_a_song_is_cropped_to_whole_blocks_without_an_end_mark(
    tiny_bundle: Bundle,
) -> None:
    data = dataset(tiny_bundle, [a_clip()], [27])
    assert data.frames == [20]
    assert real_frames(data.batch([0]), 0) == [i - 1000.0 for i in range(20)]


@pytest.mark.parametrize(("length", "whole"), [(27, 30), (20, 30), (29, 30)])
def test_a_clip_at_the_end_of_a_song_is_completed_with_end_marks(
    tiny_bundle: Bundle, length: int, whole: int
) -> None:
    data = dataset(tiny_bundle, [a_clip(ends_song=True)], [length])
    assert data.frames == [whole]
    expected = [i - 1000.0 for i in range(length)] + [1.0] * (whole - length)
    assert real_frames(data.batch([0]), 0) == expected


def test_a_batch_is_padded_to_its_longest_clip(tiny_bundle: Bundle) -> None:
    sung = ClipMetadata(lyrics="[verse]\n[chorus]", edited=("lyrics",))
    clips = [a_clip(1), a_clip(2, metadata=sung)]
    batch = dataset(tiny_bundle, clips, [40, 20]).batch([0, 1])
    assert batch.latents.shape == (2, 40, CHANNELS)
    assert batch.frames.tolist() == [40, 20]
    assert batch.text_lengths.tolist() == [0, 4]
    assert batch.text[1].tolist() == tiny_bundle.tokenize("[verse]\n[chorus]").tokens
    assert batch.text[0].tolist() == [0] * 4
    assert batch.style.shape == (2, 512)


def test_an_instrumental_batch_has_no_text(tiny_bundle: Bundle) -> None:
    batch = dataset(tiny_bundle, [a_clip(1), a_clip(2)], [20, 20]).batch([0, 1])
    assert batch.text.shape == (2, 0)
    assert batch.text.dtype == torch.int64


def test_styles_are_told_as_loud_as_the_base_learned_them(
    tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dataset(tiny_bundle, [a_clip(1), a_clip(2)], [20, 30])
    batch = data.batch([0, 1])
    assert batch.timeline is not None
    assert batch.timeline.shape == (2, 30, 512)
    for style, line in zip(batch.style, batch.timeline, strict=True):
        assert torch.equal(line[7], LEARNED.added(style))
    monkeypatch.setattr(Bundle, "has_timeline", False)  # as the released model
    assert dataset(tiny_bundle, [a_clip(1)], [20]).batch([0]).timeline is None


def test_each_frame_is_told_its_beats_as_a_song_of_that_tempo(tiny_bundle: Bundle) -> None:
    beats = [0.4 + 0.5 * i for i in range(60)]  # 120 a minute
    config = DataConfig(max_s=4)
    data = dataset(tiny_bundle, [a_clip(1)], [200], config, beats)
    starts = set()
    for turn in range(10):
        batch = data.batch([0], turn)
        assert batch.timeline is not None
        first = int(real_frames(batch, 0)[0]) + 1000
        as_song = timeline(20, 5.0, bpm=120.0, first_beat_s=0.4, first=first)
        told = placed(as_song) + LEARNED.added(batch.style[0])
        torch.testing.assert_close(batch.timeline[0], told, atol=1e-4, rtol=0)
        starts.add(first)
    assert len(starts) > 3


def test_only_a_clip_that_ends_its_song_is_told_how_far_the_end_is(tiny_bundle: Bundle) -> None:
    clips = [a_clip(1, ends_song=True), a_clip(2)]
    batch = dataset(tiny_bundle, clips, [27, 27]).batch([0, 1])
    assert batch.timeline is not None
    line = timeline(30, 5.0, bpm=None, end_s=5.4)
    told = placed(line) + LEARNED.added(batch.style[0])
    torch.testing.assert_close(batch.timeline[0], told, atol=1e-5, rtol=0)
    assert torch.equal(batch.timeline[1, 0], LEARNED.added(batch.style[1]))


def test_the_bundle_takes_such_a_batch(tiny_bundle: Bundle) -> None:
    batch = dataset(tiny_bundle, [a_clip(1), a_clip(2, ends_song=True)], [40, 25]).batch([0, 1])
    losses = tiny_bundle.loss(
        batch, torch.zeros(2, 40, CHANNELS), torch.full((2, 4), 0.5), torch.zeros(2).bool()
    )
    assert (losses[1] > 0).tolist() == [True, True, True, False]


def test_long_clips_are_cropped_elsewhere_each_turn_and_the_same_again(tiny_bundle: Bundle) -> None:
    data = dataset(tiny_bundle, [a_clip(1)], [200], DataConfig(max_s=4))
    assert data.frames == [20]
    starts = [real_frames(data.batch([0], turn), 0)[0] + 1000 for turn in range(20)]
    assert len(set(starts)) > 5
    assert {start % BLOCK for start in starts} == {0}
    assert starts == [real_frames(data.batch([0], turn), 0)[0] + 1000 for turn in range(20)]


def test_the_end_mark_comes_on_top_of_the_longest_clip(tiny_bundle: Bundle) -> None:
    data = dataset(tiny_bundle, [a_clip(1, ends_song=True)], [150])
    assert data.frames == [160]
    assert real_frames(data.batch([0], turn=3), 0)[-10:] == [1.0] * 10


@pytest.mark.parametrize(
    ("source", "values"),
    [
        (StyleSource.TEXT, [TEXT, TEXT, TEXT, TEXT]),
        (StyleSource.AUDIO, [AUDIO, AUDIO, AUDIO, AUDIO]),
        (StyleSource.BOTH, [TEXT, AUDIO, AUDIO, TEXT]),
    ],
)
def test_style_comes_from_where_it_is_asked_in_turn(
    tiny_bundle: Bundle, source: StyleSource, values: list[float]
) -> None:
    data = dataset(tiny_bundle, [a_clip(1), a_clip(2)], [20, 20], DataConfig(style=source))
    seen = [float(x) for turn in range(2) for x in data.batch([0, 1], turn).style[:, 0]]
    assert seen == values


def test_a_batch_depends_on_its_clips_and_turn_alone(tiny_bundle: Bundle) -> None:
    clips = [a_clip(i) for i in range(1, 4)]
    config = DataConfig(max_s=4)
    used, fresh = (dataset(tiny_bundle, clips, [90, 80, 70], config) for _ in range(2))
    for turn in range(5):
        used.batch([0, 2], turn)
    assert torch.equal(used.batch([1, 2], 5).latents, fresh.batch([1, 2], 5).latents)


def test_clips_shorter_than_a_block_are_left_out_and_said(tiny_bundle: Bundle) -> None:
    data = dataset(tiny_bundle, [a_clip(1), a_clip(2)], [9, 20])
    assert len(data) == 1
    assert data.left_out[0].file == a_clip(1).file
    assert "shorter than 2 s" in data.left_out[0].reason


def test_only_the_asked_side_is_taken(tiny_bundle: Bundle) -> None:
    clips = [a_clip(1), a_clip(2, split="validation")]
    assert [clip.file for clip in dataset(tiny_bundle, clips, [20, 20]).clips] == [clips[0].file]


def test_lyrics_that_cannot_be_sung_name_their_clip(tiny_bundle: Bundle) -> None:
    clip = a_clip(1, metadata=ClipMetadata(lyrics="x" * 30_000))
    with pytest.raises(BadInput, match=r"clips/pop_song_clip001\.wav: These lyrics"):
        dataset(tiny_bundle, [clip], [20])
