"""The songs in ``examples/songs``: ``python -m mini.examples [FOLDER]`` makes them again.

They are chiptune, a style that the bundled model never heard, composed and synthesised by this
package alone: no samples, so no licence but ours.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from angen.files import replacing
from mini.compose.composing import compose
from mini.compose.planning import Wishes
from mini.render import render_stereo

RATE_HZ = 32000
FOLDER = Path(__file__).parent.parent / "examples" / "songs"
COMPRESSION = 0.8  # of Ogg Vorbis in soundfile: 0 best, 1 smallest
HEADROOM = 0.7  # Vorbis gives peaks back a little higher than they were
PLACES = {"pulse arpeggio": 0.55, "pulse lead": -0.2, "square lead": -0.2, "noise": 0.1}


@dataclass(frozen=True, kw_only=True, slots=True)
class Song:
    """What to compose."""

    title: str
    seed: int
    seconds: float
    bpm: float
    key: str
    energy: str = "high"


SONGS = (
    Song(title="Coin Run", seed=11, seconds=44, bpm=150, key="C major"),
    Song(title="Night Bus to Level Nine", seed=12, seconds=46, bpm=138, key="A minor"),
    Song(title="Pixel Harbour", seed=13, seconds=42, bpm=132, key="F major", energy="medium"),
    Song(title="Boss in the Basement", seed=22, seconds=40, bpm=162, key="E minor"),
    Song(title="One More Continue", seed=15, seconds=45, bpm=144, key="Bb major"),
)


def write(song: Song, folder: Path) -> Path:
    """Compose, synthesise and encode one song as Ogg Vorbis; returns its path."""
    wishes = Wishes(
        seconds=song.seconds,
        style="chiptune",
        ends=True,
        bpm=song.bpm,
        key=song.key,
        energy=song.energy,
    )
    score = compose(wishes, np.random.default_rng(song.seed))
    sound = HEADROOM * render_stereo(score, PLACES, RATE_HZ)  # (2, S)
    path = folder / f"{song.title}.ogg"
    with replacing(path) as beside:
        soundfile.write(
            beside, sound.T, RATE_HZ, format="OGG", subtype="VORBIS", compression_level=COMPRESSION
        )
    return path


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder: Path = parser.parse_args().folder
    for song in SONGS:
        path = write(song, folder)
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
