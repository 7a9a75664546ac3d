"""Where a song stops: at frames of all ones, which it was taught to end with.

Shapes: b frames of a block, T frames of a song, C latent channels.
"""

from enum import StrEnum

import torch
from torch import Tensor

END_DISTANCE = 0.05  # mean square distance to all ones, up to which a frame is an end mark


class Ending(StrEnum):
    """What comes out of the frames that were sampled."""

    OURS = "ours"
    """Every real frame before the end mark, and no more than was asked for."""

    UPSTREAM = "upstream"
    """Without the last real frame before the mark; without a mark, whole blocks."""


def trailing_end_marks(frames: Tensor) -> int:
    """How many of the last frames (T, C) are end marks in a row.

    Ones in the middle of a block do not end a song.
    """
    distance = (frames.float() - 1).square().mean(dim=-1)  # (T,)
    is_mark = (distance <= END_DISTANCE).tolist()
    return next((i for i, mark in enumerate(reversed(is_mark)) if not mark), len(is_mark))


class Finisher:
    """Tells, block by block, which frames of one song are final, and when it is over."""

    def __init__(self, frames: int, block: int, ending: Ending) -> None:
        """frames: length asked for. block: frames in each block."""
        upstream = ending is Ending.UPSTREAM
        self._lost = 1 if upstream else 0  # real frames that an end mark takes with it
        self._planned = -(-frames // block) * block
        self._room = self._planned if upstream else frames  # frames still to be given
        self._held: Tensor | None = None  # frames that a mark in the next block would take
        self._made = 0
        self.over = frames == 0

    def take(self, made: Tensor) -> Tensor:
        """The frames that became final with this block (b, C)."""
        marks = trailing_end_marks(made)
        self._made += len(made)
        self.over = marks > 0 or self._made >= self._planned
        pending = made if self._held is None else torch.cat([self._held, made])
        back = marks + self._lost if marks or not self.over else 0
        final = pending[: max(len(pending) - back, 0)]
        self._held = pending[len(final) :]
        final = final[: self._room]
        self._room -= len(final)
        return final
