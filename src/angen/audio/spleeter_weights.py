"""Spleeter's weights: from the checkpoint of its two-stem model to tensors of ours.

Needs no torch, so that a server can fetch them.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from angen.tf_checkpoint import Tensors, for_torch

FILE = "spleeter.safetensors"
STEMS = ("vocals", "accompaniment")
DEPTH = 6


def from_tensorflow(stored: Mapping[str, NDArray[np.float32]]) -> Tensors:
    """The tensors of both nets; those of the deepest normalisation, which is not used, are left.

    Raises Incompatible for a checkpoint that lacks one.
    """
    layers: dict[str, list[str]] = {"conv2d": [], "conv2d_transpose": [], "batch_normalization": []}
    for stem in STEMS:
        down = [f"{stem}.down.{i}" for i in range(DEPTH)]
        up = [f"{stem}.up.{i}" for i in range(DEPTH)]
        layers["conv2d"] += [f"{name}.conv" for name in down] + [f"{stem}.mask"]
        layers["conv2d_transpose"] += [f"{name}.conv" for name in up]
        layers["batch_normalization"] += [f"{name}.norm" for name in down[:-1]] + [""]
        layers["batch_normalization"] += [f"{name}.norm" for name in up]
    return for_torch(stored, layers, "Spleeter")
