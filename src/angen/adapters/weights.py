"""The tensors of a LoRA in a safetensors file of a stranger: limits, then names and numbers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from angen.adapters.spelling import Spelled, spelled
from angen.errors import Incompatible

MOST_HEADER_BYTES = 5_000_000
MOST_TENSORS = 20_000
_FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


@dataclass(frozen=True, kw_only=True)
class LoraTensors:
    """What the file holds, under our names."""

    tensors: dict[str, Tensor] = field(repr=False)  # "<module>.lora_A.weight" -> (rank, in)
    modules: dict[str, str]  # each layer, and what the file calls it
    alphas: dict[str, float]  # of layers, where the file has such tensors
    header: dict[str, str]  # what stands in the file beside the tensors


def read_lora(path: Path) -> LoraTensors:
    """The tensors of a plain LoRA, whatever tool named them (see ``spelling``).

    Raises Incompatible that names the tensor: damaged, not a plain LoRA, one tensor twice, or
    numbers that are none.
    """
    _check_header(path)
    try:
        with safe_open(path, framework="pt") as opened:
            names = {name: _spelled(path, name) for name in opened.keys()}  # noqa: SIM118
            _check_once(path, names)
            stored = {name: _tensor(path, opened, name) for name in names}
            header = opened.metadata() or {}
    except SafetensorError as error:
        raise Incompatible(
            f"{path} is damaged ({error}). Use another copy of the adapter, or train it again."
        ) from error
    pairs = {it.name: stored[name] for name, it in names.items() if it.part != "alpha"}
    modules = {it.module: it.given for it in names.values() if it.part != "alpha"}
    _check_pairs(path, pairs, modules)
    alphas = {it.module: (name, stored[name]) for name, it in names.items() if it.part == "alpha"}
    return LoraTensors(
        tensors=pairs,
        modules=modules,
        alphas={m: _alpha(path, m, *alpha, modules) for m, alpha in alphas.items()},
        header=header,
    )


def _check_header(path: Path) -> None:
    """Refuse a header that would take long to read, before it is read."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > MOST_HEADER_BYTES:
        raise Incompatible(
            f"{path} is damaged: its header would be {length:,} bytes, more than any adapter has. "
            "Use another copy of the adapter."
        )


def _spelled(path: Path, name: str) -> Spelled:
    found = spelled(name)
    if found is None:
        raise Incompatible(
            f"{path}: {name[:200]} is no tensor of a plain LoRA; only those can be used here."
        )
    return found


def _check_once(path: Path, names: dict[str, Spelled]) -> None:
    if not 0 < len(names) <= MOST_TENSORS:
        count = f"{len(names):,} tensors" if names else "no tensors"
        raise Incompatible(f"{path} holds {count}. Use another copy of the adapter.")
    first: dict[tuple[str, str], str] = {}
    for name, it in names.items():
        if (other := first.setdefault((it.module, it.part), name)) != name:
            raise Incompatible(
                f"{path} holds one tensor under two names, {other} and {name}: which of them "
                "counts is not clear. Remove one, or use another copy of the adapter."
            )


def _tensor(path: Path, opened: Any, name: str) -> Tensor:
    kind = opened.get_slice(name).get_dtype()
    if kind not in _FLOATS:
        raise Incompatible(
            f"{path}: {name} is stored as {kind}, which holds no full numbers. Convert the adapter "
            "to float32, float16 or bfloat16."
        )
    tensor: Tensor = opened.get_tensor(name)
    if not bool(torch.isfinite(tensor.float()).all()):
        raise Incompatible(f"{path}: {name} holds NaN or infinity. Train the adapter again.")
    return tensor


def _check_pairs(path: Path, tensors: dict[str, Tensor], modules: dict[str, str]) -> None:
    """Each layer has an A (rank, in) and a B (out, rank)."""
    for module in modules:
        a, b = (tensors.get(f"{module}.lora_{part}.weight") for part in "AB")
        if a is None or b is None or a.ndim != 2 or b.ndim != 2:
            raise Incompatible(f"{path}: {module} has no pair of matrices lora_A and lora_B.")
        if a.shape[0] != b.shape[1]:
            raise Incompatible(f"{path}: the ranks of lora_A and lora_B of {module} differ.")
        if not a.numel() or not b.numel():
            raise Incompatible(
                f"{path}: {module} has rank {a.shape[0]} and holds no numbers. Use another copy of "
                "the adapter."
            )


def _alpha(path: Path, module: str, name: str, tensor: Tensor, modules: dict[str, str]) -> float:
    if tensor.numel() != 1 or module not in modules or not 0 <= tensor.item() <= 1e6:
        raise Incompatible(
            f"{path}: {name} is no alpha of a layer in the file: one number, 0 to 1,000,000. Use "
            "another copy of the adapter."
        )
    return float(tensor.item())
