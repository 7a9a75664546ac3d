"""Music without end, each piece with its true labels: what the bundled model learns from.

``piece(seed)`` is deterministic; ``stream(seed)`` never repeats and never touches the disk, but
for the note bank that is recorded once (``python -m mini.bank``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mini.bank import RATE_HZ
from mini.captions import captions
from mini.compose.catalogue import BASE, HELD_OUT
from mini.compose.composing import compose
from mini.compose.planning import Wishes
from mini.compose.score import Labels
from mini.render import render

STYLES: tuple[str, ...] = tuple(style.name for style in BASE)
HELD_OUT_STYLES: tuple[str, ...] = tuple(style.name for style in HELD_OUT)
__all__ = ["HELD_OUT_STYLES", "STYLES", "Labels", "Piece", "piece", "stream"]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A rendered piece and everything that is true of it."""

    audio: NDArray[np.float32]  # (S,) mono, peak below 1
    rate_hz: int
    labels: Labels
    captions: tuple[str, ...]  # different wordings; the first has the form of a dataset prompt
    beats: NDArray[np.float64]  # seconds
    downbeats: NDArray[np.float64]  # seconds
    ends: bool  # whether the music comes to its end, or is cut at ``seconds``


def piece(
    seed: int,
    *,
    seconds: float | None = None,
    style: str | None = None,
    bpm: float | None = None,
    key: str | None = None,
    meter: str | None = None,
    mood: str | None = None,
    energy: str | None = None,
    ends: bool | None = None,
    strangers: bool = False,
) -> Piece:
    """The piece of a seed; what is not given is drawn from the seed.

    seconds: a piece that is cut (``ends=False``) lasts exactly so long; one that ends lasts at
    most so long, since it stops on its closing chord. By default 24 to 60 s, and it ends.
    strangers: every part may be played by any instrument that can, whatever is usual in its style.

    Raises ValueError for a style, key or metre that does not exist.
    """
    rng = np.random.default_rng([seed, 0x6D696E69])
    drawn_s, drawn_style = float(rng.uniform(24, 60)), STYLES[int(rng.integers(len(STYLES)))]
    drawn_ends = seconds is None or rng.random() < 0.4
    wishes = Wishes(
        seconds=seconds or drawn_s,
        style=style or drawn_style,
        ends=drawn_ends if ends is None else ends,
        bpm=bpm,
        key=key,
        meter=meter,
        mood=mood,
        energy=energy,
        strangers=strangers,
    )
    score = compose(wishes, rng)
    return Piece(
        audio=render(score),
        rate_hz=RATE_HZ,
        labels=score.labels,
        captions=captions(score.labels, rng),
        beats=score.beats,
        downbeats=score.downbeats,
        ends=score.ends,
    )


def stream(
    seed: int,
    *,
    seconds: float | None = None,
    styles: Sequence[str] = STYLES,
    ends: bool | None = None,
) -> Iterator[Piece]:
    """Pieces without end, styles in turn. Streams of different seeds share no piece."""
    rng = np.random.default_rng([seed, 0x73747265])
    while True:
        for i in rng.permutation(len(styles)):
            number = int(rng.integers(2**62))
            yield piece(number, seconds=seconds, style=styles[int(i)], ends=ends)
