"""The Fréchet distance of sets whose true distance is known."""

import numpy as np
import pytest

from mini.frechet import Vectors, frechet_distance, shrunk_covariance


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
