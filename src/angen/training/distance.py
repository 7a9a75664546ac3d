"""How far apart two sets of songs are, judged from a few dozen points each.

Letters: N points of one set, M of the other, E embedding width, R random draws.

The main figure is the squared kernel distance (maximum mean discrepancy) in its unbiased form:
zero on average when both sets come from one distribution, at any set size, which the Fréchet
distance is not. The Fréchet distance stands beside it for comparison with papers.

Sources: Gretton et al. 2012, JMLR 13 (the estimator); Binkowski et al. 2018, arXiv:1801.01401
(use for generators); Chung et al. 2025, arXiv:2502.15602 (Gaussian kernel for audio);
Ledoit and Wolf 2004, JMVA 88 (shrunk covariance).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]
Labels = NDArray[np.int64]

MIN_DRAWS = 50  # fewer usable draws than this give no interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Kernels:
    """All pairwise similarities that the comparison of base and adapter needs."""

    made: Vectors  # (2N, 2N) base songs, then adapter songs
    real: Vectors  # (M, M)
    cross: Vectors  # (2N, M)
    apart: Vectors  # (M, M) 1 where two real points come from different clips
    width: float  # of the kernel, in the points' own unit

    @property
    def pairs(self) -> int:
        """N, songs made by each side."""
        return len(self.made) // 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Distances of the base's and the adapter's songs to real ones, with their doubt."""

    base: float
    adapter: float
    reduction: float | None  # 1 - adapter / base; None when the base is already at the real songs
    interval: tuple[float, float] | None  # 95 % bootstrap interval of the reduction
    gain_interval: tuple[float, float]  # the same of base - adapter
    p_value: float  # chance of so large a gain if adapter and base were exchangeable


def squared_distances(a: Vectors, b: Vectors) -> Vectors:
    """Squared Euclidean distance of each row of ``a`` (N, E) to each of ``b`` (M, E): (N, M)."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
    return np.asarray(np.maximum(squares, 0.0), dtype=np.float64)


def bandwidth(a: Vectors, b: Vectors) -> float:
    """Root mean square distance between a point of ``a`` (N, E) and one of ``b`` (M, E).

    At this scale the kernel still grows and falls on the whole way from one set to the other.
    The usual median over all pairs does not when both sets are tight: it then measures their
    own width, beyond which the kernel is flat and half the way counts for nothing.

    Returns 1 when all points are the same, where any scale gives the same distances.
    """
    return float(np.sqrt(squared_distances(a, b).mean())) or 1.0


def gaussian(a: Vectors, b: Vectors, width: float) -> Vectors:
    """exp(-d² / 2 width²) for each row of ``a`` with each of ``b``: (N, M)."""
    return np.asarray(np.exp(-squared_distances(a, b) / (2 * width**2)), dtype=np.float64)


def kernels(base: Vectors, adapter: Vectors, real: Vectors, clips: Labels) -> Kernels:
    """Similarities for ``base`` and ``adapter`` (N, E) songs against ``real`` (M, E) ones.

    clips: (M,) which recording clip each real point was cut from. Two windows of one clip are
    not independent, so such pairs do not count; with a single clip they must.

    The kernel's width comes from base and real points alone: the adapter cannot choose the
    scale by which it is judged.

    Raises ValueError for fewer than 2 points in a set, or sides of different size.
    """
    if base.shape != adapter.shape:
        raise ValueError(f"base {base.shape} and adapter {adapter.shape} need equal shapes")
    if len(base) < 2 or len(real) < 2:
        raise ValueError(f"a distance needs 2 points a side, got {len(base)} and {len(real)}")
    width = bandwidth(base, real)
    made = np.concatenate([base, adapter])  # (2N, E)
    several = len(np.unique(clips)) > 1
    labels = clips if several else np.arange(len(real))
    return Kernels(
        made=gaussian(made, made, width),
        real=gaussian(real, real, width),
        cross=gaussian(made, real, width),
        apart=(labels[:, None] != labels[None, :]).astype(np.float64),
        width=width,
    )


def distance_to_real(similar: Kernels, others: Vectors, real: Vectors) -> float:
    """Distance of ``others`` (N, E) to the real points (M, E) on the scale of ``similar``.

    Other clips of the same recordings' kind give the level that songs can hope to reach.
    """
    among_real = float((similar.real * similar.apart).sum() / similar.apart.sum())
    among_others = _mean_off_diagonal(gaussian(others, others, similar.width))
    return among_real + among_others - 2 * float(gaussian(others, real, similar.width).mean())


def compare(similar: Kernels, *, seed: int, draws: int = 2000) -> Comparison:
    """Distances of base and adapter to the real songs; is their difference more than luck?

    The interval resamples songs (each with its twin of the same seed and prompt) and real clips.
    The p-value swaps twins at random: exact whatever the number of songs.
    """
    rng = np.random.default_rng(seed)
    base, adapter = (x.item() for x in _distances(similar, *_once(similar)))
    songs = _counts(rng, draws, similar.pairs)  # (R, N)
    real = _counts_of_clips(rng, draws, similar.apart)  # (R, M)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn_base, drawn_adapter = _distances(similar, songs, songs, real)  # (R,) each
        gains = _gain(similar, songs, songs)  # (R,)
        reductions = 1 - drawn_adapter / drawn_base
    usable = np.isfinite(reductions) & (drawn_base > 0)
    there = base <= 0  # the base is at the real songs already
    return Comparison(
        base=base,
        adapter=adapter,
        reduction=None if there else 1 - adapter / base,
        interval=None if there else _middle(reductions[usable]),
        gain_interval=_middle(gains[np.isfinite(gains)]) or (-np.inf, np.inf),
        p_value=_swap_test(similar, rng, draws),
    )


def frechet_distance(a: Vectors, b: Vectors) -> float:
    """Fréchet distance between Gaussians fitted to ``a`` (N, E) and ``b`` (M, E).

    Covariances are shrunk (Ledoit-Wolf), without which a few dozen points in hundreds of
    dimensions have none. Still biased by set size: compare only sets of equal size.
    """
    cov_a, cov_b = shrunk_covariance(a), shrunk_covariance(b)
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    mixed = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0)).sum()
    apart = float(((a.mean(0) - b.mean(0)) ** 2).sum())
    return apart + float(np.trace(cov_a) + np.trace(cov_b) - 2 * mixed)


def shrunk_covariance(points: Vectors) -> Vectors:
    """Covariance of ``points`` (N, E), drawn towards a sphere by as much as N leaves in doubt."""
    n, width = points.shape
    centred = points - points.mean(0)
    sample = centred.T @ centred / n  # (E, E)
    sphere = float(np.trace(sample)) / width * np.eye(width)
    spread = float(((sample - sphere) ** 2).sum())
    if spread == 0:
        return np.asarray(sample, dtype=np.float64)
    lengths = (centred**2).sum(1)  # (N,)
    doubt = (float((lengths**2).sum()) / n - float((sample**2).sum())) / n
    share = min(1.0, doubt / spread)
    return np.asarray((1 - share) * sample + share * sphere, dtype=np.float64)


def _mean_off_diagonal(kernel: Vectors) -> float:
    n = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (n * (n - 1)))


def _once(similar: Kernels) -> tuple[Vectors, Vectors, Vectors]:
    """Weights that count each point once: the estimate itself."""
    songs = np.ones((1, similar.pairs))
    return songs, songs, np.ones((1, len(similar.real)))


def _distances(
    similar: Kernels, base: Vectors, adapter: Vectors, real: Vectors
) -> tuple[Vectors, Vectors]:
    """Squared distances (R,) of base and adapter for R weightings of songs and real points."""
    n = similar.pairs
    among_real = _weighted(similar.real * similar.apart, similar.apart, real)
    found = []
    for weights, part in ((base, slice(n)), (adapter, slice(n, None))):
        between = ((weights @ similar.cross[part]) * real).sum(1)
        between = between / (weights.sum(1) * real.sum(1))
        found.append(_among(similar.made[part, part], weights) + among_real - 2 * between)
    return found[0], found[1]


def _gain(similar: Kernels, base: Vectors, adapter: Vectors) -> Vectors:
    """Base distance less adapter distance (R,): the real songs' own spread cancels."""
    n = similar.pairs
    near = similar.cross.mean(1)  # (2N,)
    parts = ((base, slice(n)), (adapter, slice(n, None)))
    left, right = (_among(similar.made[p, p], w) - 2 * (w @ near[p]) / w.sum(1) for w, p in parts)
    return np.asarray(left - right, dtype=np.float64)


