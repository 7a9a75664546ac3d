"""A pool as the networks hear it, computed once: ``python -m mini.heard``.

Log-mels and pitch classes for the style encoder's tower, latents for the DiT. Both lie in files
that are mapped into memory, piece after piece.

Shapes: P pieces, T tower frames, N latent frames, C latent channels.
"""

import argparse
import hashlib
import logging
import multiprocessing
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from angen.conditioning.style import AudioTower, StyleConfig
from angen.files import replacing
from mini.bank import RATE_HZ
from mini.codec import CHANNELS, ENCODER, trained_encoder
from mini.loop import WORK
from mini.material import Entry, Material, open_material

log = logging.getLogger(__name__)
POOLS = ("train", "held_out", "unseen", "real", "real_unseen")
STYLE = StyleConfig(
    rate_hz=RATE_HZ,
    fft_samples=2048,
    hop_samples=480,
    bands=128,
    audio_width=112,
    audio_strides=(2, 2, 2, 2),
    text_buckets=3072,
    text_width=64,
    text_hidden=192,
    timeline=True,
)
FRAME_SAMPLES = ENCODER.frames * ENCODER.hop_samples
Halves = NDArray[np.float16]


class Heard:
    """What is heard of a pool. Made by ``hear`` unless the same encoder made it before."""

    def __init__(self, name: str, workers: int = 1) -> None:
        self.material = open_material(name)
        self.entries = self.material.entries
        self.rate_hz = STYLE.rate_hz // STYLE.hop_samples
        self.starts = _starts(self.entries, STYLE.hop_samples)
        self.latent_starts = _starts(self.entries, FRAME_SAMPLES)
        stem = f"{name}-{len(self.entries)}-{fingerprint(trained_encoder())}"
        tower, latents = (WORK / "heard" / f"{stem}.{kind}.npy" for kind in ("tower", "latents"))
        if not latents.exists():
            self._hear(name, tower, latents, workers)
        self.frames: Halves = np.load(tower, mmap_mode="r")  # (sum of T, bands + 12)
        self.latents: Halves = np.load(latents, mmap_mode="r")  # (sum of N, C)

    def _hear(self, name: str, tower_path: Path, latents_path: Path, workers: int) -> None:
        tower = np.zeros((self.starts[-1], STYLE.bands + 12), np.float16)
        latents = np.zeros((self.latent_starts[-1], CHANNELS), np.float16)
        jobs = [(name, i) for i in range(len(self.entries))]
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            for i, (heard, frames) in enumerate(pool.imap(_listen, jobs, chunksize=8)):
                tower[self.starts[i] : self.starts[i + 1]] = heard
                latents[self.latent_starts[i] : self.latent_starts[i + 1]] = frames
                if i % 500 == 0:
                    log.info("%s: %d of %d pieces heard", name, i, len(jobs))
        for path, array in ((tower_path, tower), (latents_path, latents)):
            with replacing(path) as beside:
                np.save(beside, array)

    def crop(self, piece: int, count: int, rng: np.random.Generator) -> Halves:
        """A random stretch (count, bands + 12) of a piece, repeated where the piece is shorter."""
        start, length = self.starts[piece], self.starts[piece + 1] - self.starts[piece]
        first = start + int(rng.integers(0, max(1, length - count + 1)))
        found = self.frames[first : first + min(count, length)]
        return np.asarray(np.resize(found, (count, found.shape[1])))


def _starts(entries: list[Entry], hop_samples: int) -> list[int]:
    """Where each piece begins, in frames, and the end."""
    lengths = [-(-entry.samples // hop_samples) for entry in entries]
    return [0, *np.cumsum(lengths).tolist()]


@cache
def _pool(name: str) -> Material:
    torch.set_num_threads(1)
    return open_material(name)


@torch.no_grad()
def _listen(job: tuple[str, int]) -> tuple[Halves, Halves]:
    """Tower frames (T, bands + 12) and latents (N, C) of one piece of a pool."""
    name, number = job
    material = _pool(name)
    wave = torch.from_numpy(material.piece(material.entries[number]))
    mel, pitches = _tower().hear(wave[None])
    both = torch.cat([mel, pitches], dim=1)[0].T  # (T, bands + 12)
    latents = _encoder()(wave[None, None])[0].T  # (N, C)
    return both.half().numpy(), latents.half().numpy()


@cache
def _tower() -> AudioTower:
    return AudioTower(STYLE)


@cache
def _encoder() -> nn.Module:
    return trained_encoder()


def fingerprint(*networks: nn.Module) -> str:
    """A few letters that change when any weight does."""
    digest = hashlib.sha256()
    for network in networks:
        for weights in network.state_dict().values():
            digest.update(weights.cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def main() -> None:
    """Command line: hear all pools before the trainings, which need not each do so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    (WORK / "heard").mkdir(parents=True, exist_ok=True)
    for name in POOLS:
        Heard(name, given.workers)


if __name__ == "__main__":
    main()
