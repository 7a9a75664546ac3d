"""A random DiT, small enough for every test."""

from pathlib import Path

import torch

from angen.diffrhythm.config import DiTConfig
from angen.diffrhythm.dit import DiT
from angen.diffrhythm.sampling import Song

FIXTURES = Path(__file__).parents[1] / "fixtures" / "diffrhythm2"
TINY = DiTConfig(dim=32, depth=3, heads=4, ff_mult=2, mel_dim=8, text_num_embeds=20, block_size=4)


def random_dit(seed: int = 0, config: DiTConfig = TINY) -> DiT:
    """All weights drawn: a fresh model would answer zero, which proves nothing."""
    generator = torch.Generator().manual_seed(seed)
    dit = DiT(config).eval()
    with torch.no_grad():
        for parameter in dit.parameters():
            scale = parameter.shape[-1] ** -0.5 if parameter.ndim > 1 else 0.1
            shift = 1.0 if parameter.ndim == 1 else 0.0
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale + shift)
    return dit


def random_song(seed: int, *, words: int = 5, frames: int = 10) -> Song:
    generator = torch.Generator().manual_seed(1000 + seed)
    return Song(
        tokens=torch.randint(1, 21, (words,), generator=generator),
        style=torch.nn.functional.normalize(torch.randn(512, generator=generator), dim=0),
        frames=frames,
        seed=seed,
    )


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    off = (ours.detach() - theirs.detach()).norm()
    return float(off / theirs.detach().norm().clamp(min=1e-12))
