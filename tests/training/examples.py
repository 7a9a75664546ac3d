"""A data set in memory, for trainings of a second."""

from collections.abc import Sequence

import torch
from torch import Tensor

from angen.adapters.metadata import DatasetFacts
from angen.diffrhythm.objective import Batch
from angen.training.material import TrainingData
from tests.tiny import BLOCK, CHANNELS

BLOCKS = (1, 2, 3, 2, 1, 3, 2)


class MemoryClips:
    """Clips of like style: a pattern of their own over channels, with a little noise."""

    def __init__(self, blocks: Sequence[int], seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        pattern = torch.linspace(-1, 1, CHANNELS).repeat(BLOCK * max(blocks, default=1), 1)
        self._clips = [
            pattern[: n * BLOCK] + 0.1 * torch.randn(n * BLOCK, CHANNELS, generator=generator)
            for n in blocks
        ]
        self._styles = torch.nn.functional.normalize(
            torch.randn(len(blocks), 512, generator=generator), dim=1
        )

    @property
    def frames(self) -> Sequence[int]:
        return [len(clip) for clip in self._clips]

    def __len__(self) -> int:
        return len(self._clips)

    def batch(self, indices: Sequence[int], turn: int = 0) -> Batch:
        chosen = [self._clips[i] for i in indices]
        texts = [torch.arange(2 + i, 5 + 2 * i) for i in indices]
        return Batch(
            text=_padded(texts),
            text_lengths=torch.tensor([len(text) for text in texts]),
            latents=_padded(chosen),
            frames=torch.tensor([len(clip) for clip in chosen]),
            style=self._styles[list(indices)],
        )


def _padded(items: Sequence[Tensor]) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(list(items), batch_first=True)


def data(
    blocks: Sequence[int] = BLOCKS, aside: Sequence[int] = (2, 1), fingerprint: str = "f" * 64
) -> TrainingData:
    """A data set of clips with so many blocks each, and some kept aside."""
    facts = DatasetFacts(
        name="memory",
        fingerprint=fingerprint,
        training_clips=len(blocks),
        validation_clips=len(aside),
        minutes=1.0,
    )
    return TrainingData(
        facts=facts, training=MemoryClips(blocks), validation=MemoryClips(aside, seed=1)
    )
