"""Distances of sets of songs whose true distance is known."""

from itertools import product

import numpy as np
import pytest

from angen.training.distance import (
    Measure,
    Recordings,
    Songs,
    Vectors,
    bandwidth,
    compare,
    likeness,
)


def named(songs: Songs) -> dict[str, Vectors]:
    return {f"song{i}": song for i, song in enumerate(songs)}


def singles(points: Vectors) -> list[Vectors]:
    """Each point (N, E) a song of its own."""
    return [point[None] for point in points]


def measured(
    base: Vectors, adapter: Vectors, real: Vectors, *, seed: int = 0, draws: int = 2000
) -> Measure:
    return compare(
        singles(base), singles(adapter), named(singles(real)), {}, (), seed=seed, draws=draws
    )


def by_pairs(songs: Recordings, real: Recordings, width: float) -> float:
    """Gretton et al. 2012, equation 3, pair by pair of points; no pair of one song."""

    def mean(a: Recordings, b: Recordings) -> float:
        return float(
            np.mean(
                [
                    np.mean([np.exp(-((x - y) @ (x - y)) / (2 * width**2)) for x in p for y in q])
                    for (one, p), (other, q) in product(a.items(), b.items())
                    if one != other
                ]
            )
        )

    return mean(songs, songs) + mean(real, real) - 2 * mean(songs, real)


def test_distances_meet_the_definition_pair_by_pair() -> None:
    """Songs of several points and of unlike length; of the codec, no pair of one recording."""
    rng = np.random.default_rng(12)

    def songs(lengths: list[int], shift: float) -> list[Vectors]:
        return [rng.normal(size=(length, 4)) + shift for length in lengths]

    base, adapter, real = (
        songs([2, 1, 3], 0.9),
        songs([1, 2, 2], 0.5),
        named(songs([1, 3, 2, 2], 0)),
    )
    codec = {name: real[name] + 0.2 for name in ("song0", "song2", "song3")}
    found = compare(base, adapter, real, codec, ["song1", "song3"], seed=0)
    width = bandwidth(np.concatenate(base), np.concatenate(list(real.values())))
    made = {"base": base, "adapter": adapter}
    of = {
        side: by_pairs({f"made{i}": song for i, song in enumerate(some)}, real, width)
        for side, some in made.items()
    }
    assert found.distance_base == pytest.approx(of["base"])
    assert found.distance_adapter == pytest.approx(of["adapter"])
    assert found.reduction == pytest.approx(1 - of["adapter"] / of["base"])
    assert found.distance_codec == pytest.approx(by_pairs(codec, real, width))
    assert found.floor == pytest.approx(1 - by_pairs(codec, real, width) / of["base"])
    unseen = {name: real[name] for name in ("song1", "song3")}
    gain = [
        likeness(some, some, width)[~np.eye(3, dtype=bool)].mean()
        - 2 * likeness(some, list(unseen.values()), width).mean()
        for some in (base, adapter)
    ]
    assert found.unseen == pytest.approx((gain[0] - gain[1]) / of["base"])


def test_an_unseen_song_of_the_collection_is_the_whole_way() -> None:
    """Songs of the collection's own kind in the adapter's place: 100 % on average."""
    rng = np.random.default_rng(0)
    ways = []
    for _ in range(200):
        real, unseen = rng.normal(size=(2, 8, 6))
        base = rng.normal(size=(8, 6)) + 1.5
        ways.append(measured(base, unseen, real, draws=2).reduction or 0.0)
    assert np.mean(ways) == pytest.approx(1, abs=3 * np.std(ways) / np.sqrt(len(ways)))


def test_distance_is_zero_on_average_for_one_distribution() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        base, real = rng.normal(size=(12, 8)), rng.normal(size=(20, 8))
        found.append(measured(base, base, real, draws=2).distance_base)
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))
    assert min(found) < 0 < max(found)


def test_distance_meets_its_closed_form_for_two_gaussians() -> None:
    """For N(0, I) and N(m, I) in E dimensions the Gaussian kernel integrates exactly."""
    rng = np.random.default_rng(1)
    shift, dims = 1.5, 3
    mean = np.array([shift, 0, 0])
    ratios = []
    for _ in range(200):
        base, real = mean + rng.normal(size=(60, dims)), rng.normal(size=(60, dims))
        width = bandwidth(base, real)
        factor = (width**2 / (width**2 + 2)) ** (dims / 2)
        truth = 2 * factor * (1 - np.exp(-(shift**2) / (2 * (width**2 + 2))))
        ratios.append(measured(base, base, real, draws=2).distance_base / truth)
    assert np.mean(ratios) == pytest.approx(1, rel=0.05)


