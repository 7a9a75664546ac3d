"""Values from outside as a request: the command line, a file, a form."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from angen.errors import BadInput
from angen.studio.requests.fields import MAX_S, MIN_S, Strict

_Request = TypeVar("_Request", bound=Strict)


def asked(kind: type[_Request], values: Mapping[str, Any]) -> _Request:
    """A request from values of outside. Raises BadInput that names each value and its range."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        faults = " ".join(_fault(f["loc"], f, kind.RANGES) for f in error.errors())
        raise BadInput(faults) from error


def _fault(
    place: tuple[int | str, ...], fault: Any, ranges: Mapping[str, tuple[float, float]]
) -> str:
    name, value = ".".join(str(part) for part in place), fault["input"]
    if name == "duration_s":
        return f"A duration of {value} s cannot be made: give {MIN_S:g} to {MAX_S:g} seconds."
    if fault["type"] == "value_error":  # a rule of ours, which names the value and the remedy
        return str(fault["ctx"]["error"])
    if name in ranges and fault["type"] in _OUTSIDE:
        low, high = ranges[name]
        return f"{name}={value:g} is outside {low:g} to {high:g}."
    return f"{name}={value!r:.60}: {fault['msg']}."


_OUTSIDE = frozenset({"greater_than_equal", "less_than_equal"})
