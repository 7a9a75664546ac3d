"""The judge's weights: from the checkpoints of the package ``musicnn`` to tensors of ours.

Needs no torch, so that a server can fetch them.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from angen.tf_checkpoint import Tensors, for_torch

FILE = "musicnn.safetensors"

_LAYERS = {
    "batch_normalization": (
        "heard",
        *(f"filters.{i}.norm" for i in range(5)),
        *(f"joining.{i}.norm" for i in range(3)),
        "pooled",
        "dense_norm",
    ),
    "conv2d": (*(f"filters.{i}.conv" for i in range(5)), *(f"joining.{i}.conv" for i in range(3))),
    "dense": ("dense", "tags"),
}


def from_tensorflow(stored: Mapping[str, NDArray[np.float32]]) -> Tensors:
    """The tensors of a checkpoint of ``musicnn`` under the names and in the shapes of ours.

    Raises Incompatible for a checkpoint that lacks one.
    """
    ours = for_torch(stored, _LAYERS, "musicnn")
    for i in range(
        3
    ):  # over all bands: what TensorFlow calls bands are channels of the layer before
        name = f"joining.{i}.conv.weight"
        ours[name] = np.ascontiguousarray(ours[name][:, 0].transpose(0, 2, 1))
    return ours
