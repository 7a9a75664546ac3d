"""How far our numbers are from recorded ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

LIMIT = 1e-4  # relative error that float32 arithmetic in another order may cause


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The verdict on one case."""

    case: str
    error: float  # relative for tensors, number of differences for lists; nan counts as wrong
    limit: float = LIMIT
    note: str = ""
    ok: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ok", self.error <= self.limit)


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    """|ours - theirs| / |theirs|; infinite when the shapes differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    off = (ours.double() - theirs.double()).norm()
    size = theirs.double().norm()
    return float(off / size) if size > 0 else float(off)


def compare(case: str, ours: Tensor, theirs: Tensor) -> Row:
    """A row for one tensor."""
    note = ""
    if ours.shape != theirs.shape:
        note = f"shape {list(ours.shape)} instead of {list(theirs.shape)}"
    return Row(case=case, error=relative_error(ours, theirs), note=note)


def exact(case: str, same: bool, note: str = "") -> Row:
    """A row for what has to be equal, not near."""
    return Row(case=case, error=0.0 if same else 1.0, limit=0.0, note="" if same else note)


def grouped(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors called ``group/name``, by group and name."""
    groups: dict[str, dict[str, Tensor]] = {}
    for full_name, tensor in sorted(tensors.items()):
        group, _, name = full_name.partition("/")
        groups.setdefault(group, {})[name] = tensor
    return groups
