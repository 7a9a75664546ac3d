"""The Fréchet distance of two sets of songs, for comparison with papers.

Source of the shrinking: Ledoit and Wolf 2004, JMVA 88.
"""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]


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
