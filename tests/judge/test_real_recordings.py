"""The benchmark on real recordings, with sounds whose distances are known."""

import numpy as np
import pytest

from angen.training.spaces import mel_statistics
from benchmarks.real_recordings import (
    Piece,
    Points,
    Sides,
    distance,
    distances,
    halves,
)

RATE_HZ = 16_000


def tones(count: int, seed: int, first: str) -> list[Piece]:
    """Songs of soft noise over a tone around 500 Hz."""
    rng = np.random.default_rng(seed)
    t = np.arange(3 * RATE_HZ) / RATE_HZ
    made = [
        np.sin(2 * np.pi * rng.uniform(480, 520) * t) + rng.normal(0, 0.01, len(t))
        for _ in range(count)
    ]
    return [Piece(f"{first}{i}", x.astype(np.float32)) for i, x in enumerate(made)]


def noises(count: int) -> list[Piece]:
    rng = np.random.default_rng(9)
    made = rng.normal(0, 0.3, (count, 3 * RATE_HZ)).astype(np.float32)
    return [Piece(f"noise{i}", x) for i, x in enumerate(made)]


def test_songs_like_the_recordings_are_all_the_way_whatever_their_level() -> None:
    real = tones(12, 0, "real")
    loud = [Piece(piece.song, 5 * piece.samples) for piece in tones(12, 1, "adapter")]
    sides = Sides(rate_hz=RATE_HZ, real=real, codec=real, base=noises(12), adapter=loud)
    base, adapter, codec, halved, way, way_of_codec = distances(sides, mel_statistics)
    assert float(base) > 0.5
    assert abs(float(adapter)) < 0.1
    assert float(codec) == pytest.approx(0, abs=1e-3)
    assert float(halved.split(",")[0]) == pytest.approx(0, abs=0.1)
    assert int(way.rstrip("%")) > 90
    assert way_of_codec == "100%"


def test_a_base_that_is_there_has_no_way() -> None:
    real = tones(6, 0, "real")
    sides = Sides(rate_hz=RATE_HZ, real=real, codec=real, base=real, adapter=noises(6))
    assert distances(sides, mel_statistics)[-2:] == ("–", "–")


def test_pairs_of_one_song_do_not_count() -> None:
    at = np.array([[0.0], [0.0], [3.0], [3.0]])
    real = Points(at, np.array(["a", "a", "b", "b"]))
    unlike = float(np.exp(-4.5))  # of points 3 apart at a width of 1
    assert distance(real, real, 1.0) == pytest.approx(0)
    made = Points(np.zeros((2, 1)), np.array(["x", "y"]))
    by_hand = unlike + 1 - 2 * (1 + unlike) / 2
    assert distance(real, made, 1.0) == pytest.approx(by_hand)
    assert np.isnan(halves(real, 1.0)).all()
