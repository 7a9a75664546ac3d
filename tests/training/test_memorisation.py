import pytest
import torch
from torch import Tensor

from angen.training.memorisation import closest_match


def noise(frames: int, seed: int) -> Tensor:
    return torch.randn(frames, 8, generator=torch.Generator().manual_seed(seed))


def test_an_exact_copy_matches_with_one_and_says_where() -> None:
    training = [noise(60, 0), noise(70, 1)]
    song = torch.cat([noise(10, 2), training[1][31:56], noise(10, 3)])
    match = closest_match(song, training, window=25)
    assert match.similarity == pytest.approx(1, abs=1e-5)
    assert (match.clip, match.clip_frame, match.frame) == (1, 31, 10)


def test_a_copy_with_stronger_movement_still_matches() -> None:
    training = [noise(40, 0)]
    stronger = 3 * training[0][5:30] + 1
    assert closest_match(stronger, training, window=20).similarity == pytest.approx(1, abs=1e-5)


def test_silence_matches_nothing_not_even_silence() -> None:
    silence = torch.full((60, 8), 4.0)
    training = [noise(60, 0), silence + 0.01 * noise(60, 1)]
    assert abs(closest_match(silence, training, window=25).similarity) < 0.1


@pytest.mark.parametrize(("movement", "similarity"), [(0.3, 1.0), (0.2, 1.0), (0.1, 0.25)])
def test_a_copy_that_hardly_moves_counts_less_below_a_fifth_of_the_usual(
    movement: float, similarity: float
) -> None:
    """Both are divided by a fifth of the usual length: (0.1 / 0.2) squared."""
    loud = [3 * swing(channel) for channel in range(4)]
    quiet = 3 * movement * swing(4)
    match = closest_match(quiet, [*loud, quiet], window=12)
    assert match.similarity == pytest.approx(similarity, abs=1e-5)
    assert match.clip == 4


def swing(channel: int) -> Tensor:
    """A movement of length 1 in one channel; of two channels they are at right angles."""
    latents = torch.zeros(12, 8)
    latents[::2, channel], latents[1::2, channel] = 12**-0.5, -(12**-0.5)
    return latents


def test_the_opposite_movement_is_no_copy() -> None:
    match = closest_match(-swing(0), [swing(0)], window=12)
    assert match.similarity == pytest.approx(-1)


def test_in_a_silent_training_set_nothing_matches() -> None:
    silence = torch.ones(12, 8)
    assert closest_match(silence, [silence, silence], window=12).similarity == 0


def test_the_first_of_equal_matches_is_named() -> None:
    match = closest_match(swing(1), [swing(0), swing(1), swing(1)], window=12)
    assert (match.clip, match.clip_frame, match.frame) == (1, 0, 0)


def test_a_clip_of_one_frame_moves_nowhere() -> None:
    assert closest_match(noise(1, 0), [noise(9, 1)], window=5).similarity == 0


def test_a_noisy_copy_matches_by_the_share_that_is_not_noise() -> None:
    training = [noise(400, 0)]
    song = training[0][100:200] + noise(100, 1)  # as much noise as music: cosine 1 / sqrt(2)
    match = closest_match(song, training, window=100)
    assert match.similarity == pytest.approx(2**-0.5, abs=0.03)
    assert match.clip_frame == 100


def test_unrelated_music_does_not_match() -> None:
    training = [noise(300, seed) for seed in range(4)]
    assert closest_match(noise(100, 9), training, window=25).similarity < 0.4


def test_an_offset_common_to_all_music_is_no_match() -> None:
    training = [noise(100, 0) + 20]
    assert closest_match(noise(50, 1) + 20, training, window=25).similarity < 0.4


def test_clips_shorter_than_the_window_are_compared_whole() -> None:
    training = [noise(12, 0)]
    assert closest_match(training[0], training, window=25).similarity == pytest.approx(1, abs=1e-5)


def test_long_training_clips_are_searched_to_their_end() -> None:
    training = [noise(9000, 0)]
    match = closest_match(training[0][8950:8980], training, window=25)
    assert match.clip_frame + 0 == 8950 + match.frame
    assert match.similarity == pytest.approx(1, abs=1e-5)


def test_nothing_to_compare_with_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs training clips"):
        closest_match(noise(10, 0), [], window=5)
    with pytest.raises(ValueError, match="none of them empty"):
        closest_match(noise(10, 0), [noise(10, 1), noise(0, 0)], window=5)
    with pytest.raises(ValueError, match="none of them empty"):
        closest_match(noise(0, 0), [noise(10, 1)], window=5)
