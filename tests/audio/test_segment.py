import itertools
from pathlib import Path

import numpy as np
import pytest

from angen.audio.files import read_audio
from angen.audio.listening import listen
from angen.audio.segment import Place, clip_name, cut, cut_points, tile, write_clips
from tests.audio.sounds import MAJOR, band, sine, write

RATE = 22_050


@pytest.mark.parametrize("seed", range(200))
def test_clips_tile_any_recording(seed: int) -> None:
    rng = np.random.default_rng(seed)
    duration_s = float(rng.choice([rng.uniform(0.5, 70), rng.uniform(10, 900)]))
    times = rng.uniform(0, duration_s, rng.integers(0, 200))
    places = [Place(time_s=float(t), cost=float(rng.uniform(0, 2))) for t in times]
    clips = tile(duration_s, places)
    lengths = [end - start for start, end in clips]
    assert clips[0][0] == 0
    assert clips[-1][1] == duration_s
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(clips))
    assert max(lengths) <= 30 + 1e-6
    assert min(lengths) >= 10 - 1e-6 or (len(clips) == 1 and duration_s < 10)


@pytest.mark.parametrize("seed", range(100))
def test_clips_keep_to_any_lengths_that_can_tile(seed: int) -> None:
    rng = np.random.default_rng(seed)
    min_s = float(rng.uniform(1, 15))
    max_s = min_s * float(rng.choice([2, rng.uniform(2, 4)]))
    duration_s = float(rng.uniform(min_s, 12 * min_s))
    clips = tile(duration_s, [], min_s=min_s, max_s=max_s)
    assert clips[0][0] == 0
    assert clips[-1][1] == duration_s
    for start, end in clips:
        assert min_s - 1e-6 <= end - start <= max_s + 1e-6


@pytest.mark.parametrize("seed", range(30))
def test_overlapping_clips_keep_to_the_longest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    duration_s, overlap_s = float(rng.uniform(35, 300)), float(rng.uniform(0.5, 10))
    clips = tile(duration_s, [], overlap_s=overlap_s)
    assert max(end - start for start, end in clips) <= 30 + 1e-6
    for (_, end), (start, _) in itertools.pairwise(clips):
        assert end - start == pytest.approx(overlap_s)


def test_clips_that_cannot_tile_are_refused() -> None:
    with pytest.raises(ValueError, match="twice the shortest"):
        tile(60, [], min_s=20, max_s=30)
    with pytest.raises(ValueError, match="nothing to cut"):
        tile(0, [])


def test_music_is_cut_on_its_downbeats() -> None:
    listening = listen(band(120, 0, MAJOR, 64, RATE), RATE)
    inner = [start for start, _ in cut(listening)[1:]]
    assert inner
    for start_s in inner:
        assert min(start_s % 2, 2 - start_s % 2) < 0.05


def test_speech_like_sound_is_cut_where_it_is_quiet() -> None:
    rng = np.random.default_rng(0)
    noise = 0.2 * rng.standard_normal((1, 40 * RATE)).astype(np.float32)
    noise[:, 17 * RATE : 18 * RATE] *= 0.01
    ((_, at_s), _) = cut_points(noise, RATE)
    assert 17 <= at_s <= 18


@pytest.mark.parametrize(
    ("genre", "song", "name"),
    [
        ("pop", "mysong", "pop_mysong_clip001.wav"),
        ("Lofi Hip Hop", "Mein 'Lied' 🎸", "lofi-hip-hop_mein-lied_clip001.wav"),
        ("", "../../etc/passwd", "etc-passwd_clip001.wav"),
        ("", "🎸", "song_clip001.wav"),
        ("rock", "夜曲", "rock_夜曲_clip001.wav"),
    ],
)
def test_clip_names_are_safe_and_readable(genre: str, song: str, name: str) -> None:
    assert clip_name(genre, song, 1) == name
    assert len(clip_name(genre, song * 300, 1).encode()) < 200


def test_written_clips_join_to_the_recording(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = np.repeat(0.1 * rng.standard_normal((1, 30 * 8_000)), 2, axis=0).astype(np.float32)
    path = write(tmp_path / "my song.wav", noise, 8_000)
    clips = write_clips(path, tmp_path / "clips", [(0, 11.3), (11.3, 30)], genre="Noise")
    assert [clip.name for clip in clips] == [
        "noise_my-song_clip001.wav",
        "noise_my-song_clip002.wav",
    ]
    joined = np.concatenate([read_audio(clip).samples for clip in clips], axis=1)
    assert np.abs(joined - read_audio(path).samples).max() < 1e-4


def test_a_short_recording_is_one_clip() -> None:
    assert cut_points(sine(440, 4, RATE), RATE) == [(0.0, 4.0)]
