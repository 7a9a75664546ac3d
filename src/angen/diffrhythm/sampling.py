"""From noise to latents, block by block: each is denoised with all before it in memory.

Shapes: S songs still running, b frames of a block, C latent channels, E = 512 style width.

Source: Lipman et al. 2023, arXiv:2210.02747, for the integral; the blocks are DiffRhythm 2's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from angen.diffrhythm.config import STYLE_DIM
from angen.diffrhythm.dit import DiT
from angen.diffrhythm.ending import Ending, Finisher
from angen.diffrhythm.ensemble import Ensemble

OnStep = Callable[[int, int], None]  # steps done, steps in all; may raise to stop
Noise = Callable[[int], Tensor]  # index of a song -> what its next block (b, C) starts from
Velocity = Callable[[Tensor, float], Tensor]  # x (S, b, C), t -> dx/dt (S, b, C)


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplerConfig:
    """How the field is integrated: quality against time, never what the model knows."""

    steps: int = 15  # Euler steps a block. Upstream counts grid points: its 16 is 15 here
    guidance: float = 3.0  # 1.0 follows the prompt as learned. Upstream's cfg_strength is this - 1
    ending: Ending = Ending.OURS

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps}: sampling needs at least 1 step")
        if not 0 <= self.guidance < float("inf"):
            raise ValueError(f"guidance={self.guidance}: must be 0 or more; 1.0 is as learned")


@dataclass(frozen=True, kw_only=True)
class Song:
    """One item of a batch. What it becomes does not depend on the others."""

    tokens: Tensor  # (L,) int64, L = 0 for no words at all
    style: Tensor  # (E,)
    frames: int  # length asked for, in latent frames
    seed: int
    timeline: Tensor | None = None  # (frames or more, E) added to the style of each frame

    def __post_init__(self) -> None:
        if self.tokens.ndim != 1 or self.style.shape != (STYLE_DIM,):
            raise ValueError(
                f"a song has tokens (L,) and a style ({STYLE_DIM},), not "
                f"{tuple(self.tokens.shape)} and {tuple(self.style.shape)}"
            )
        if self.frames < 0:
            raise ValueError(f"frames={self.frames}: a song cannot be shorter than nothing")
        if self.timeline is not None and (
            self.timeline.ndim != 2
            or len(self.timeline) < self.frames
            or self.timeline.shape[1] != STYLE_DIM
        ):
            raise ValueError(
                f"a song of {self.frames} frames has a timeline of as many rows of {STYLE_DIM}, "
                f"not {tuple(self.timeline.shape)}"
            )


def sample(
    dit: DiT,
    songs: Sequence[Song],
    config: SamplerConfig,
    on_step: OnStep | None = None,
    noise: Noise | None = None,
) -> list[Tensor]:
    """The latents (T_i, C) of each song, float32, on the device of the model.

    Arguments as in ``sample_blocks``.
    """
    parts: list[list[Tensor]] = [[] for _ in songs]
    for block in sample_blocks(dit, songs, config, on_step, noise):
        for part, frames in zip(parts, block, strict=True):
            part.append(frames)
    empty = torch.zeros(0, dit.config.mel_dim, device=dit.device)
    return [torch.cat([empty, *part]) for part in parts]


def sample_blocks(
    dit: DiT,
    songs: Sequence[Song],
    config: SamplerConfig,
    on_step: OnStep | None = None,
    noise: Noise | None = None,
) -> Iterator[list[Tensor]]:
    """Songs as they come into being: per block, the frames (b or fewer, C) of each that are final.

    A song that is over gives empty frames. The model should be in ``eval`` mode.
    noise: what each block starts from; without it, standard normal numbers from the song's seed,
    the same on every device and in every company.
    """
    block = dit.config.block_size
    _check_tokens(dit, songs)
    noise = noise or seeded_noise(songs, block, dit.config.mel_dim)
    finishers = [Finisher(song.frames, block, config.ending) for song in songs]
    running = [i for i, finisher in enumerate(finishers) if not finisher.over]
    if not running:
        return
    blocks = -(-max(song.frames for song in songs) // block)
    total = blocks * config.steps
    ensemble = _ensemble(dit, [songs[i] for i in running], config, blocks * block)
    for index in range(blocks):
        start = torch.stack([noise(i) for i in running]).to(dit.device, torch.float32)
        with torch.no_grad():
            velocity = partial(ensemble.velocity, index=index)
            made = integrate(velocity, start, config.steps, _later(on_step, index, total))
        final = [made.new_zeros(0, made.shape[2]) for _ in songs]
        for row, i in enumerate(running):
            final[i] = finishers[i].take(made[row])
        yield final
        rows = [row for row, i in enumerate(running) if not finishers[i].over]
        if not rows:
            if on_step is not None and index + 1 < blocks:  # ended before its time
                on_step(total, total)
            return
        with torch.no_grad():
            if len(rows) < len(running):
                ensemble.select(rows)
            ensemble.remember(made[rows], index)
        running = [running[row] for row in rows]


def integrate(velocity: Velocity, noise: Tensor, steps: int, on_step: OnStep) -> Tensor:
    """Carry ``noise`` (S, b, C) from t = 0 to t = 1 by Euler steps. Draws nothing at random."""
    x = noise
    for step, (now, then) in enumerate(pairwise(torch.linspace(0, 1, steps + 1).tolist())):
        x = x + (then - now) * velocity(x, now)
        on_step(step + 1, steps)
    return x


def seeded_noise(songs: Sequence[Song], block: int, channels: int) -> Noise:
    """Noise of each song from its own seed, drawn on the CPU block after block."""
    generators = [torch.Generator().manual_seed(song.seed) for song in songs]

    def noise(song: int) -> Tensor:
        return torch.randn(block, channels, generator=generators[song])

    return noise


def _ensemble(dit: DiT, songs: Sequence[Song], config: SamplerConfig, frames: int) -> Ensemble:
    tokens = [song.tokens for song in songs]
    styles = torch.stack([song.style for song in songs])
    with torch.no_grad():
        return Ensemble(
            dit,
            tokens,
            styles,
            guidance=config.guidance,
            frames=frames,
            timeline=_timeline(songs, frames),
        )


def _timeline(songs: Sequence[Song], frames: int) -> Tensor | None:
    """The timelines of songs (S, frames, E), zero where a song has none; None where none has."""
    if all(song.timeline is None for song in songs):
        return None
    timelines = torch.zeros(len(songs), frames, STYLE_DIM)
    for row, song in zip(timelines, songs, strict=True):
        if song.timeline is not None:
            known = song.timeline[:frames]
            row[: len(known)] = known
    return timelines


def _check_tokens(dit: DiT, songs: Sequence[Song]) -> None:
    largest = dit.config.text_num_embeds
    for song in songs:
        wrong = song.tokens[(song.tokens < 0) | (song.tokens > largest)]
        if len(wrong):
            raise ValueError(
                f"token {int(wrong[0])}: ids run from 0 to {largest} in this model; "
                "were these lyrics encoded for another?"
            )


def _later(on_step: OnStep | None, index: int, total: int) -> OnStep:
    """Steps of block ``index`` as steps of the whole."""

    def counted(done: int, steps: int) -> None:
        if on_step is not None:
            on_step(index * steps + done, total)

    return counted
