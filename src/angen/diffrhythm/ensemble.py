"""Songs that are sampled together, with and without their prompts, and what they remember.

A model that has learned from short stretches makes long songs stretch by stretch: where the next
block would lie beyond its span, it forgets all but the newest frames, and goes on as if the stretch
began with them.

Shapes: S songs, R rows (S, or 2S with the unprompted branch), b frames of a block, L text tokens,
C latent channels, E = 512 style width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from angen.diffrhythm.cache import Cache
from angen.diffrhythm.dit import CLEAN_TIME, TEXT_TIME, DiT


class Ensemble:
    """The field that the DiT has learned, for several songs at once.

    Both branches of guidance are rows of one batch; at scale 1.0 there is one branch only.
    """

    def __init__(
        self,
        dit: DiT,
        tokens: Sequence[Tensor],
        styles: Tensor,
        *,
        guidance: float,
        frames: int,
        timeline: Tensor | None = None,
    ) -> None:
        """Reads the lyrics, so that every frame can look them up.

        tokens: S times (L_i,), L_i may be 0. styles: (S, E). frames: room to remember, whole
        blocks. timeline: (S, frames, E) what each frame adds to its song's style.
        """
        self._dit = dit
        self._scale = guidance
        self._guided = guidance != 1.0
        ids = pad_sequence([song.cpu() for song in tokens], batch_first=True)  # (S, L)
        lengths = torch.tensor([len(song) for song in tokens])
        styles = styles.to(dit.device, dit.dtype)
        if self._guided:
            ids = torch.cat([ids, torch.zeros_like(ids)])
            lengths = torch.cat([lengths, lengths])
            styles = torch.cat([styles, torch.zeros_like(styles)])
            timeline = (
                None if timeline is None else torch.cat([timeline, torch.zeros_like(timeline)])
            )
        self._span = dit.config.span // dit.config.block_size  # blocks
        self._stretch: list[Tensor] = []  # where there is a span: finished blocks in memory
        self._first = 0  # index of the first of them
        self._styles = styles  # (R, E)
        self._timeline = (
            None if timeline is None else timeline.to(dit.device, dit.dtype)
        )  # (R, frames, E)
        room = min(frames, dit.config.span) if self._span else frames
        self._cache = Cache(dit.config, lengths, room, device=dit.device, dtype=dit.dtype)
        if ids.shape[1]:
            words = dit.embed_text(ids.to(dit.device))  # (R, L, E)
            self._memorise(words, styles, TEXT_TIME, torch.arange(ids.shape[1], device=dit.device))

    def velocity(self, x: Tensor, t: float, index: int) -> Tensor:
        """Velocities (S, b, C) in float32 of noisy frames x (S, b, C) of block ``index`` at t."""
        velocity = self._dit(
            self._rows(x),
            self._styles_in(index),
            self._tau(t),
            self._positions(index)[None],
            mask=self._cache.mask(x.shape[1]),
            cache=self._cache,
        ).float()  # (R, b, C)
        return self._guide(velocity) if self._guided else velocity

    def remember(self, x: Tensor, index: int) -> None:
        """Block ``index`` is finished: x (S, b, C) is what later blocks see of it."""
        new = [x]
        if self._span:
            self._stretch.append(x)
            if len(self._stretch) == self._span:
                self._cache.forget()
                new = self._stretch = self._stretch[-(self._span // 2) :]
                self._first = index + 1 - len(new)
        for place, block in enumerate(new, index + 1 - len(new)):
            style = self._styles_in(place)
            self._memorise(self._rows(block), style, CLEAN_TIME, self._positions(place))

    def select(self, songs: Sequence[int]) -> None:
        """Go on with these songs only."""
        rows = torch.tensor(songs, device=self._dit.device)
        self._stretch = [block[rows] for block in self._stretch]
        if self._guided:
            rows = torch.cat([rows, rows + len(self._styles) // 2])
        self._styles = self._styles[rows]
        self._timeline = None if self._timeline is None else self._timeline[rows]
        self._cache.select(rows)

    def _guide(self, velocity: Tensor) -> Tensor:
        """Classifier-free guidance, (R, b, C) -> (S, b, C).

        Source: Ho and Salimans 2022, arXiv:2207.12598.
        """
        prompted, free = velocity.chunk(2)
        return free + self._scale * (prompted - free)

    def _memorise(self, tokens: Tensor, style: Tensor, t: float, positions: Tensor) -> None:
        self._dit.memorise(tokens, style, self._tau(t), positions[None], self._cache)

    def _styles_in(self, index: int) -> Tensor:
        """Styles of block ``index``: (R, E), or with a timeline (R, b, E)."""
        if self._timeline is None:
            return self._styles
        return self._styles[:, None] + self._timeline[:, self._frames(index)]

    def _rows(self, x: Tensor) -> Tensor:
        tokens = self._dit.embed_latents(x)  # (S, b, E)
        return torch.cat([tokens, tokens]) if self._guided else tokens

    def _tau(self, t: float) -> Tensor:
        return self._dit.embed_times(torch.full((1, 1), t, device=self._dit.device))  # (1, 1, E)

    def _positions(self, index: int) -> Tensor:
        """Where the frames of block ``index`` lie in the stretch."""
        return self._frames(index - self._first)

    def _frames(self, block: int) -> Tensor:
        size = self._dit.config.block_size
        return torch.arange(block * size, (block + 1) * size, device=self._dit.device)