def _among(kernel: Vectors, weights: Vectors) -> Vectors:
    """Mean similarity (R,) of two different points of one set (N, N) under weights (R, N)."""
    others = 1 - np.eye(len(kernel))
    return _weighted(kernel * others, others, weights)


def _weighted(kernel: Vectors, counted: Vectors, weights: Vectors) -> Vectors:
    total, pairs = (((weights @ matrix) * weights).sum(1) for matrix in (kernel, counted))
    return np.asarray(total / pairs, dtype=np.float64)


def _counts(rng: np.random.Generator, draws: int, n: int) -> Vectors:
    """How often each of n things is drawn, n with replacement: (R, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)


def _counts_of_clips(rng: np.random.Generator, draws: int, apart: Vectors) -> Vectors:
    """Weights (R, M) of real points when whole clips are drawn with replacement."""
    _, clip_of = np.unique(apart, axis=0, return_inverse=True)  # rows are equal within a clip
    return _counts(rng, draws, int(clip_of.max()) + 1)[:, clip_of.ravel()]


def _swap_test(similar: Kernels, rng: np.random.Generator, draws: int) -> float:
    """Share of random swaps of twins whose gain is at least the one found, one-sided."""
    n = similar.pairs
    near = similar.cross.mean(1)  # (2N,)
    swapped = rng.integers(0, 2, size=(draws, n)).astype(np.float64)
    swapped[0] = 0  # the arrangement found counts as one
    left = np.concatenate([1 - swapped, swapped], axis=1)  # (R, 2N)
    gains = [_among(similar.made, w) - 2 * (w @ near) / n for w in (left, 1 - left)]
    gain = gains[0] - gains[1]
    return float((gain >= gain[0] - 1e-12).mean())


def _middle(values: Vectors) -> tuple[float, float] | None:
    """The middle 95 % of ``values``, or None for too few of them."""
    if len(values) < MIN_DRAWS:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
