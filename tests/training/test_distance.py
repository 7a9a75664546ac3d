"""Distances of sets of points whose true distance is known."""

from itertools import product

import numpy as np
import pytest

from angen.training.distance import (
    Comparison,
    Labels,
    Vectors,
    bandwidth,
    compare,
    distance_to_real,
    frechet_distance,
    kernels,
    shrunk_covariance,
)


def base_distance(base: Vectors, real: Vectors) -> tuple[float, float]:
    """The report's figure for ``base``, every real point a clip of its own, and the width used."""
    similar = kernels(base, base, real, np.arange(len(real)))
    return distance_to_real(similar, base, real), similar.width


def by_pairs(songs: Vectors, real: Vectors, clips: Labels, width: float) -> float:
    """Gretton et al. 2012, equation 3, pair by pair; no pair of one song or one clip."""

    def mean(pairs: list[tuple[Vectors, Vectors]]) -> float:
        return float(np.mean([np.exp(-((a - b) @ (a - b)) / (2 * width**2)) for a, b in pairs]))

    among = [(a, b) for i, a in enumerate(songs) for j, b in enumerate(songs) if i != j]
    of_clip = list(zip(clips, real, strict=True))
    apart = [(a, b) for one, a in of_clip for other, b in of_clip if one != other]
    return mean(among) + mean(apart) - 2 * mean(list(product(songs, real)))


@pytest.mark.parametrize(
    ("clips", "counted"),
    [
        ([0, 0, 1, 2, 2], [0, 0, 1, 2, 2]),
        ([7, 7, 7, 3, 3], [7, 7, 7, 3, 3]),
        ([4, 4, 4, 4, 4], [0, 1, 2, 3, 4]),  # a single clip: all its pairs count
    ],
)
def test_distances_meet_the_definition_pair_by_pair(clips: list[int], counted: list[int]) -> None:
    rng = np.random.default_rng(12)
    base, adapter = rng.normal(size=(2, 3, 4)) + 0.5
    real, others = rng.normal(size=(5, 4)), rng.normal(size=(4, 4))
    width = float(np.sqrt(np.mean([((a - b) ** 2).sum() for a, b in product(base, real)])))
    similar = kernels(base, adapter, real, np.array(clips))
    found = compare(similar, seed=0)
    of_base, of_adapter, of_others = (
        by_pairs(songs, real, np.array(counted), width) for songs in (base, adapter, others)
    )
    assert found.base == pytest.approx(of_base)
    assert found.adapter == pytest.approx(of_adapter)
    assert found.reduction == pytest.approx(1 - of_adapter / of_base)
    assert distance_to_real(similar, others, real) == pytest.approx(of_others)


def test_distance_is_zero_on_average_for_one_distribution() -> None:
    rng = np.random.default_rng(0)
    found = [
        base_distance(rng.normal(size=(12, 8)), rng.normal(size=(20, 8)))[0] for _ in range(400)
    ]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    assert min(found) < 0 < max(found)


def test_distance_meets_its_closed_form_for_two_gaussians() -> None:
    """For N(0, I) and N(m, I) in E dimensions the Gaussian kernel integrates exactly."""
    rng = np.random.default_rng(1)
    shift, dims = 1.5, 3
    mean = np.array([shift, 0, 0])
    ratios = []
    for _ in range(200):
        found, width = base_distance(
            mean + rng.normal(size=(60, dims)), rng.normal(size=(60, dims))
        )
        factor = (width**2 / (width**2 + 2)) ** (dims / 2)
        ratios.append(found / (2 * factor * (1 - np.exp(-(shift**2) / (2 * (width**2 + 2))))))
    assert np.mean(ratios) == pytest.approx(1, rel=0.05)


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


def crossed(axes: int, width: int, size: float) -> Vectors:
    """Points at plus and minus ``size`` on the first axes of a space."""
    return size * np.concatenate([np.eye(axes, width), -np.eye(axes, width)])


def test_frechet_distance_of_shrunk_covariances_is_exact() -> None:
    """Covariances that commute: the squared differences of the standard deviations add up."""
    shift = np.array([1.0, 2, 2])
    found = frechet_distance(crossed(2, 3, 3) + shift, crossed(2, 3, 6))
    assert found == pytest.approx(9 + 9 * (2 - 1) ** 2)  # the trace is 9 and 36


def test_shrunk_covariance_is_ledoit_and_wolfs() -> None:
    """Two axes of three: sample (1/2, 1/2, 0), doubt 1/8 of a distance of 1/6 to the sphere."""
    found = shrunk_covariance(crossed(2, 3, 3))
    assert found == pytest.approx(9 * np.diag([3 / 8, 3 / 8, 1 / 4]))


def test_shrunk_covariance_in_full_doubt_is_the_sphere() -> None:
    """Three axes of four: doubt 1/9 exceeds the distance of 1/12."""
    assert shrunk_covariance(crossed(3, 4, 3)) == pytest.approx(9 / 4 * np.eye(4))


def test_shrunk_covariance_of_a_sphere_or_a_point_is_the_samples_own() -> None:
    assert shrunk_covariance(crossed(2, 2, 1)) == pytest.approx(np.eye(2) / 2)
    assert shrunk_covariance(np.ones((3, 2))) == pytest.approx(np.zeros((2, 2)))


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


