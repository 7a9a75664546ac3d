"""Composed music on disk while training: ``python -m mini.material``.

A pool is one file of 16-bit sound, piece after piece, and one line of JSON for each piece.
Filling goes on where it stopped; pieces come from consecutive seeds, so a pool is the same
wherever it is made.
"""

import argparse
import json
import logging
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mini.bank import RATE_HZ
from mini.loop import WORK
from mini.pieces import HELD_OUT_STYLES, STYLES, piece

log = logging.getLogger(__name__)
FIRST_SEED = {"train": 1_000_000, "held_out": 2_000_000, "unseen": 3_000_000}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One piece of a pool: where its samples lie, and what is known of it."""

    seed: int
    start: int
    samples: int
    style: str
    captions: tuple[str, ...]
    labels: dict[str, Any]  # the fields of ``mini.compose.score.Labels``
    beats: tuple[float, ...]  # seconds; the first is that of a bar
    ends: bool  # whether the music comes to its end within the piece


class Material:
    """A pool of composed pieces, mapped from disk."""

    def __init__(self, folder: Path) -> None:
        lines = (folder / "pieces.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        if rows and "beats" not in rows[0]:
            raise ValueError(
                f"{folder} was composed by an older version. Remove {WORK}, and begin."
            )
        self.entries = [
            Entry(**{**row, "captions": tuple(row["captions"]), "beats": tuple(row["beats"])})
            for row in rows
        ]
        self.audio = np.memmap(folder / "audio.i16", dtype=np.int16, mode="r")

    def piece(self, entry: Entry) -> NDArray[np.float32]:
        """The whole piece (S,), float32."""
        return self._read(entry.start, entry.samples)

    def crop(self, samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """A random stretch (samples,) of a random piece."""
        entry = self.entries[int(rng.integers(len(self.entries)))]
        return self.crop_of(entry, samples, rng)

    def crop_of(self, entry: Entry, samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """A random stretch (samples,) of one piece; a short piece is followed by silence."""
        offset = int(rng.integers(0, max(1, entry.samples - samples + 1)))
        clip = self._read(entry.start + offset, min(samples, entry.samples))
        return np.pad(clip, (0, samples - len(clip)))

    def _read(self, start: int, samples: int) -> NDArray[np.float32]:
        return self.audio[start : start + samples].astype(np.float32) / np.float32(32767)


def open_material(name: str) -> Material:
    """A pool made by ``python -m mini.material``: train, held_out or unseen.

    Raises FileNotFoundError, naming the command, when it was not made yet.
    """
    folder = WORK / name
    if not (folder / "pieces.jsonl").exists():
        raise FileNotFoundError(f"{folder} has no music yet. Run `python -m mini.material` first.")
    return Material(folder)


def compose(job: tuple[str, int]) -> tuple[dict[str, Any], bytes]:
    """One piece of a pool by its seed: its row and its 16-bit samples."""
    name, seed = job
    styles = {"train": STYLES, "held_out": HELD_OUT_STYLES, "unseen": (*STYLES, *HELD_OUT_STYLES)}
    names = styles[name]
    seconds = float(np.random.default_rng(seed).uniform(18, 44))
    made = piece(seed, seconds=seconds, style=names[seed % len(names)])
    row = {
        "seed": seed,
        "style": made.labels.style,
        "captions": made.captions,
        "labels": asdict(made.labels),
        "beats": made.beats.round(4).tolist(),
        "ends": made.ends,
    }
    return row, (made.audio * 32767).astype(np.int16).tobytes()


def fill(name: str, hours: float, workers: int) -> None:
    """Compose until the pool ``name`` holds ``hours`` of music."""
    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "pieces.jsonl"
    rows = [json.loads(x) for x in index.read_text().splitlines()] if index.exists() else []
    samples = rows[-1]["start"] + rows[-1]["samples"] if rows else 0
    wanted = round(hours * 3600 * RATE_HZ)
    with (folder / "audio.i16").open("ab") as audio, index.open("a") as lines:
        audio.truncate(2 * samples)
        began = time.monotonic()
        for row, sound in _composed(name, FIRST_SEED[name] + len(rows), workers):
            if samples >= wanted:
                break
            audio.write(sound)
            audio.flush()
            row |= {"start": samples, "samples": len(sound) // 2}
            samples += row["samples"]
            lines.write(json.dumps(row) + "\n")
            lines.flush()
    log.info("%s: %.2f hours, %.0f s", name, samples / RATE_HZ / 3600, time.monotonic() - began)


def _composed(name: str, seed: int, workers: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        while True:
            yield from pool.map(compose, [(name, seed + i) for i in range(8 * workers)])
            seed += 8 * workers


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--hours", type=float, default=24.0, help="of the styles that the DiT learns"
    )
    parser.add_argument("--held-out", type=float, default=0.7, help="hours of the other styles")
    parser.add_argument("--unseen", type=float, default=1.6, help="hours of all styles, for tests")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    fill("held_out", given.held_out, given.workers)
    fill("unseen", given.unseen, given.workers)
    fill("train", given.hours, given.workers)


if __name__ == "__main__":
    main()
