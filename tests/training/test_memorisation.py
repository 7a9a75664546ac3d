"""Copies of a tune under each change that leaves it the same tune, and other tunes."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray
from scipy import signal

from angen.training.memorisation import RATE_HZ, Match, matches, picture
from angen.training.verdict import CHANCE

Sound = NDArray[np.float32]
WINDOW_S = 6.0


def tune(seed: int, tempo: float = 1.0, semitones: float = 0.0, seconds: float = 14) -> Sound:
    """Notes of one scale at one beat, which note is drawn at random; plucked, so that they fade."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(round(seconds / tempo * RATE_HZ) + RATE_HZ)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    for beat in range(round(seconds * 4)):
        degree = 12 * rng.integers(0, 3) + rng.choice([0, 2, 4, 7, 9])
        pitch_hz = 196 * 2 ** ((degree + semitones) / 12)
        partials = [np.sin(2 * np.pi * pitch_hz * n * time_s) / n for n in (1, 2, 3)]
        first = round(beat / 4 / tempo * RATE_HZ)
        sound[first : first + RATE_HZ] += np.exp(-5 * time_s) * np.sum(partials, axis=0)
    return np.asarray(0.1 * sound, np.float32)


TRAINING = [tune(seed) for seed in range(4)]


def part(sound: Sound, start_s: float = 3.137, length_s: float = 8) -> Sound:
    return sound[round(start_s * RATE_HZ) :][: round(length_s * RATE_HZ)]


def closest(sound: Sound, training: list[Sound] = TRAINING) -> Match:
    pictures = [picture(known, RATE_HZ) for known in training]
    [found] = matches([picture(sound, RATE_HZ)], pictures, WINDOW_S)
    assert [near.clip for near in found] == list(range(len(training)))
    return max(found, key=lambda near: near.similarity)


def through_mp3(sound: Sound) -> Sound:
    file = io.BytesIO()
    soundfile.write(file, sound, RATE_HZ, format="MP3", compression_level=0.9)
    file.seek(0)
    return np.asarray(soundfile.read(file, dtype="float32")[0])


def noisy(sound: Sound) -> Sound:
    noise = np.random.default_rng(7).standard_normal(len(sound))
    return np.asarray(sound + sound.std() * noise, np.float32)


def equalised(sound: Sound) -> Sound:
    """A treble 24 dB above the bass."""
    return np.asarray(signal.lfilter([1, -0.9], [1], sound), np.float32)


def mixed(sound: Sound) -> Sound:
    other = part(tune(99, tempo=1.11, semitones=-1), 1)
    return np.asarray(sound / sound.std() + other / other.std(), np.float32)


@pytest.mark.parametrize(
    "change", [np.copy, lambda x: 0.003 * x, through_mp3, noisy, equalised, mixed]
)
def test_a_copy_is_found_and_placed_between_frames(change: Callable[[Sound], Sound]) -> None:
    match = closest(change(part(TRAINING[2])))
    assert match.similarity > CHANCE + 0.05
    assert match.clip == 2
    assert match.clip_s - match.start_s == pytest.approx(3.137, abs=0.1)


@pytest.mark.parametrize("tempo", [0.94, 1.03, 1.06])
@pytest.mark.parametrize("semitones", [-2, 0.5, 2])
def test_a_copy_is_found_at_another_pitch_and_tempo(tempo: float, semitones: float) -> None:
    match = closest(part(tune(1, tempo, semitones), 3.137 / tempo))
    assert match.similarity > CHANCE + 0.1
    assert match.clip == 1
    assert match.clip_s - match.start_s * tempo == pytest.approx(3.137, abs=0.15)


def test_five_seconds_of_a_clip_within_other_music_are_found() -> None:
    made = np.concatenate([part(tune(50), 0, 3), part(TRAINING[3], 4, 5), part(tune(51), 0, 3)])
    match = closest(made)
    assert match.similarity > CHANCE + 0.1
    assert match.clip == 3


def test_at_most_one_of_sixteen_other_tunes_of_the_same_scale_and_beat_looks_like_a_copy() -> None:
    heard = [picture(part(tune(seed)), RATE_HZ) for seed in range(20, 36)]
    found = matches(heard, [picture(known, RATE_HZ) for known in TRAINING], WINDOW_S)
    similar = [max(near.similarity for near in each) for each in found]
    assert sum(value > CHANCE for value in similar) <= 1
    assert max(similar) < 0.4


def test_the_same_chord_at_the_same_beat_is_no_copy() -> None:
    seconds = np.arange(12 * RATE_HZ) / RATE_HZ
    chord = np.sum([np.sin(2 * np.pi * hz * seconds) for hz in (220, 277.2, 329.6)], axis=0)
    click = (seconds * 2 % 1 < 0.02) * np.random.default_rng(0).standard_normal(len(seconds))
    bed = (0.02 * chord + 0.1 * click).astype(np.float32)
    known = bed[: len(TRAINING[0])] + TRAINING[0][: len(bed)]
    other = bed + tune(30)[: len(bed)]
    assert closest(part(other), [known, *TRAINING[1:]]).similarity < CHANCE


def test_silence_matches_nothing_not_even_silence() -> None:
    silence = np.zeros(8 * RATE_HZ, np.float32)
    assert closest(silence, [silence, *TRAINING]).similarity == 0
    assert closest(silence, [silence]).similarity == 0
    assert closest(TRAINING[0], [silence]).similarity == 0


def test_a_held_note_is_still() -> None:
    held = np.sin(2 * np.pi * 330 * np.arange(8 * RATE_HZ) / RATE_HZ).astype(np.float32)
    assert closest(held, [held, *TRAINING]).similarity < CHANCE


def test_long_clips_are_searched_to_their_end_and_short_ones_whole() -> None:
    long = tune(5, seconds=80)
    match = closest(part(long, 70), [TRAINING[0], long])
    assert match.clip == 1
    assert match.clip_s - match.start_s == pytest.approx(70, abs=0.1)
    assert match.similarity > 0.9
    short = part(TRAINING[0], 2, 4)  # less than a window
    match = closest(part(TRAINING[0], 1, 8), [*TRAINING[1:], short])
    assert match.clip == 3
    assert match.similarity > 0.5
    assert closest(part(tune(60), 0, 1)).similarity < CHANCE


def test_the_rate_of_the_sound_does_not_matter() -> None:
    match = closest(part(TRAINING[1]))
    double = signal.resample_poly(part(TRAINING[1]), 2, 1).astype(np.float32)
    pictures = [picture(known, RATE_HZ) for known in TRAINING]
    [found] = matches([picture(double, 2 * RATE_HZ)], pictures, WINDOW_S)
    assert found[1].similarity == pytest.approx(match.similarity, abs=0.05)


def test_nothing_to_compare_with_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs training clips"):
        matches([torch.zeros(108, 40)], [], WINDOW_S)
