"""MuQ-MuLan as a style encoder: texts and recordings to vectors of one space.

The weights are CC-BY-NC 4.0: what is made with them may not be sold. Each tower is read from disk
when it is first asked for: a song needs only the text side, which halves the memory.

Shapes: S samples, B texts, E = 512.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from angen.conditioning.mulan.config import MAIN, neighbours, read_config
from angen.conditioning.mulan.tokens import Tokens
from angen.conditioning.mulan.towers import AudioTower, TextTower, clip_vectors, cut
from angen.conditioning.mulan.weights import (
    check_weights,
    expected_shapes,
    load_audio_tower,
    load_text_tower,
    weights_file,
)
from angen.errors import BadInput

LICENCE = "CC-BY-NC 4.0"
NOTE = f"{MAIN}, weights {LICENCE}: not for commercial use"


class Mulan:
    """The MuQ-MuLan in ``folder``, with the folders that it names beside it.

    Vectors of texts have length 1. That of a recording is the mean of its ten-second clips', as in
    the original, so it is shorter than 1 for more than one clip.
    """

    source = NOTE

    def __init__(self, folder: Path, device: torch.device | str = "cpu") -> None:
        self.folder = folder
        self.device = torch.device(device)
        self.config = read_config(folder)

    @cached_property
    def audio(self) -> AudioTower:
        """The audio side, 1.3 GB as released."""
        return load_audio_tower(self.config, weights_file(self.folder)).to(self.device)

    @cached_property
    def text(self) -> TextTower:
        """The text side, 1.3 GB as released."""
        return load_text_tower(self.config, weights_file(self.folder)).to(self.device)

    @cached_property
    def tokens(self) -> Tokens:
        longest = self.config.roberta["max_position_embeddings"]
        assert isinstance(longest, int)
        return Tokens(neighbours(self.folder)[1], longest - 2)

    def check(self) -> None:
        """Nothing when all files are there and fit. Raises MissingWeights, Incompatible."""
        check_weights(weights_file(self.folder), expected_shapes(self.config))
        _ = self.tokens

    @torch.no_grad()
    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """Texts -> (B, E) of length 1, each as if it were alone; no texts give (0, E).

        Raises MissingWeights without the extra ``released`` or a file.
        """
        vectors = [
            self.text(torch.tensor([self.tokens(text)], device=self.device)) for text in texts
        ]
        empty = torch.zeros(0, self.config.dim, device=self.device)
        return functional.normalize(torch.cat([empty, *vectors]), dim=1)

    @torch.no_grad()
    def embed_audio(self, audio: Tensor | NDArray[np.float32], rate_hz: int) -> Tensor:
        """Mono audio (S,) of any length and rate -> (E,). Silence has a vector like any sound.

        Raises BadInput for less than a fiftieth of a second or samples that are not numbers.
        """
        samples = np.asarray(audio, dtype=np.float32)
        if samples.ndim != 1:
            raise ValueError(f"embed_audio needs mono audio (S,), got shape {samples.shape}")
        if not np.isfinite(samples).all():
            raise BadInput("The recording has samples that are not numbers (NaN or infinite).")
        heard = soxr.resample(samples, rate_hz, self.config.rate_hz) if len(samples) else samples
        wave = torch.from_numpy(np.ascontiguousarray(heard, dtype=np.float32)).to(self.device)
        return clip_vectors(self.audio, cut(wave, self.config.clip_samples)).mean(0)
