"""From noise to latents, block by block: each block is denoised with all before it in memory.

Shapes: S songs still running, R rows (S, or 2S with the unprompted branch), b frames of a block,
C latent channels, E = 512 style width.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from angen.diffrhythm.cache import Cache
from angen.diffrhythm.config import STYLE_DIM
from angen.diffrhythm.dit import CLEAN_TIME, TEXT_TIME, DiT

END_DISTANCE = 0.05  # mean square distance to all ones, up to which a frame is an end mark

OnStep = Callable[[int, int], None]  # steps done, steps in all; may raise to stop
Noise = Callable[[int], Tensor]  # index of a song -> what its next block (b, C) starts from


class Ending(StrEnum):
    """Where a song stops. They differ in two frames' worth of bookkeeping, not in sound."""

    OURS = "ours"
    """Every real frame before the end mark is kept; the song is cut to the length asked for."""

    UPSTREAM = "upstream"
    """The last real frame before the end mark is lost; without a mark, whole blocks come out."""


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

    def __post_init__(self) -> None:
        if self.tokens.ndim != 1 or self.style.shape != (STYLE_DIM,):
            raise ValueError(
                f"a song has tokens (L,) and a style ({STYLE_DIM},), not "
                f"{tuple(self.tokens.shape)} and {tuple(self.style.shape)}"
            )
        if self.frames < 0:
            raise ValueError(f"frames={self.frames}: a song cannot be shorter than nothing")


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
    noise = noise or seeded_noise(songs, block, dit.config.mel_dim)
    _check_tokens(dit, songs)
    planned = [-(-song.frames // block) for song in songs]
    total = max(planned, default=0) * config.steps
    running = [i for i, blocks in enumerate(planned) if blocks]
    if not running:
        return
    with torch.no_grad():
        ensemble = _Ensemble(dit, [songs[i] for i in running], config, max(planned) * block)
    finishers = [_Finisher(song.frames, config.ending, dit) for song in songs]
    for index in range(max(planned)):
        start = torch.stack([noise(i) for i in running])
        count = _counting(on_step, index * config.steps, total)
        with torch.no_grad():
            made = ensemble.denoise(start.to(dit.device, torch.float32), index, count)
        final = [made.new_zeros(0, dit.config.mel_dim) for _ in songs]
        for row, i in enumerate(running):
            final[i] = finishers[i].take(made[row])
        yield final
        rows = [row for row, i in enumerate(running) if not finishers[i].over]
        running = [running[row] for row in rows]
        if not running:
            break
        with torch.no_grad():
            ensemble.go_on(made, index, rows)
    if on_step is not None:
        on_step(total, total)


def seeded_noise(songs: Sequence[Song], block: int, channels: int) -> Noise:
    """Noise of each song from its own seed, drawn on the CPU block after block."""
    generators = [torch.Generator().manual_seed(song.seed) for song in songs]

    def noise(song: int) -> Tensor:
        return torch.randn(block, channels, generator=generators[song])

    return noise


def trailing_end_marks(frames: Tensor) -> int:
    """How many of the last frames (T, C) are end marks in a row."""
    distance = (frames.float() - 1).square().mean(dim=-1)  # (T,)
    is_mark = (distance <= END_DISTANCE).tolist()
    return next((i for i, mark in enumerate(reversed(is_mark)) if not mark), len(is_mark))


class _Finisher:
    """Tells, block by block, which frames of one song are final, and when it is over."""

    def __init__(self, frames: int, ending: Ending, dit: DiT) -> None:
        upstream = ending is Ending.UPSTREAM
        self._lost = 1 if upstream else 0  # real frames that an end mark takes with it
        self._frames = -(-frames // dit.config.block_size) * dit.config.block_size
        self._limit = self._frames if upstream else frames
        self._held = torch.zeros(0, dit.config.mel_dim, device=dit.device)
        self._made = 0
        self._given = 0
        self.over = False

    def take(self, made: Tensor) -> Tensor:
        """The frames that became final with this block (b, C)."""
        marks = trailing_end_marks(made)
        self._made += len(made)
        self.over = marks > 0 or self._made >= self._frames
        pending = torch.cat([self._held, made])
        back = marks + self._lost if marks else (0 if self.over else self._lost)
        final = pending[: max(len(pending) - back, 0)]
        self._held = pending[len(final) :]
        final = final[: self._limit - self._given]
        self._given += len(final)
        return final


class _Ensemble:
    """The running songs, with and without their prompts, and what they remember."""

    def __init__(self, dit: DiT, songs: Sequence[Song], config: SamplerConfig, frames: int) -> None:
        self._dit = dit
        self._scale = config.guidance
        self._guided = config.guidance != 1.0
        self._clock = torch.linspace(0, 1, config.steps + 1).tolist()
        times = torch.tensor([[TEXT_TIME, CLEAN_TIME, *self._clock[:-1]]], device=dit.device)
        self._tau = dit.embed_times(times)  # (1, 2 + steps, E)

        style = torch.stack([song.style for song in songs]).to(dit.device, dit.dtype)
        ids = torch.nn.utils.rnn.pad_sequence([song.tokens for song in songs], batch_first=True)
        lengths = torch.tensor([len(song.tokens) for song in songs])
        if self._guided:
            style = torch.cat([style, torch.zeros_like(style)])
            ids = torch.cat([ids, torch.zeros_like(ids)])
            lengths = torch.cat([lengths, lengths])
        self._style = style  # (R, E)
        self._cache = Cache(dit.config, lengths, frames, device=dit.device, dtype=dit.dtype)
        if ids.shape[1]:
            words = dit.embed_text(ids.to(dit.device))  # (R, L, E)
            positions = torch.arange(ids.shape[1], device=dit.device)[None]
            dit.memorise(words, style, self._tau[:, :1], positions, self._cache)

    def denoise(self, x: Tensor, index: int, count: Callable[[int], None]) -> Tensor:
        """Carry noise x (S, b, C) to the frames of block ``index`` by Euler steps."""
        positions = self._positions(index)
        mask = self._cache.mask(x.shape[1])
        for step, (now, then) in enumerate(zip(self._clock, self._clock[1:], strict=False)):
            tau = self._tau[:, 2 + step, None]  # (1, 1, E)
            tokens = self._in_rows(self._dit.embed_latents(x))
            velocity = self._dit(
                tokens, self._style, tau, positions, mask=mask, cache=self._cache
            ).float()
            x = x + (then - now) * self._guide(velocity)
            count(step + 1)
        return x

    def go_on(self, made: Tensor, index: int, rows: list[int]) -> None:
        """Remember block ``index``, made (S, b, C), and go on with these of the songs."""
        if len(rows) < len(made):
            self._select(torch.tensor(rows, device=made.device), len(made))
            made = made[rows]
        tokens = self._in_rows(self._dit.embed_latents(made))
        tau = self._tau[:, 1:2]
        self._dit.memorise(tokens, self._style, tau, self._positions(index), self._cache)

    def _guide(self, velocity: Tensor) -> Tensor:
        """Classifier-free guidance: (R, b, C) -> (S, b, C).

        Source: Ho and Salimans 2022, arXiv:2207.12598.
        """
        if not self._guided:
            return velocity
        prompted, free = velocity.chunk(2)
        return free + self._scale * (prompted - free)

    def _in_rows(self, tokens: Tensor) -> Tensor:
        return torch.cat([tokens, tokens]) if self._guided else tokens

    def _select(self, rows: Tensor, songs: int) -> None:
        if self._guided:
            rows = torch.cat([rows, rows + songs])
        self._style = self._style[rows]
        self._cache.select(rows)

    def _positions(self, index: int) -> Tensor:
        block = self._dit.config.block_size
        return torch.arange(index * block, (index + 1) * block, device=self._dit.device)[None]


def _check_tokens(dit: DiT, songs: Sequence[Song]) -> None:
    largest = dit.config.text_num_embeds
    for song in songs:
        if (
            song.tokens.numel()
            and not 0 <= int(song.tokens.min()) <= int(song.tokens.max()) <= largest
        ):
            raise ValueError(
                f"token ids run from 0 to {largest} in this model, got "
                f"{int(song.tokens.min())} to {int(song.tokens.max())}"
            )


def _counting(on_step: OnStep | None, before: int, total: int) -> Callable[[int], None]:
    def count(steps: int) -> None:
        if on_step is not None:
            on_step(before + steps, total)

    return count