def test_bandwidth_is_the_root_mean_square_distance_across() -> None:
    assert bandwidth(np.array([[0.0], [2.0]]), np.array([[1.0]])) == 1.0
    assert bandwidth(np.zeros((4, 2)), np.zeros((3, 2))) == 1.0


def test_half_the_way_is_found() -> None:
    rng = np.random.default_rng(5)
    real = rng.normal(size=(30, 16)) * 0.1
    noise = rng.normal(size=(16, 16)) * 0.1
    found = measured(noise + 0.6, noise + 0.3, real)
    assert found.distance_base > found.distance_adapter > 0
    assert found.reduction is not None
    assert found.reduction_interval is not None
    assert found.reduction_interval[0] < found.reduction < found.reduction_interval[1]
    assert 0.6 < found.reduction < 0.8  # squared: half the way is a little under 3/4
    assert found.reduction_interval[0] > 0.5
    assert found.gain_interval[0] > 0


@pytest.mark.parametrize("odd", [3.0, 30.0])
def test_one_odd_recording_never_turns_a_gain(odd: float) -> None:
    """It is far from all others, and the adapter moves away from it: unseen, it is the only one."""
    rng = np.random.default_rng(2)
    real = rng.normal(size=(8, 6)) * 0.3
    real[0] = -odd
    noise = rng.normal(size=(16, 6)) * 0.3
    base, adapter = noise + 1.5, noise + 0.5
    songs = named(singles(real))
    found = compare(singles(base), singles(adapter), songs, {}, ["song0"], seed=0)
    assert found.reduction is not None
    assert found.reduction > 0.3
    assert found.gain_interval[1] > 0


def test_the_way_to_unseen_recordings_stands_by_itself() -> None:
    """An adapter that went to the seen half alone."""
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(16, 4)) * 0.2
    to_seen, aside, *_ = 2 * np.eye(4)
    real = np.concatenate([noise[:4] + to_seen, noise[4:8] - to_seen])
    base, adapter = noise + aside, noise + to_seen
    songs = named(singles(real))
    unseen = [f"song{i}" for i in range(4, 8)]
    found = compare(singles(base), singles(adapter), songs, {}, unseen, seed=0)
    seen = compare(singles(base), singles(adapter), songs, {}, set(songs) - {*unseen}, seed=0)
    assert found.unseen is not None
    assert seen.unseen is not None
    assert found.reduction is not None
    assert found.unseen < 0 < seen.unseen
    assert found.reduction == pytest.approx((found.unseen + seen.unseen) / 2)


def steady(songs: int, draws: int) -> tuple[Measure, float, float, Vectors]:
    """Base songs at right angles, adapter songs in one place, recordings in one place.

    Only the nearness of each base song to the real place changes what a draw finds, and it is
    evenly spread: the mean of those drawn is normal. Returns the measure, the distance of the
    adapter, what the base's has besides twice that mean, and the nearness of each song.
    """
    axes = np.eye(songs + 2)
    place = np.concatenate([np.linspace(-0.5, 0.5, songs), [2, 0]])
    base, far = 2 * axes[:songs], np.tile(2 * axes[-1], (songs, 1))
    real = np.tile(place, (8, 1))
    width = bandwidth(base, real)

    def alike(a: Vectors, b: Vectors) -> float:
        return float(np.exp(-((a - b) @ (a - b)) / (2 * width**2)))

    near = np.array([alike(song, place) for song in base])
    of_adapter = 2 - 2 * alike(far[0], place)
    found = measured(base, far, real, draws=draws)
    return found, of_adapter, 1 + alike(base[0], base[1]), near


def test_intervals_are_those_of_a_bootstrapped_mean() -> None:
    found, adapter, rest, near = steady(songs=32, draws=10_000)
    error = near.std() / np.sqrt(len(near))  # of the mean of as many, drawn with replacement
    low, high = (rest - 2 * (near.mean() + z * error) for z in (1.96, -1.96))
    assert found.distance_base == pytest.approx(rest - 2 * near.mean())
    assert found.distance_adapter == pytest.approx(adapter)
    width = high - low
    assert found.gain_interval == pytest.approx((low - adapter, high - adapter), abs=0.02 * width)
    assert found.reduction_interval is not None
    slope = adapter / found.distance_base**2  # of 1 - adapter / base
    bounds = [1 - adapter / distance for distance in (low, high)]
    assert found.reduction_interval == pytest.approx(tuple(bounds), abs=0.02 * width * slope)


