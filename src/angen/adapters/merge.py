"""Several adapters as one, or adapters baked into the base."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from angen.adapters.attach import check_strength, detach, lora_layers
from angen.adapters.files import AdapterFile, read_adapter, write_adapter
from angen.errors import BadInput, Incompatible


def merge_adapters(parts: Sequence[tuple[Path, float]], folder: Path) -> AdapterFile:
    """Write one adapter to ``folder`` that does what ``parts`` do together, each at its strength.

    Exact: the ranks stand side by side, so the rank of the result is the sum of theirs.

        sum_i s_i B_i A_i = [s_1 B_1, s_2 B_2, ...] [A_1; A_2; ...]

    Raises BadInput for fewer than two parts or a strength out of range, Incompatible when the
    adapters are for different bases or layers of different widths.
    """
    if len(parts) < 2:
        raise BadInput(f"Merging needs at least two adapters; {len(parts)} given.")
    adapters = [read_adapter(path) for path, _ in parts]
    strengths = [check_strength(strength) for _, strength in parts]
    base, fingerprint = _common_base(adapters)
    modules = list(dict.fromkeys(module for adapter in adapters for module in adapter.modules))
    tensors: dict[str, Tensor] = {}
    for module in modules:
        a, b = _side_by_side(module, adapters, strengths)
        tensors |= {f"{module}.lora_A.weight": a, f"{module}.lora_B.weight": b}
    write_adapter(folder, tensors, base=base, base_fingerprint=fingerprint)
    return read_adapter(folder)


def _common_base(adapters: Sequence[AdapterFile]) -> tuple[str | None, str | None]:
    known = {a.base_fingerprint: a for a in adapters if a.base_fingerprint}
    if len(known) > 1:
        first, second, *_ = known.values()
        raise Incompatible(
            f"{first.folder} was trained on {first.base} ({first.base_fingerprint:.12}), "
            f"{second.folder} on {second.base} ({second.base_fingerprint:.12}). "
            "Only adapters of the same base can be merged."
        )
    if len(known) == 1 and all(a.base_fingerprint for a in adapters):
        only = next(iter(known.values()))
        return only.base, only.base_fingerprint
    return None, None  # a stranger among them: the result is one too


def _side_by_side(
    module: str, adapters: Sequence[AdapterFile], strengths: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """A (R, in) and B (out, R) of one layer; zeros for an adapter that leaves the layer alone."""
    names = [f"{module}.lora_{part}.weight" for part in "AB"]
    having = next(adapter for adapter in adapters if names[0] in adapter.tensors)
    width_in, width_out = having.tensors[names[0]].shape[1], having.tensors[names[1]].shape[0]
    a_rows, b_columns = [], []
    for adapter, strength in zip(adapters, strengths, strict=True):
        a = torch.zeros(adapter.rank, width_in)
        b = torch.zeros(width_out, adapter.rank)
        if names[0] in adapter.tensors:
            its_a, its_b = (adapter.tensors[name].float() for name in names)
            if (its_a.shape[1], its_b.shape[0]) != (width_in, width_out):
                raise Incompatible(f"{adapter.folder}: {module} has another width than elsewhere.")
            a[: len(its_a)] = its_a
            b[:, : len(its_a)] = its_b * (strength * adapter.scales[module])
        a_rows.append(a)
        b_columns.append(b)
    return torch.cat(a_rows), torch.cat(b_columns, dim=1)


def merge_into_base(model: nn.Module) -> nn.Module:
    """Bake the adapters that sound, at their strengths, into the weights of ``model``, in place.

    The model then needs no adapter any more; none of them can be taken out again.
    """
    for _, layer in lora_layers(model):
        layer.merge(safe_merge=True)
    detach(model)
    return model
