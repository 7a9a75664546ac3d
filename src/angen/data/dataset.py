"""One side of a data set as training takes it: clips of whole blocks, collated into batches.

A clip that does not reach the end of its song is cropped to whole blocks and holds no end mark; one
that does is completed with end marks.

Shapes: B clips, L text tokens, T latent frames of a clip, N padded frames of a batch, E = 512.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from angen.bundle import Bundle
from angen.conditioning.telling import clip_line
from angen.data.latents import Encoded
from angen.data.manifest import Clip, DatasetInfo, Problem, Split, prompt_of
from angen.data.style_source import StyleSource
from angen.diffrhythm.objective import Batch, add_end
from angen.errors import BadInput

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    """How clips become examples."""

    style: StyleSource = StyleSource.BOTH
    max_s: float = 30.0  # longer clips are cropped, each time elsewhere
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_s <= 0:
            raise ValueError(f"max_s={self.max_s}: examples need a length")


@dataclass(frozen=True, kw_only=True)
class Example:
    """A clip in numbers."""

    clip: Clip
    latents: Tensor  # (T, C), end marks included
    tokens: Tensor  # (L,) int64
    text_style: Tensor  # (E,)
    audio_style: Tensor  # (E,)
    beats: Tensor | None  # (K,) seconds, the first of a bar first
    end: int | None  # the frame with which the song is over; None where it goes on


class LatentDataset:
    """Clips of one side. What a batch holds depends on its clips and its turn, on nothing before.

    left_out: clips that are too short for a block.
    """

    def __init__(
        self,
        info: DatasetInfo,
        encoded: Encoded,
        bundle: Bundle,
        split: Split,
        config: DataConfig | None = None,
    ) -> None:
        self.config = config or DataConfig()
        self.block = bundle.block
        self._rate_hz = bundle.latent_rate_hz
        self._has_timeline = bundle.has_timeline
        self.left_out: list[Problem] = []
        self._blocks = max(1, int(self.config.max_s * bundle.latent_rate_hz) // bundle.block)
        self._examples: list[Example] = []
        for clip in info.side(split):
            example = _example(clip, encoded, bundle)
            if len(example.latents) >= bundle.block:
                self._examples.append(example)
            else:
                reason = f"shorter than {bundle.block / bundle.latent_rate_hz:g} s; left out"
                logger.warning("%s is %s", clip.file, reason)
                self.left_out.append(Problem(file=clip.file, reason=reason))

    def __len__(self) -> int:
        return len(self._examples)

    @property
    def frames(self) -> list[int]:
        """Latent frames of each clip as batches hold it: whole blocks."""
        return [min(len(e.latents), self._longest(e)) for e in self._examples]

    @property
    def clips(self) -> list[Clip]:
        return [example.clip for example in self._examples]

    def batch(self, indices: Sequence[int], turn: int = 0) -> Batch:
        """These clips, padded to the longest. Another turn has other crops and styles."""
        chosen = [self._examples[i] for i in indices]
        starts = [self._start(example, turn) for example in chosen]
        latents = [
            example.latents[start:][: self._longest(example)]
            for example, start in zip(chosen, starts, strict=True)
        ]
        styles = [self._style(example, i, turn) for example, i in zip(chosen, indices, strict=True)]
        lines = [
            self._line(example, start, len(frames), style)
            for example, start, frames, style in zip(chosen, starts, latents, styles, strict=True)
            if self._has_timeline
        ]
        return Batch(
            text=pad_sequence([example.tokens for example in chosen], batch_first=True),
            text_lengths=torch.tensor([len(example.tokens) for example in chosen]),
            latents=pad_sequence(latents, batch_first=True),
            frames=torch.tensor([len(item) for item in latents]),
            style=torch.stack(styles),
            timeline=pad_sequence(lines, batch_first=True) if lines else None,
        )

    def _line(self, example: Example, start: int, frames: int, style: Tensor) -> Tensor:
        """What frames from ``start`` on add to their clip's style, as songs are told: (T, E)."""
        times_s = torch.arange(start, start + frames + 1, dtype=torch.float64) / self._rate_hz
        end_s = None if example.end is None else example.end / self._rate_hz
        return clip_line(style, times_s, beats_s=example.beats, end_s=end_s)

    def _longest(self, example: Example) -> int:
        """End marks come on top of the clip's length."""
        return (self._blocks + example.clip.ends_song) * self.block

    def _start(self, example: Example, turn: int) -> int:
        """The frame with which a clip that is too long begins this turn; 0 for others."""
        spare = len(example.latents) - self._longest(example)
        if spare <= 0:
            return 0
        places = spare // self.block + 1
        return self.block * _draw(places, self.config.seed, example.clip.sha256, turn)

    def _style(self, example: Example, index: int, turn: int) -> Tensor:
        match self.config.style:
            case StyleSource.TEXT:
                return example.text_style
            case StyleSource.AUDIO:
                return example.audio_style
            case StyleSource.BOTH:
                return example.text_style if (index + turn) % 2 == 0 else example.audio_style


def _example(clip: Clip, encoded: Encoded, bundle: Bundle) -> Example:
    latents = encoded.latents[clip.file]
    end = None
    if clip.ends_song:
        end = len(latents)
        latents = add_end(latents, bundle.block)
    else:
        latents = latents[: len(latents) // bundle.block * bundle.block]
    try:
        tokens = bundle.tokenize(clip.metadata.lyrics).tokens
    except BadInput as error:
        raise BadInput(f"{clip.file}: {error}") from error
    return Example(
        clip=clip,
        latents=latents,
        tokens=torch.tensor(tokens, dtype=torch.int64),
        text_style=encoded.text_styles[prompt_of(clip.metadata)],
        audio_style=encoded.audio_styles[clip.file],
        beats=encoded.beats.get(clip.file),
        end=end,
    )


def _draw(count: int, *key: object) -> int:
    """A number from 0 to ``count - 1``, the same for the same key on every machine."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8]) % count
