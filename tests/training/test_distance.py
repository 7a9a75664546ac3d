import numpy as np
import pytest

from angen.training.distance import (
    bandwidth,
    compare,
    distance_to_real,
    frechet_distance,
    kernel_distance,
    kernels,
    shrunk_covariance,
)


def test_kernel_distance_is_zero_on_average_for_one_distribution() -> None:
    rng = np.random.default_rng(0)
    found = [
        kernel_distance(rng.normal(size=(12, 8)), rng.normal(size=(20, 8)), width=4.0)
        for _ in range(400)
    ]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    assert min(found) < 0 < max(found)


def test_kernel_distance_meets_its_closed_form_for_two_gaussians() -> None:
    """For N(0, I) and N(m, I) in E dimensions the Gaussian kernel integrates exactly."""
    rng = np.random.default_rng(1)
    width, shift, dims = 2.0, 1.5, 3
    mean = np.zeros(dims)
    mean[0] = shift
    factor = (width**2 / (width**2 + 2)) ** (dims / 2)
    truth = 2 * factor * (1 - np.exp(-(shift**2) / (2 * (width**2 + 2))))
    found = [
        kernel_distance(
            rng.normal(size=(60, dims)), mean + rng.normal(size=(60, dims)), width=width
        )
        for _ in range(200)
    ]
    assert np.mean(found) == pytest.approx(truth, rel=0.05)


def test_bandwidth_is_the_root_mean_square_distance_across() -> None:
    assert bandwidth(np.array([[0.0], [2.0]]), np.array([[1.0]])) == 1.0
    assert bandwidth(np.zeros((4, 2)), np.zeros((3, 2))) == 1.0


def test_frechet_distance_of_gaussians_nears_the_closed_form() -> None:
    rng = np.random.default_rng(2)
    a = rng.normal(size=(20000, 3))
    b = 2 * rng.normal(size=(20000, 3)) + np.array([3.0, 0, 0])
    assert frechet_distance(a, b) == pytest.approx(9 + 3 * (2 - 1) ** 2, rel=0.03)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)


def test_frechet_distance_is_finite_for_fewer_points_than_dimensions() -> None:
    rng = np.random.default_rng(3)
    near = frechet_distance(rng.normal(size=(12, 64)), rng.normal(size=(12, 64)))
    far = frechet_distance(rng.normal(size=(12, 64)), rng.normal(size=(12, 64)) + 1)
    assert 0 <= near < far


def test_shrunk_covariance_keeps_the_trace() -> None:
    points = np.random.default_rng(4).normal(size=(9, 30))
    sample = np.cov(points.T, bias=True)
    assert np.trace(shrunk_covariance(points)) == pytest.approx(np.trace(sample))
    assert np.linalg.eigvalsh(shrunk_covariance(points)).min() > 0


def test_compare_finds_half_the_way_as_a_reduction() -> None:
    rng = np.random.default_rng(5)
    real = rng.normal(size=(30, 16)) * 0.1
    noise = rng.normal(size=(16, 16)) * 0.1
    found = compare(kernels(noise + 0.6, noise + 0.3, real, np.arange(30)), seed=0)
    assert found.base > found.adapter > 0
    assert found.reduction is not None
    assert found.interval is not None
    assert found.interval[0] < found.reduction < found.interval[1]
    assert 0.6 < found.reduction < 0.8  # squared: half the way is a little under 3/4
    assert found.interval[0] > 0.5
    assert found.gain_interval[0] > 0
    assert found.p_value < 0.01


def test_compare_finds_no_gain_when_both_sides_are_equal() -> None:
    rng = np.random.default_rng(6)
    base = rng.normal(size=(14, 8))
    found = compare(kernels(base, base, rng.normal(size=(20, 8)) + 1, np.arange(20)), seed=0)
    assert found.reduction == 0
    assert found.gain_interval == (0, 0)
    assert found.p_value == 1


def test_compare_calls_luck_a_gain_no_more_often_than_its_p_value_says() -> None:
    rng = np.random.default_rng(7)
    trials = 120
    lucky = sum(
        compare(
            kernels(
                rng.normal(size=(12, 8)),
                rng.normal(size=(12, 8)),
                rng.normal(size=(16, 8)) + 0.5,
                np.arange(16),
            ),
            seed=trial,
            draws=300,
        ).p_value
        <= 0.05
        for trial in range(trials)
    )
    assert lucky / trials < 0.11  # 0.05 and two standard errors


def test_compare_sees_songs_that_move_away() -> None:
    rng = np.random.default_rng(8)
    real = rng.normal(size=(20, 8))
    base = rng.normal(size=(12, 8)) + 0.5
    found = compare(kernels(base, base + 1, real, np.arange(20)), seed=0)
    assert found.gain_interval[1] < 0
    assert found.p_value > 0.9


def test_compare_leaves_out_pairs_of_windows_of_one_clip() -> None:
    """Each clip's windows are copies; only between clips do they say how wide the style is."""
    rng = np.random.default_rng(9)
    clips = rng.normal(size=(6, 4))
    songs = rng.normal(size=(12, 4))
    once = kernels(songs, songs, clips, np.arange(6))
    thrice = kernels(songs, songs, np.repeat(clips, 3, axis=0), np.repeat(np.arange(6), 3))
    counted = once.real * once.apart
    tripled = thrice.real * thrice.apart
    assert tripled.sum() / thrice.apart.sum() == pytest.approx(counted.sum() / once.apart.sum())


def test_distance_to_real_agrees_with_the_comparison() -> None:
    rng = np.random.default_rng(11)
    base, real = rng.normal(size=(10, 4)), rng.normal(size=(12, 4)) + 1
    similar = kernels(base, base, real, np.arange(12))
    assert distance_to_real(similar, base, real) == pytest.approx(compare(similar, seed=0).base)


def test_compare_is_the_same_for_the_same_seed() -> None:
    rng = np.random.default_rng(10)
    similar = kernels(
        rng.normal(size=(8, 4)), rng.normal(size=(8, 4)), rng.normal(size=(9, 4)), np.arange(9)
    )
    assert compare(similar, seed=3) == compare(similar, seed=3)


def test_kernels_refuse_sets_that_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="2 points a side"):
        kernels(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((3, 2)), np.arange(3))
    with pytest.raises(ValueError, match="equal shapes"):
        kernels(np.zeros((2, 2)), np.zeros((3, 2)), np.zeros((3, 2)), np.arange(3))
