"""How far songs are from a collection of recordings, in one space, and how sure that is.

Letters: N songs of base and of adapter, M recordings, R random draws, P points of one song in the
space, E their width. A song is its points (P, E); its likeness to another is the mean over pairs.

The distance is the squared kernel distance (maximum mean discrepancy) in its unbiased form, from
pairs of different songs alone. So each recording in turn, held against all others, lies at 0 on
average: 0 is as near as an unseen song of the collection is to the rest of it, and the way from
the base's distance to 0 is what an adapter can learn.

The collection's own spread cancels in the gain, base less adapter, which is a mean over the
recordings: a recording unlike all others cannot turn it.

Sources: Gretton et al. 2012, JMLR 13 (the estimator); Binkowski et al. 2018, arXiv:1801.01401
(use for generators); Chung et al. 2025, arXiv:2502.15602 (Gaussian kernel for audio).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]
Songs = Sequence[Vectors]  # points (P, E) of each
Recordings = Mapping[str, Vectors]  # the same, by name

MIN_DRAWS = 50  # fewer usable draws than this give no interval
Interval = tuple[float, float]  # the middle 95 %


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """What one space shows. Squared kernel distances to the recordings; shares of the way.

    The way is 0 at the base, and 1 where unseen songs of the collection are.
    """

    distance_base: float
    distance_adapter: float
    distance_codec: float | None  # of recordings through encoder and decoder; None for one song
    reduction: float | None  # the way that the adapter went; None where the base is there already
    reduction_interval: Interval | None
    gain_interval: Interval  # of distance_base - distance_adapter
    unseen: float | None  # the way to recordings that training has not seen; None without any

    @property
    def floor(self) -> float | None:
        """The way that songs of this base can go: its codec sounds no nearer."""
        if self.distance_codec is None or self.reduction is None:
            return None
        return 1 - self.distance_codec / self.distance_base


@dataclass(frozen=True, kw_only=True, slots=True)
class _Likeness:
    """Between songs of the base, of the adapter, and recordings."""

    base: Vectors  # (N, N)
    adapter: Vectors  # (N, N)
    real: Vectors  # (M, M)
    base_real: Vectors  # (N, M)
    adapter_real: Vectors  # (N, M)

    def among_base(self, songs: Vectors, real: Vectors) -> Vectors:
        """Distance (R,) of the base under weights (R, N) of songs and (R, M) of recordings."""
        near = _across(self.base_real, songs, real)
        return _among(self.base, songs) + _among(self.real, real) - 2 * near

    def gain(self, songs: Vectors, real: Vectors) -> Vectors:
        """Base's distance less adapter's (R,), under the same weights."""
        near = _across(self.adapter_real - self.base_real, songs, real)
        return _among(self.base - self.adapter, songs) + 2 * near


def compare(
    base: Songs,
    adapter: Songs,
    real: Recordings,
    codec: Recordings,
    unseen: Collection[str],
    *,
    seed: int,
    draws: int = 2000,
) -> Measure:
    """Distances of base and adapter to the recordings, the codec's, and how sure they are.

    adapter: twin by twin with ``base``. codec: some of the recordings through encoder and decoder.
    unseen: those that training has not seen. Intervals resample twins and recordings.

    The kernel's width comes from base and recordings alone: the adapter cannot choose the scale
    by which it is judged.

    Raises ValueError for fewer than 2 songs or recordings, or sides of different size.
    """
    if len(base) != len(adapter):
        raise ValueError(f"{len(base)} base songs need as many of the adapter, not {len(adapter)}")
    if len(base) < 2 or len(real) < 2:
        raise ValueError(f"a distance needs 2 songs a side, got {len(base)} and {len(real)}")
    recordings = list(real.values())
    width = bandwidth(np.concatenate(base), np.concatenate(recordings))
    like = _Likeness(
        base=likeness(base, base, width),
        adapter=likeness(adapter, adapter, width),
        real=likeness(recordings, recordings, width),
        base_real=likeness(base, recordings, width),
        adapter_real=likeness(adapter, recordings, width),
    )
    once, each = np.ones((1, len(base))), np.ones((1, len(real)))
    distance, gain = like.among_base(once, each).item(), like.gain(once, each).item()
    there = distance <= 0
    marks = np.array([[name in unseen for name in real]], dtype=np.float64)  # (1, M)
    new = like.gain(once, marks).item() / distance if marks.any() and not there else None
    gains, ways = _drawn(like, np.random.default_rng(seed), draws)
    return Measure(
        distance_base=distance,
        distance_adapter=distance - gain,
        distance_codec=_distance_of_codec(codec, real, like.real, width),
        reduction=None if there else gain / distance,
        reduction_interval=None if there else _middle(ways),
        gain_interval=_middle(gains) or (-np.inf, np.inf),
        unseen=new,
    )


def squared_distances(a: Vectors, b: Vectors) -> Vectors:
    """Squared Euclidean distance of each row of ``a`` (P, E) to each of ``b`` (Q, E): (P, Q)."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
    return np.asarray(np.maximum(squares, 0.0), dtype=np.float64)


