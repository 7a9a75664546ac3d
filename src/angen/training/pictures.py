"""The pictures of the effect report, as PNG files. Colours are the same things throughout.

Shapes: N songs, E width of a space, S samples, K spectrum bands.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from scipy import signal

from angen.files import replacing
from angen.training.distance import Measure
from angen.training.verdict import Memorisation

Floats = NDArray[np.float64]

BASE, ADAPTER, REAL, OTHERS, INK = "#8a8f98", "#d9480f", "#1c7ed6", "#a5d8ff", "#343a40"
LABELS = {
    "base": "base",
    "adapter": "with adapter",
    "real": "recordings kept aside",
    "others": "training recordings",
}
COLOURS = {"base": BASE, "adapter": ADAPTER, "real": REAL, "others": OTHERS}
DPI = 110


def ways(measures: Mapping[str, Measure], path: Path) -> None:
    """The way that the adapter went in each space, with its interval and the codec's floor."""
    figure, axes = _canvas(4.6, 0.9 + 0.5 * len(measures))
    for level, measure in enumerate(measures.values()):
        low, high = measure.reduction_interval or (np.nan, np.nan)
        axes.plot([low, high], [level, level], color=ADAPTER, linewidth=3, alpha=0.35)
        if measure.reduction is not None:
            axes.plot(measure.reduction, level, "o", color=ADAPTER, markersize=7)
        if measure.floor is not None:
            axes.plot(measure.floor, level, "|", color=INK, markersize=16)
    for at, colour in ((0, BASE), (1, REAL)):
        axes.axvline(at, color=colour, linewidth=1.4)
    axes.set_yticks(range(len(measures)), list(measures))
    axes.set_ylim(len(measures) - 0.5, -0.5)
    axes.set_xlim(-1, 1.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("way from the base (0 %) to unseen recordings of the collection (100 %)")
    _save(figure, path)


def scatter(points: Mapping[str, Floats], path: Path) -> None:
    """Songs (N, E) of each set in the main space, seen from where they differ most."""
    places = project(list(points.values()))
    figure, axes = _canvas(4.6, 3.6)
    for (key, _), place in zip(points.items(), places, strict=True):
        x, y = place[:, 0], place[:, 1]
        axes.scatter(x, y, s=26, color=COLOURS[key], label=LABELS[key], alpha=0.75, linewidths=0)
    axes.legend(frameon=False, fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("first two principal axes")
    _save(figure, path)


def project(sets: Sequence[Floats]) -> list[Floats]:
    """Each set (N, E) on the two axes (N, 2) along which all points together spread most."""
    pooled = np.concatenate(sets)
    middle = pooled.mean(0)
    axes = np.linalg.svd(pooled - middle, full_matrices=False)[2][:2].T  # (E, 2)
    return [np.asarray((points - middle) @ axes, dtype=np.float64) for points in sets]


def spectra(curves: Mapping[str, Floats], centres_hz: Floats, path: Path) -> None:
    """Long-term spectrum (K,) of each set."""
    figure, axes = _canvas(4.6, 2.8)
    for key, curve in curves.items():
        axes.semilogx(centres_hz, curve, color=COLOURS[key], label=LABELS[key], linewidth=1.8)
    axes.set_xlabel("frequency in Hz")
    axes.set_ylabel("level in dB")
    axes.legend(frameon=False, fontsize=8)
    _save(figure, path)


def copies(memorisation: Memorisation, path: Path) -> None:
    """Each song's closest match to a training clip, beside what cannot be a copy."""
    figure, axes = _canvas(4.6, 1.9)
    songs = memorisation.per_song
    axes.scatter(songs, np.zeros(len(songs)), color=ADAPTER, s=30, alpha=0.7, linewidths=0)
    marks = [("kept-aside\nrecordings", memorisation.reference, REAL)]
    marks += [("base", memorisation.base, BASE), ("counts as\na copy", memorisation.limit, INK)]
    for level, (name, value, colour) in enumerate(marks):
        if value is not None:
            axes.axvline(value, color=colour, linewidth=1.4)
            axes.text(value + 0.01, 0.9 - 0.55 * level, name, color=colour, fontsize=7, va="top")
    axes.set_xlim(min(0.0, *songs), 1.02)
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    axes.set_xlabel("closest match of a song to any training clip (1 is a copy)")
    _save(figure, path)


def spectrogram(audio: NDArray[np.float32], rate_hz: int, path: Path) -> None:
    """A song (S,) as time against pitch, 70 dB deep."""
    level = _log_bands(audio, rate_hz)
    figure = Figure(figsize=(4.2, 1.5), dpi=DPI, layout="constrained")
    axes = figure.add_axes((0, 0, 1, 1))
    top = float(level.max())
    axes.imshow(level, origin="lower", aspect="auto", cmap="magma", vmin=top - 70, vmax=top)
    axes.set_axis_off()
    figure.set_layout_engine("none")
    _save(figure, path)


def _log_bands(audio: NDArray[np.float32], rate_hz: int) -> Floats:
    """Level in dB of 96 bands, equally spaced in pitch, over time."""
    size = min(2048, len(audio))
    hz, _, power = signal.spectrogram(
        audio.astype(np.float64), rate_hz, nperseg=size, noverlap=size - max(1, size // 4)
    )
    edges = np.geomspace(40, rate_hz / 2, 97)
    index = np.clip(np.searchsorted(hz, edges), 0, len(hz) - 1)
    bands = [power[a : max(b, a + 1)].mean(0) for a, b in pairwise(index)]
    return np.asarray(10 * np.log10(np.array(bands) + 1e-12), dtype=np.float64)


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.xaxis.label.set_fontsize(8)
    axes.yaxis.label.set_fontsize(8)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as beside:
        figure.savefig(beside, metadata={"Software": None})
