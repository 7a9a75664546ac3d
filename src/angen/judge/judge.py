"""An ear that nobody here trained: what real music sounds like, as numbers and as words.

Shapes: P patches of 3 s, E = 200 embedding width, G tags.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from angen.errors import MissingWeights
from angen.judge.network import Musicnn
from angen.judge.sound import Sound, patches
from angen.judge.vocabulary import VOCABULARIES
from angen.judge.weights import FILE
from angen.tensors import filled, read_tensors

Vectors = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What the judge hears in one recording."""

    embedding: Vectors  # (P, E)
    tags: Vectors  # (P, G) probabilities, in the order of the vocabulary


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """A tagger with its published vocabulary."""

    network: Musicnn
    vocabulary: tuple[str, ...]

    def hear(self, samples: Sound, rate_hz: int) -> Heard:
        """Embedding and tags of each 3 s of samples (channels, n) or (n,).

        A shorter sound is repeated until it fills 3 s. Loudness counts, as it did in training:
        compare sounds of the same loudness.

        Raises BadInput for a sound that is empty or not made of numbers.
        """
        device = self.network.tags.weight.device
        found: list[tuple[Tensor, Tensor]] = []
        with torch.inference_mode():
            for some in patches(samples, rate_hz):
                embedding, logits = self.network(some.to(device))
                found.append((embedding, torch.sigmoid(logits)))
        embeddings, tags = (
            torch.cat(part).cpu().double().numpy() for part in zip(*found, strict=True)
        )
        return Heard(embedding=embeddings, tags=tags)

    def embed(self, samples: Sound, rate_hz: int) -> Vectors:
        """(P, E): see ``hear``."""
        return self.hear(samples, rate_hz).embedding

    def tags(self, samples: Sound, rate_hz: int) -> dict[str, float]:
        """The mean probability of each tag of the vocabulary over the sound: see ``hear``."""
        means = self.hear(samples, rate_hz).tags.mean(0)
        return {tag: float(mean) for tag, mean in zip(self.vocabulary, means, strict=True)}


def load_judge(folder: Path, net: str = "msd", device: str = "cpu") -> Judge:
    """The tagger ``net`` from the weights in ``folder``.

    net: ``msd``, taught by listeners' tags of the Million Song Dataset, or ``mtt``, by those of
    MagnaTagATune, which name instruments and voices.

    Raises ValueError for another net, MissingWeights where nothing was fetched, Incompatible for
    a damaged file.
    """
    if net not in VOCABULARIES:
        raise ValueError(f"net={net!r}; there are {', '.join(VOCABULARIES)}")
    path = folder / FILE
    if not path.is_file():
        raise MissingWeights(
            f"{path} is missing: the outside judge is not on this machine. Run `angen models fetch "
            "musicnn`."
        )
    prefix = f"{net}."
    stored = read_tensors(path)
    tensors = {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}
    return Judge(
        network=filled(Musicnn, path, path, tensors).to(device), vocabulary=VOCABULARIES[net]
    )
