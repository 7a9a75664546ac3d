"""Stretches of real recordings, which no part of ``mini`` was fitted to: for measuring alone."""

import logging
from pathlib import Path

import torch
from torch import Tensor

from angen.audio.files import probe, read_audio
from angen.data.scan import find_audio
from angen.errors import BadInput
from mini.bank import RATE_HZ

log = logging.getLogger(__name__)
SILENCE = 1e-3  # of full scale, root mean square


def stretches(folder: Path, count: int, seconds: float) -> list[Tensor]:
    """The middles (S,) of up to ``count`` recordings that last as long, mono, spread evenly.

    Those that are silent there, or cannot be read, are left out.
    """
    found, _ = find_audio([folder])
    lengths = [(item.path, _duration_s(item.path)) for item in found]
    long = [(path, length) for path, length in lengths if length >= seconds]
    chosen = [long[i * len(long) // count] for i in range(count)] if count < len(long) else long
    made = []
    for path, length in chosen:
        start = (length - seconds) / 2
        sound = read_audio(path, rate_hz=RATE_HZ, mono=True, start_s=start, duration_s=seconds)
        wave = torch.from_numpy(sound.samples[0].copy())[: int(seconds * RATE_HZ)]
        if float(wave.square().mean().sqrt()) > SILENCE:
            made.append(wave)
    return made


def _duration_s(path: Path) -> float:
    try:
        return probe(path).duration_s
    except BadInput as error:
        log.warning("Left out: %s", error)
        return 0.0
