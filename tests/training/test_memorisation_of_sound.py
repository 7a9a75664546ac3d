"""The search on music, through the codec of `mini`: a copy to the ear is a copy to it."""

from pathlib import Path

import torch

from angen.audio.files import read_audio
from angen.bundle import load_bundle
from angen.training.memorisation import matches, picture
from angen.training.verdict import copy_limit

SONGS = Path(__file__).parents[2] / "examples" / "songs"


def test_a_copy_through_the_codec_lies_above_the_limit_and_a_song_of_the_same_style_below() -> None:
    mini = load_bundle("mini")
    rate = mini.sample_rate_hz
    paths = sorted(SONGS.glob("*.ogg"))
    songs = [read_audio(path, rate_hz=rate, mono=True, duration_s=30).samples[0] for path in paths]
    copy = torch.from_numpy(songs[0][round(10.13 * rate) : 18 * rate])
    copy = mini.decode(mini.encode_audio(copy, rate))
    other = songs[-1][10 * rate : 18 * rate]
    known = [picture(song, rate) for song in songs[:-1]]
    found = matches([picture(copy.numpy(), rate), picture(other, rate)], known, window_s=6)
    copied, innocent = (max(near.similarity for near in each) for each in found)
    assert copied > copy_limit(innocent, innocent) > innocent
    assert found[0][0].similarity == copied
    assert abs(found[0][0].clip_s - found[0][0].start_s - 10.13) < 0.15
