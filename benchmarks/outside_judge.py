"""Does the outside judge tell collections of real recordings apart, and how fast does it hear?

    angen models fetch musicnn
    python -m benchmarks.outside_judge FOLDER FOLDER ... [--judge FOLDER]

Of each recording the minute after its first ten seconds is heard. Distances are those of
``benchmarks.real_recordings``: squared kernel distances, without pairs of one song. ``own halves``
are ten splits of a collection's songs, on average and at most. Besides: of how many songs the most
similar other song (cosine of mean embeddings) is of the same collection. Prints Markdown tables.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from angen.audio.files import read_audio
from angen.data.scan import find_audio
from angen.judge.judge import Judge, load_judge
from angen.judge.sound import RATE_HZ
from angen.judge.vocabulary import VOCABULARIES
from angen.studio.settings import read_settings
from angen.training.distance import bandwidth
from benchmarks.real_recordings import Piece, Points, distance, halves, points

START_S, LENGTH_S = 10.0, 60.0


@dataclass(frozen=True)
class Collection:
    """Recordings of one folder, as one net hears them."""

    name: str
    heard: Points

    @property
    def songs(self) -> list[str]:
        """Their names, each once."""
        return [str(name) for name in np.unique(self.heard.songs)]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="recordings of one style each")
    parser.add_argument("--judge", type=Path, help="folder of the judge's weights")
    args = parser.parse_args()
    sounds = {folder.name: _pieces(folder) for folder in args.folders}
    minutes = sum(len(p.samples) for some in sounds.values() for p in some) / RATE_HZ / 60
    for net in VOCABULARIES:
        judge = load_judge(args.judge or read_settings().judge, net)
        began = time.process_time()
        heard = [_heard(name, some, judge) for name, some in sounds.items()]
        taken = (time.process_time() - began) / minutes
        print(f"\n{net}: {taken:.1f} s of processor time for a minute of sound; ", end="")
        print(f"{neighbours(heard):.0%} of songs lie nearest to one of their own collection\n")
        print("\n".join(table(heard)), flush=True)


def table(collections: Sequence[Collection]) -> list[str]:
    """Each collection's own halves, and its distance to each other one."""
    names = [collection.name for collection in collections]
    lines = [("", "songs", "own halves", *names), ("---",) * (len(names) + 3)]
    for one in collections:
        own = halves(one.heard, bandwidth(one.heard.at, one.heard.at))
        cells = [
            "" if one is other else f"{between(one.heard, other.heard):.3f}"
            for other in collections
        ]
        shown = f"{np.mean(own):.3f}, {max(own):.3f}"
        lines.append((one.name, str(len(one.songs)), shown, *cells))
    return [f"| {' | '.join(line)} |" for line in lines]


def between(a: Points, b: Points) -> float:
    """Squared kernel distance, on the scale of both."""
    return distance(a, b, bandwidth(a.at, b.at))


def neighbours(collections: Sequence[Collection]) -> float:
    """The share of songs whose most similar other song is of their collection."""
    means, of = [], []
    for collection in collections:
        for name in collection.songs:
            mean = collection.heard.at[collection.heard.songs == name].mean(0)
            means.append(mean / np.linalg.norm(mean))
            of.append(collection.name)
    similar = np.array(means) @ np.array(means).T
    np.fill_diagonal(similar, -np.inf)
    return float(np.mean(np.array(of)[similar.argmax(1)] == np.array(of)))


def _pieces(folder: Path) -> list[Piece]:
    found, _ = find_audio([folder])
    read = [
        (item.label, read_audio(item.path, rate_hz=RATE_HZ, mono=True).samples[0]) for item in found
    ]
    first, last = round(START_S * RATE_HZ), round((START_S + LENGTH_S) * RATE_HZ)
    return [Piece(name, x[first:last]) for name, x in read if len(x) > 2 * first]


def _heard(name: str, pieces: Sequence[Piece], judge: Judge) -> Collection:
    return Collection(name, points(pieces, RATE_HZ, judge.embed))


if __name__ == "__main__":
    main()