def bandwidth(a: Vectors, b: Vectors) -> float:
    """Root mean square distance between a point of ``a`` (P, E) and one of ``b`` (Q, E).

    At this scale the kernel still grows and falls on the whole way from one set to the other.
    The usual median over all pairs does not when both sets are tight: it then measures their
    own width, beyond which the kernel is flat and half the way counts for nothing.

    Returns 1 when all points are the same, where any scale gives the same distances.
    """
    return float(np.sqrt(squared_distances(a, b).mean())) or 1.0


def likeness(a: Songs, b: Songs, width: float) -> Vectors:
    """exp(-d² / 2 width²), the mean over all pairs of points, of each two songs: (N, M)."""
    near = np.exp(-squared_distances(np.concatenate(a), np.concatenate(b)) / (2 * width**2))
    return np.asarray(_means(a) @ near @ _means(b).T, dtype=np.float64)


def _means(songs: Songs) -> Vectors:
    """(N, points of all): what makes means over each song's points."""
    counts = [len(song) for song in songs]
    return np.repeat(np.diag(1 / np.array(counts, dtype=np.float64)), counts, axis=1)


def _distance_of_codec(
    codec: Recordings, real: Recordings, among_real: Vectors, width: float
) -> float | None:
    """A recording and its own way through the codec are one song: such pairs do not count."""
    if len(codec) < 2:
        return None
    heard, names = list(codec.values()), list(real)
    apart = np.array([[name != other for other in names] for name in codec])
    near = likeness(heard, list(real.values()), width)
    around = [
        _among(k, np.ones((1, len(k)))).item() for k in (likeness(heard, heard, width), among_real)
    ]
    return sum(around) - 2 * float(near[apart].mean())


def _drawn(like: _Likeness, rng: np.random.Generator, draws: int) -> tuple[Vectors, Vectors]:
    """Gains and ways of usable draws of twins and recordings, as many with replacement."""
    songs, real = (_counts(rng, draws, n) for n in like.base_real.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        gains, distances = like.gain(songs, real), like.among_base(songs, real)
    there = np.isfinite(distances) & (distances > 0)
    return gains[np.isfinite(gains)], gains[there] / distances[there]


def _among(kernel: Vectors, weights: Vectors) -> Vectors:
    """Mean likeness (R,) of two different songs of one set (N, N) under weights (R, N)."""
    others = 1 - np.eye(len(kernel))
    total, pairs = (((weights @ part) * weights).sum(1) for part in (kernel * others, others))
    return np.asarray(total / pairs, dtype=np.float64)


def _across(kernel: Vectors, songs: Vectors, real: Vectors) -> Vectors:
    """Mean likeness (R,) of a song and a recording (N, M) under weights (R, N) and (R, M)."""
    total = ((songs @ kernel) * real).sum(1)
    return np.asarray(total / (songs.sum(1) * real.sum(1)), dtype=np.float64)


def _counts(rng: np.random.Generator, draws: int, n: int) -> Vectors:
    """How often each of n things is drawn, n with replacement: (R, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)


def _middle(values: Vectors) -> Interval | None:
    """The middle 95 % of ``values``, or None for too few of them."""
    if len(values) < MIN_DRAWS:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
