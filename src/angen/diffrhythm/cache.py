"""Keys and values that are computed once and seen by every later frame.

Shapes: R rows (songs, times two with the unprompted branch), H heads, W head width,
L text tokens, n new tokens.
"""

from functools import partial

import torch
from torch import Tensor

from angen.diffrhythm.attention import Remember
from angen.diffrhythm.config import DiTConfig


class Cache:
    """For each layer, one stretch of memory: [text | finished frames | frames in the making].

    Tokens in the making are written behind the kept ones and overwritten by the next pass,
    until ``keep`` makes them part of the past.
    """

    def __init__(
        self,
        config: DiTConfig,
        text_lengths: Tensor,
        frames: int,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Room for the longest text and ``frames`` frames.

        text_lengths: (R,) tokens of each row; shorter texts are padded, the padding is hidden.
        """
        self.text_length = int(text_lengths.max())
        shape = (config.depth, len(text_lengths), config.heads)
        room = self.text_length + frames
        self._keys = torch.empty(*shape, room, config.head_dim, device=device, dtype=dtype)
        self._values = torch.empty_like(self._keys)
        self._hidden = self._hide_padding(text_lengths, room, device)
        self.filled = 0  # tokens kept so far, text included

    def _hide_padding(self, lengths: Tensor, room: int, device: torch.device) -> Tensor | None:
        if bool((lengths == self.text_length).all()):
            return None
        token = torch.arange(room)
        visible = (token < lengths.cpu()[:, None]) | (token >= self.text_length)  # (R, room)
        return visible[:, None, None].to(device)

    def text_mask(self) -> Tensor | None:
        """Who sees whom inside the text, (R, 1, L, L); padding sees itself, to stay finite."""
        if self._hidden is None:
            return None
        n = self.text_length
        itself = torch.eye(n, dtype=torch.bool, device=self._hidden.device)
        return self._hidden[..., :n] | itself

    def mask(self, new: int) -> Tensor | None:
        """What ``new`` frames see of [text | past | themselves]: (R, 1, 1, m); None: all of it."""
        return None if self._hidden is None else self._hidden[..., : self.filled + new]

    def remember(self, layer: int) -> Remember:
        """The function by which attention of this layer writes new tokens and reads all."""
        return partial(self._write, layer)

    def _write(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        end = self.filled + k.shape[2]
        keys, values = self._keys[layer], self._values[layer]
        keys[:, :, self.filled : end] = k
        values[:, :, self.filled : end] = v
        return keys[:, :, :end], values[:, :, :end]

    def keep(self, new: int) -> None:
        """The last ``new`` tokens that were written are final from now on."""
        self.filled += new

    def forget(self) -> None:
        """Only the text is kept: the finished frames are told anew."""
        self.filled = self.text_length

    def select(self, rows: Tensor) -> None:
        """Go on with these rows only: (K,) indices, in their new order."""
        self._keys = self._keys[:, rows]
        self._values = self._values[:, rows]
        if self._hidden is not None:
            self._hidden = self._hidden[rows]

    def text(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values (R, H, L, W) of the text in one layer."""
        n = self.text_length
        return self._keys[layer, :, :, :n], self._values[layer, :, :, :n]

    def frames(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values (R, H, T, W) of the finished frames in one layer."""
        kept = slice(self.text_length, self.filled)
        return self._keys[layer, :, :, kept], self._values[layer, :, :, kept]
