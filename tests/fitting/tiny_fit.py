"""A fit that takes seconds: a tiny base model without encoder, short songs, a small network."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from angen.audio.files import write_wav
from angen.bundle import Bundle, load_bundle
from angen.fitting.config import FitConfig
from angen.fitting.fit import Fit
from angen.fitting.pairs import FULL_SCALE, pair_path
from angen.fitting.prepare import prepare_fit, recordings_for
from angen.fitting.team import Team
from angen.tensors import write_tensors
from tests.tiny import CHANNELS, FRAME_SAMPLES, RATE_HZ, write_tiny_bundle

RECIPE: dict[str, Any] = {
    "steps": 6,
    "clips": 2,
    "clip_frames": 10,
    "songs": 4,
    "song_s": 4.0,
    "width": 16,
    "depth": 1,
    "save_every": 2,
    "learning_rate": 3e-3,
}


def ignore(done: int, total: int) -> None:
    pass


def deaf_bundle(folder: Path) -> Bundle:
    """A base model without an encoder, like the released one."""
    if not folder.exists():
        write_tiny_bundle(folder, encoder=False)
    return load_bundle(folder)


def write_recordings(folder: Path, count: int = 3, seconds: float = 3.0) -> Path:
    """Recordings of chords that differ from file to file."""
    folder.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    for i in range(count):
        tones = [np.sin(2 * np.pi * 110 * 2 ** ((i + step) / 12) * t) for step in (0, 4, 7)]
        write_wav(
            folder / f"song{i}.wav", (0.1 * np.sum(tones, axis=0)).astype(np.float32), RATE_HZ
        )
    return folder


def prepare(bundle: Bundle, work: Path, sources: list[Path], **changes: Any) -> Fit:
    """A fit ready to run in ``work``, with the songs beside the bundle, made unless there."""
    config = FitConfig(**RECIPE | changes)
    recordings = recordings_for(bundle, config, sources)
    songs = bundle.folder.parent / "songs"
    return prepare_fit(bundle, config, work, songs, recordings, ignore, team=Team("cpu"))


def write_chords(songs: Path, count: int, frames: int) -> None:
    """Pairs in which the truth is plain: each latent channel is how loud one tone is."""
    t = torch.arange(frames * FRAME_SAMPLES) / RATE_HZ
    for i in range(count):
        generator = torch.Generator().manual_seed(i)
        latents = torch.randn(frames, CHANNELS, generator=generator)
        levels = (0.7 * latents).exp().repeat_interleave(FRAME_SAMPLES, dim=0)  # (S, C)
        tones = torch.sin(2 * torch.pi * 300 * torch.arange(1, CHANNELS + 1) * t[:, None])
        audio = 0.02 * (levels * tones).sum(1)
        tensors = {"latents": latents, "audio": (audio * FULL_SCALE).round().short()}
        write_tensors(pair_path(songs, i), tensors)
