"""Did the adapter learn a style, or a song? The closest match of one clip to any training clip.

Shapes: T latent frames, C latent channels, W frames of a window, P windows of the training set.

A window of a few seconds is compared, frame by frame, with every window of the training set at
every offset. Each window's own mean frame is taken away first, so that only what moves in time
counts, not a shared timbre. Cosine similarity of the rest: an exact copy gives 1, unrelated music
about 0, and silence, in which nothing moves, matches nothing.

Measured on `mini`, copies of 4.8 s: 0.98 with noise 20 dB below, 0.91 at 10 dB, 0.71 at 0 dB, 0.87
through the codec, 0.8 when 20 ms off the grid of frames, 0.5 to 0.8 at 50 to 100 ms; other songs of
one style 0.1 to 0.3. A song of a model that copies is on the grid of the clips it was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PIECE = 4096  # training windows compared at once; bounds memory on long training sets
STILL = 0.2  # of the training set's typical movement; windows below it are nearly silent


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """Where one clip comes closest to the training set."""

    similarity: float  # 1 for an exact copy
    frame: int  # where the window starts in the clip
    clip: int  # which training clip
    clip_frame: int  # where the window starts in that training clip


def closest_match(clip: Tensor, training: Sequence[Tensor], window: int) -> Match:
    """The ``window`` frames of ``clip`` (T, C) that come closest to any of ``training``'s.

    training: latents (T_i, C) of each training clip. Clips shorter than ``window`` shorten it.

    Raises ValueError when there is no training clip or one of them is empty.
    """
    if not training or min(len(known) for known in training) == 0 or len(clip) == 0:
        raise ValueError("memorisation needs training clips and a clip, none of them empty")
    width = min(window, len(clip), *(len(known) for known in training))
    movements = [_movement(known, width) for known in training]  # (P_i, C W) each
    floor = STILL * float(torch.cat([moved.norm(dim=1) for moved in movements]).median())
    asked = _directions(_movement(clip, width), floor)  # (T - W + 1, C W)
    found = [
        _best(asked, piece, index, start)
        for index, moved in enumerate(movements)
        for start, piece in _pieces(_directions(moved, floor))
    ]
    return max(found, key=lambda match: match.similarity)


def _best(asked: Tensor, piece: Tensor, clip: int, start: int) -> Match:
    """The closest of windows ``piece`` (up to PIECE, C W), which begin at ``start`` of ``clip``."""
    similar = asked @ piece.T  # (T - W + 1, up to PIECE)
    frame, offset = divmod(int(similar.argmax()), len(piece))
    return Match(
        similarity=float(similar[frame, offset]), frame=frame, clip=clip, clip_frame=start + offset
    )


def _movement(latents: Tensor, width: int) -> Tensor:
    """Every run of ``width`` frames of ``latents`` (T, C) less its own mean, flat: (P, C W)."""
    runs = latents.float().unfold(0, width, 1)  # (P, C, W)
    return (runs - runs.mean(2, keepdim=True)).flatten(1)


def _directions(moved: Tensor, floor: float) -> Tensor:
    """``moved`` at unit length, where it is longer than ``floor``; shorter below."""
    lengths: Tensor = moved.norm(dim=1, keepdim=True)  # (P, 1)
    return moved / lengths.clamp(min=max(floor, 1e-12))


def _pieces(windows: Tensor) -> list[tuple[int, Tensor]]:
    return [(at, windows[at : at + PIECE]) for at in range(0, len(windows), PIECE)]