def steady(songs: int, clips: int, draws: int) -> tuple[Comparison, float, float, Vectors]:
    """Base songs at right angles, adapter songs in one place, real clips in one place.

    Only the nearness of each base song to the real place changes what a draw finds, and it is
    evenly spread: the mean of those drawn is normal. Returns the comparison, the distance of the
    adapter, what the base's has besides twice that mean, and the nearness of each song.
    """
    axes = np.eye(songs + 2)
    place = np.concatenate([np.linspace(-0.5, 0.5, songs), [2, 0]])
    base, far = 2 * axes[:songs], np.tile(2 * axes[-1], (songs, 1))
    similar = kernels(base, far, np.tile(place, (clips, 1)), np.arange(clips))

    def alike(a: Vectors, b: Vectors) -> float:
        return float(np.exp(-((a - b) @ (a - b)) / (2 * similar.width**2)))

    near = np.array([alike(song, place) for song in base])
    of_adapter = 2 - 2 * alike(far[0], place)
    return compare(similar, seed=0, draws=draws), of_adapter, 1 + alike(base[0], base[1]), near


def test_intervals_are_those_of_a_bootstrapped_mean() -> None:
    found, adapter, rest, near = steady(songs=32, clips=8, draws=10_000)
    error = near.std() / np.sqrt(len(near))  # of the mean of as many, drawn with replacement
    low, high = (rest - 2 * (near.mean() + z * error) for z in (1.96, -1.96))
    assert found.base == pytest.approx(rest - 2 * near.mean())
    assert found.adapter == pytest.approx(adapter)
    width = high - low
    assert found.gain_interval == pytest.approx((low - adapter, high - adapter), abs=0.02 * width)
    assert found.interval is not None
    slope = adapter / found.base**2  # of 1 - adapter / base
    assert found.interval[0] == pytest.approx(1 - adapter / low, abs=0.02 * width * slope)
    assert found.interval[1] == pytest.approx(1 - adapter / high, abs=0.02 * width * slope)


@pytest.mark.parametrize("draws", [49, 50])
def test_fewer_than_fifty_draws_give_no_interval(draws: int) -> None:
    found = steady(songs=32, clips=8, draws=draws)[0]
    assert (found.interval is None) == (draws < 50)
    assert (found.gain_interval == (-np.inf, np.inf)) == (draws < 50)


def test_whole_clips_are_drawn_for_the_interval() -> None:
    """Of two clips of two excerpts only the draw of both can be judged: all draws are one."""
    real = np.array([[0.0, 1], [0, 2], [3, 0], [5, 0]])
    base, adapter = np.tile([9.0, 9], (3, 1)), np.tile([4.0, 1], (3, 1))
    found = compare(kernels(base, adapter, real, np.array([0, 0, 1, 1])), seed=0)
    assert found.interval == pytest.approx((found.reduction, found.reduction))


def test_draws_in_which_the_base_is_there_already_say_nothing_of_a_reduction() -> None:
    """A base of ten songs in the real place and two away falls to nought in some draws."""
    real = np.zeros((6, 3))
    base = np.array([[0.0, 0, 0]] * 10 + [[9, 0, 0], [0, 9, 0]])
    found = compare(kernels(base, np.tile([0.0, 0, 9], (12, 1)), real, np.arange(6)), seed=0)
    assert found.base > 0
    assert found.interval is not None
    assert found.interval[1] < 1  # the adapter is nowhere near: no draw may say otherwise


def test_a_base_that_is_at_the_real_songs_leaves_nothing_to_reduce() -> None:
    real = np.ones((6, 2))
    found = compare(kernels(np.ones((4, 2)), np.eye(4, 2), real, np.arange(6)), seed=0)
    assert found.base == 0
    assert found.reduction is None
    assert found.interval is None
    beyond = compare(kernels(np.eye(6, 2), np.ones((6, 2)), np.eye(6, 2), np.arange(6)), seed=0)
    assert beyond.base < 0
    assert beyond.reduction is None
    assert beyond.interval is None


@pytest.mark.parametrize("seed", range(4))
def test_p_value_is_the_share_of_all_swaps_that_gain_as_much(seed: int) -> None:
    """Four pairs have sixteen arrangements, each as likely."""
    rng = np.random.default_rng(seed)
    base, adapter = rng.normal(size=(2, 4, 3)) + np.array([[[0.6]], [[0.3]]])
    real = rng.normal(size=(5, 3))
    similar = kernels(base, adapter, real, np.arange(5))

    def gain(swapped: tuple[bool, ...]) -> float:
        choice = np.array(swapped)[:, None]
        sides = np.where(choice, adapter, base), np.where(choice, base, adapter)
        left, right = (by_pairs(side, real, np.arange(5), similar.width) for side in sides)
        return left - right

    gains = [gain(swapped) for swapped in product((False, True), repeat=4)]
    share = float(np.mean([other >= gains[0] - 1e-9 for other in gains]))
    assert compare(similar, seed=0, draws=20_000).p_value == pytest.approx(share, abs=0.015)


def test_the_smallest_p_value_is_one_draw_of_two_thousand() -> None:
    real = np.zeros((4, 2))
    similar = kernels(np.full((30, 2), 3.0), np.full((30, 2), 0.1), real, np.arange(4))
    assert compare(similar, seed=0).p_value == pytest.approx(1 / 2000)


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
    with pytest.raises(ValueError, match="2 points a side, got 3 and 1"):
        kernels(np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((1, 2)), np.arange(1))
    with pytest.raises(ValueError, match="equal shapes"):
        kernels(np.zeros((2, 2)), np.zeros((3, 2)), np.zeros((3, 2)), np.arange(3))


def test_two_points_a_side_are_enough() -> None:
    base, real = np.array([[0.0], [2]]), np.array([[1.0], [3]])
    found = compare(kernels(base, base, real, np.arange(2)), seed=0)
    width = np.sqrt(3)  # squared distances 1, 9, 1, 1
    truth = 2 * np.exp(-2 / width**2) - (3 * np.exp(-0.5 / width**2) + np.exp(-4.5 / width**2)) / 2
    assert found.base == pytest.approx(truth)
