"""The judge's weights: from the checkpoints of the package ``musicnn`` to a file of ours.

Needs no torch, so that a server can fetch them.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from angen.errors import Incompatible
from angen.files import replacing
from angen.judge.checkpoint import Tensors

FILE = "musicnn.safetensors"
LICENCE = "LICENSE.md"

_CONVOLUTIONS = (*(f"filters.{i}.conv" for i in range(5)), *(f"joining.{i}.conv" for i in range(3)))
_NORMS = (
    "heard",
    *(f"filters.{i}.norm" for i in range(5)),
    *(f"joining.{i}.norm" for i in range(3)),
    "pooled",
    "dense_norm",
)
_DENSE = ("dense", "tags")
_EPSILON = 1e-3  # of a batch normalisation in TensorFlow


def from_tensorflow(stored: Mapping[str, NDArray[np.float32]]) -> Tensors:
    """The tensors of a checkpoint of ``musicnn`` under the names and in the shapes of ours.

    TensorFlow numbers layers by their kind, in the order in which they were made.

    Raises Incompatible for a checkpoint that lacks one.
    """
    ours: Tensors = {}
    try:
        for i, name in enumerate(_NORMS):
            norm = _numbered("batch_normalization", i)
            scale = stored[f"{norm}/gamma"] / np.sqrt(stored[f"{norm}/moving_variance"] + _EPSILON)
            ours[f"{name}.weight"] = scale
            ours[f"{name}.bias"] = stored[f"{norm}/beta"] - stored[f"{norm}/moving_mean"] * scale
        for i, name in enumerate(_CONVOLUTIONS):
            kernel = stored[f"{_numbered('conv2d', i)}/kernel"]  # frames, bands, in, out
            ours[f"{name}.weight"] = _kernel(kernel, over_time=name.startswith("joining"))
            ours[f"{name}.bias"] = stored[f"{_numbered('conv2d', i)}/bias"]
        for i, name in enumerate(_DENSE):
            ours[f"{name}.weight"] = stored[f"{_numbered('dense', i)}/kernel"].T
            ours[f"{name}.bias"] = stored[f"{_numbered('dense', i)}/bias"]
    except (KeyError, ValueError) as fault:
        raise Incompatible(f"The checkpoint is none of musicnn ({fault}).") from fault
    return {name: np.ascontiguousarray(tensor) for name, tensor in ours.items()}


def write_weights(path: Path, nets: Mapping[str, Tensors], source: str) -> None:
    """Write the tensors of several nets into one safetensors file, wholly or not at all."""
    tensors = {
        f"{net}.{name}": tensor for net, found in nets.items() for name, tensor in found.items()
    }
    with replacing(path) as beside:
        beside.write_bytes(save(tensors, {"source": source, "licence": f"ISC, see {LICENCE}"}))


def _numbered(kind: str, i: int) -> str:
    return f"{kind}_{i}" if i else kind


def _kernel(kernel: NDArray[np.float32], *, over_time: bool) -> NDArray[np.float32]:
    """(frames, bands, 1, out) as torch's (out, in, frames, bands); over all bands, without them.

    over_time: what TensorFlow calls bands are the channels of the layer before.
    """
    if kernel.ndim != 4 or kernel.shape[2] != 1:
        raise ValueError(f"a kernel of shape {list(kernel.shape)}")
    turned = kernel.transpose(3, 2, 0, 1)  # (out, 1, frames, bands)
    return turned[:, 0].transpose(0, 2, 1) if over_time else turned
