"""Stretches of real recordings, which no part of ``mini`` was fitted to: for measuring alone."""

from pathlib import Path

import torch
from torch import Tensor

from angen.audio.files import probe, read_audio
from angen.data.scan import find_audio
from mini.bank import RATE_HZ

SILENCE = 1e-3  # of full scale, root mean square


def stretches(folder: Path, count: int, seconds: float) -> list[Tensor]:
    """The middles (S,) of up to ``count`` recordings that last as long, mono, spread evenly.

    Those that are silent there are left out.
    """
    found, _ = find_audio([folder])
    paths = [item.path for item in found if probe(item.path).duration_s >= seconds]
    chosen = [paths[i * len(paths) // count] for i in range(count)] if count < len(paths) else paths
    made = []
    for path in chosen:
        start = (probe(path).duration_s - seconds) / 2
        sound = read_audio(path, rate_hz=RATE_HZ, mono=True, start_s=start, duration_s=seconds)
        wave = torch.from_numpy(sound.samples[0].copy())[: int(seconds * RATE_HZ)]
        if float(wave.square().mean().sqrt()) > SILENCE:
            made.append(wave)
    return made