@pytest.mark.parametrize("draws", [49, 50])
def test_fewer_than_fifty_draws_give_no_interval(draws: int) -> None:
    found = steady(songs=32, draws=draws)[0]
    assert (found.reduction_interval is None) == (draws < 50)
    assert (found.gain_interval == (-np.inf, np.inf)) == (draws < 50)


def test_whole_recordings_are_drawn_for_the_interval() -> None:
    """Of two recordings only the draw of both can be judged: all draws of the way are one."""
    real = {"one": np.array([[0.0, 1], [0, 2]]), "other": np.array([[3.0, 0], [5, 0]])}
    base, adapter = ([np.tile([x, y], (2, 1)) for _ in range(3)] for x, y in ((9.0, 9), (4.0, 1)))
    found = compare(base, adapter, real, {}, (), seed=0)
    assert found.reduction_interval == pytest.approx((found.reduction, found.reduction))


def test_draws_in_which_the_base_is_there_already_say_nothing_of_a_way() -> None:
    """A base of ten songs in the real place and two away falls to nought in some draws."""
    base = np.array([[0.0, 0, 0]] * 10 + [[9, 0, 0], [0, 9, 0]])
    found = measured(base, np.tile([0.0, 0, 9], (12, 1)), np.zeros((6, 3)))
    assert found.distance_base > 0
    assert found.reduction_interval is not None
    assert found.reduction_interval[1] < 1  # the adapter is nowhere near: no draw may say otherwise


def test_a_base_that_is_at_the_recordings_leaves_no_way() -> None:
    found = measured(np.ones((4, 2)), np.eye(4, 2), np.ones((6, 2)))
    assert found.distance_base == 0
    assert found.reduction is None
    assert found.reduction_interval is None
    beyond = measured(np.eye(6, 2), np.ones((6, 2)), np.eye(6, 2))
    assert beyond.distance_base < 0
    assert beyond.reduction is None
    assert beyond.floor is None


def test_no_gain_is_found_when_both_sides_are_equal() -> None:
    rng = np.random.default_rng(6)
    base = rng.normal(size=(14, 8))
    found = measured(base, base, rng.normal(size=(20, 8)) + 1)
    assert found.reduction == 0
    assert found.gain_interval == (0, 0)


def test_luck_is_called_a_gain_no_more_often_than_an_interval_of_95_percent_allows() -> None:
    rng = np.random.default_rng(7)
    trials = 120
    lucky = 0
    for trial in range(trials):
        base, adapter = rng.normal(size=(2, 12, 8))
        found = measured(base, adapter, rng.normal(size=(16, 8)) + 0.5, seed=trial, draws=300)
        lucky += found.gain_interval[0] > 0
    assert lucky / trials < 0.06  # 0.025 and two standard errors


def test_songs_that_move_away_are_seen() -> None:
    rng = np.random.default_rng(8)
    base = rng.normal(size=(12, 8)) + 0.5
    found = measured(base, base + 1, rng.normal(size=(20, 8)))
    assert found.gain_interval[1] < 0
    assert found.reduction is not None
    assert found.reduction < 0


def test_a_recording_counts_once_however_many_points_it_has() -> None:
    rng = np.random.default_rng(9)
    songs, real = rng.normal(size=(2, 12, 4))
    thrice = {name: np.repeat(song, 3, axis=0) for name, song in named(singles(real)).items()}
    once = measured(songs, songs, real)
    again = compare(singles(songs), singles(songs), thrice, {}, (), seed=0)
    assert again.distance_base == pytest.approx(once.distance_base)


def test_a_measure_is_the_same_for_the_same_seed() -> None:
    rng = np.random.default_rng(10)
    base, adapter = rng.normal(size=(2, 8, 4))
    real = rng.normal(size=(9, 4))
    first, again, other = (measured(base, adapter, real, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_the_codec_of_one_recording_has_no_distance() -> None:
    songs = singles(np.eye(3))
    assert compare(songs, songs, named(songs), {"song0": np.eye(3)[:1]}, (), seed=0).floor is None


def test_sets_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="2 songs a side, got 1 and 3"):
        measured(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="2 songs a side, got 3 and 1"):
        measured(np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="need as many"):
        measured(np.zeros((2, 2)), np.zeros((3, 2)), np.zeros((3, 2)))


def test_two_songs_a_side_are_enough() -> None:
    base, real = np.array([[0.0], [2]]), np.array([[1.0], [3]])
    width = np.sqrt(3)  # squared distances 1, 9, 1, 1
    truth = 2 * np.exp(-2 / width**2) - (3 * np.exp(-0.5 / width**2) + np.exp(-4.5 / width**2)) / 2
    assert measured(base, base, real).distance_base == pytest.approx(truth)
