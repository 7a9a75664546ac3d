import pytest
import torch
from torch import Tensor

from angen.vocoder.chunks import crossfade, decode_in_chunks

HOP = 3


class Echo:
    """Every sample of a frame is its latent, and the number of frames per call is kept."""

    sample_rate_hz = 15
    samples_per_frame = HOP
    in_channels = 1

    def __init__(self) -> None:
        self.frames: list[int] = []

    def __call__(self, latents: Tensor) -> Tensor:
        self.frames.append(latents.shape[-1])
        return latents.repeat_interleave(HOP, dim=-1)


class Numbered(Echo):
    """Sound that tells which call made it."""

    def __call__(self, latents: Tensor) -> Tensor:
        self.frames.append(latents.shape[-1])
        return torch.full((len(latents), 1, latents.shape[-1] * HOP), float(len(self.frames)))


@pytest.mark.parametrize("frames", [0, 1, 19, 20, 21, 34, 35, 36, 47, 100])
def test_chunks_join_to_the_whole_for_a_decoder_without_context(frames: int) -> None:
    latents = torch.randn(2, 1, frames)
    audio = decode_in_chunks(Echo(), latents)
    assert audio.dtype == torch.float32
    assert torch.equal(audio, latents.repeat_interleave(HOP, dim=-1))


@pytest.mark.parametrize(
    ("frames", "calls"),
    [
        (0, []),
        (1, [1]),
        (19, [19]),
        (20, [20]),
        (21, [20, 20]),
        (35, [20, 20]),
        (47, [20, 20, 20]),
    ],
)
def test_songs_shorter_than_a_chunk_take_one_call_and_none_takes_none(
    frames: int, calls: list[int]
) -> None:
    decoder = Echo()
    decode_in_chunks(decoder, torch.randn(1, 1, frames))
    assert decoder.frames == calls


def test_later_chunks_overwrite_from_half_the_overlap_on() -> None:
    """47 frames: chunks at 0, 15 and 27; written [0, 18), [17, 33) and [29, 47)."""
    audio = decode_in_chunks(Numbered(), torch.zeros(1, 1, 47))[0, 0, ::HOP]
    assert audio.tolist() == [1.0] * 17 + [2.0] * 12 + [3.0] * 18


def test_an_overlap_as_long_as_the_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="chunk=5, overlap=5"):
        decode_in_chunks(Echo(), torch.zeros(1, 1, 4), chunk=5, overlap=5)


def test_a_crossfade_is_as_long_as_both_sounds_allow() -> None:
    ones, zeros = torch.ones(4), torch.zeros(6)
    assert crossfade(ones[:0], zeros, 3).tolist() == zeros.tolist()
    assert crossfade(ones, zeros[:1], 3).tolist() == [0.5]
    assert crossfade(ones, zeros, 3).tolist() == [0.75, 0.5, 0.25, 0, 0, 0]
