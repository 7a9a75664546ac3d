"""The measure on sound, through the encoder of `mini`: what is a copy to the ear is one to it."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from angen.audio.files import read_audio
from angen.bundle import Bundle, load_bundle
from angen.training.memorisation import closest_match
from angen.training.verdict import copy_limit

SONGS = Path(__file__).parents[2] / "examples" / "songs"
START_S, LENGTH_S, WINDOW_S = 10, 8, 4.8


@pytest.fixture(scope="module")
def mini() -> Bundle:
    return load_bundle("mini")


@pytest.fixture(scope="module")
def songs(mini: Bundle) -> list[Tensor]:
    """The first half minute of each example song (S,)."""
    rate = mini.sample_rate_hz
    paths = sorted(SONGS.glob("*.ogg"))
    sounds = [read_audio(path, rate_hz=rate, mono=True, duration_s=30) for path in paths]
    return [torch.from_numpy(sound.samples[0]) for sound in sounds]


def similarity(mini: Bundle, sound: Tensor, training: list[Tensor]) -> float:
    latents = [mini.encode_audio(song, mini.sample_rate_hz) for song in training]
    window = round(WINDOW_S * mini.latent_rate_hz)
    heard = mini.encode_audio(sound, mini.sample_rate_hz)
    return closest_match(heard, latents, window).similarity


def excerpt(mini: Bundle, song: Tensor, shift_s: float = 0) -> Tensor:
    first = round((START_S + shift_s) * mini.sample_rate_hz)
    return song[first : first + LENGTH_S * mini.sample_rate_hz]


@pytest.mark.parametrize("fault", ["none", "noise", "quiet", "shifted", "resynthesised"])
def test_a_copy_is_found_in_bad_sound_and_between_frames(
    mini: Bundle, songs: list[Tensor], fault: str
) -> None:
    other = similarity(mini, excerpt(mini, songs[-1]), songs[:-1])
    copy = excerpt(mini, songs[0], shift_s=0.02 if fault == "shifted" else 0)
    if fault == "noise":
        generator = torch.Generator().manual_seed(0)
        copy = copy + 0.3 * copy.std() * torch.randn(copy.shape, generator=generator)
    elif fault == "quiet":
        copy = copy * 0.3
    elif fault == "resynthesised":
        copy = mini.decode(mini.encode_audio(copy, mini.sample_rate_hz))
    found = similarity(mini, copy, songs[:-1])
    assert found > copy_limit(other, other) > other
