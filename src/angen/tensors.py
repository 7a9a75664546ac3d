"""Files of named tensors, and the small JSON files beside them that describe a network.

All of them may come from strangers: whatever is wrong with one is told as Incompatible, and no
memory is taken for a network whose tensors are not there.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from angen.errors import Incompatible, MissingWeights, OutOfSpace
from angen.files import replacing
from angen.jsons import read_object

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Shapes = Mapping[str, tuple[int, ...]]
Network = TypeVar("Network", bound=nn.Module)
Config = TypeVar("Config", bound="DataclassInstance")

_NAMED_AT_MOST = 5  # tensors in one message
_MOST = 1_000_000  # of any number in a configuration
_LONGEST = 32  # list in one: each item may be a layer


def read_json(path: Path) -> dict[str, object]:
    """The object in a JSON file that belongs to weights.

    Raises MissingWeights without the file, Incompatible when it holds no JSON object.
    """
    _must_exist(path)
    try:
        return read_object(path)
    except ValueError as fault:
        raise Incompatible(
            f"{path} is not JSON that can be used ({fault}). Fetch or copy it again."
        ) from fault


def config_of(
    kind: type[Config],
    where: str,
    values: Mapping[str, object],
    *,
    may_be_zero: Iterable[str] = (),
    others: bool = False,
) -> Config:
    """The dataclass that a JSON object describes: whole numbers, truths, and lists of them.

    where: file, and place in it, for messages. may_be_zero: fields whose least number is 0 and not
    1. others: whether fields that nobody knows are passed over.

    Raises Incompatible that names the field and what was expected.
    """
    known = {field.name: field.default is MISSING for field in fields(kind)}  # and if it is needed
    missing = sorted(name for name, needed in known.items() if needed and name not in values)
    unknown = [] if others else sorted(values.keys() - known.keys())
    told = [f"missing {', '.join(missing)}"] * bool(missing)
    told += [f"unknown {_some(unknown)}"] * bool(unknown)
    if told:
        raise Incompatible(f"{where}: fields {'; '.join(told)}. Fetch or copy it again.")
    hints, zero = get_type_hints(kind), frozenset(may_be_zero)
    ready = {
        name: _value(hints[name], f"{where}: {name}", value, 0 if name in zero else 1)
        for name, value in values.items()
        if name in known
    }
    try:
        return kind(**ready)
    except (ValueError, OverflowError) as fault:
        raise Incompatible(f"{where}: {fault}. Fetch or copy it again.") from fault


def _value(hint: Any, name: str, value: object, least: int) -> object:
    """``value`` as a field of that type wants it. Raises Incompatible."""
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple) or len(value) > _LONGEST:
            raise Incompatible(f"{name}={short(value)} is no list of up to {_LONGEST:,}")
        return tuple(_value(get_args(hint)[0], name, item, least) for item in value)
    if hint is bool:
        if not isinstance(value, bool):
            raise Incompatible(f"{name}={short(value)} is neither true nor false")
        return value
    if hint is float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Incompatible(f"{name}={short(value)} is no number")
        return float(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST:
        raise Incompatible(f"{name}={short(value)} is no whole number, {least} to {_MOST:,}")
    return value


def short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


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


def read_pickle(path: Path, *, mapped: bool = False) -> dict[str, Any]:
    """What a file of ``torch.save`` holds by name; nothing but tensors is ever unpickled.

    mapped: leave the numbers on disk until they are used.

    Raises MissingWeights without the file, Incompatible when it is damaged or holds anything else.
    """
    _must_exist(path)
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as fault:  # of damaged bytes torch makes errors of a dozen kinds
        raise Incompatible(
            f"{path} is damaged, or holds more than tensors ({type(fault).__name__}). Fetch or "
            "copy it again."
        ) from fault
    if not isinstance(stored, dict) or not all(isinstance(name, str) for name in stored):
        raise Incompatible(f"{path} is not a table of tensors. Fetch or copy it again.")
    return stored


def filled(
    make: Callable[[], Network], config: Path, path: Path, tensors: Mapping[str, Tensor]
) -> Network:
    """The network that ``make`` lays out, in ``eval`` mode, with tensors that fit it.

    Nothing is laid out in memory for tensors that do not. config, path: where the network is
    described and where the tensors come from, for messages. Raises Incompatible.
    """
    try:
        with torch.device("meta"):
            shapes = shapes_of(make())
    except (ValueError, RuntimeError, ArithmeticError, TypeError) as fault:
        reason = str(fault).splitlines()[0]
        raise Incompatible(
            f"{config} describes no network that can be built ({reason}). Fetch or copy it again."
        ) from fault
    check_shapes(path, tensors, shapes)
    network = make()
    network.load_state_dict(dict(tensors))  # casts to float32
    return network.eval()


def shapes_of(network: nn.Module) -> Shapes:
    """Name and shape of each of a network's tensors."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


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
