"""Files of named tensors, and the small JSON files beside them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from angen.errors import Incompatible, MissingWeights, OutOfSpace
from angen.files import replacing

Shapes = Mapping[str, tuple[int, ...]]
_NAMED_AT_MOST = 5  # tensors in one message


def read_json(path: Path) -> dict[str, object]:
    """The object in a JSON file that belongs to weights.

    Raises MissingWeights without the file, Incompatible when it holds no JSON object.
    """
    _must_exist(path)
    try:
        values = json.loads(path.read_text("utf-8"))
    except ValueError as fault:
        raise Incompatible(f"{path} is not JSON ({fault}). Fetch or copy it again.") from fault
    if not isinstance(values, dict):
        raise Incompatible(f"{path} holds a {type(values).__name__}, not a JSON object.")
    return values


def write_json(path: Path, values: Mapping[str, object]) -> None:
    """Write ``values`` as JSON, wholly or not at all."""
    with replacing(path) as beside:
        beside.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU, in the dtype they are stored in.

    Raises MissingWeights without the file, Incompatible when it is damaged.
    """
    _must_exist(path)
    try:
        return load_file(path)
    except SafetensorError as fault:
        raise Incompatible(
            f"{path} is not a whole safetensors file ({fault}). Fetch or copy it again."
        ) from fault


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file, wholly or not at all. Raises OutOfSpace when the disk is full."""
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as beside:
        try:
            save_file(ready, beside)
        except SafetensorError as fault:  # wraps the system's error in its text
            if "No space left" in str(fault):
                raise OutOfSpace(
                    f"No space left to write {path}. Free some space on that disk and try again."
                ) from fault
            raise


def check_shapes(path: Path, found: Mapping[str, Tensor], expected: Shapes) -> None:
    """Nothing when names and shapes agree.

    Raises Incompatible that names what is missing, superfluous or misshapen, all at once.
    """
    missing = [f"{name} {list(shape)}" for name, shape in expected.items() if name not in found]
    extra = [f"{name} {list(found[name].shape)}" for name in found if name not in expected]
    misshapen = [
        f"{name} {list(found[name].shape)} instead of {list(shape)}"
        for name, shape in expected.items()
        if name in found and found[name].shape != torch.Size(shape)
    ]
    faults = {"missing": missing, "unexpected": extra, "of another shape": misshapen}
    told = "; ".join(f"{kind}: {_some(names)}" for kind, names in faults.items() if names)
    if told:
        raise Incompatible(
            f"{path} does not fit the configuration beside it. Tensors {told}. "
            "Do both files come from the same model?"
        )


def _some(names: Iterable[str]) -> str:
    names = list(names)
    rest = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise MissingWeights(
            f"{path} is missing. Fetch the model (`angen models fetch`), or name its folder."
        )
