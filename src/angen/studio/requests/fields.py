"""What the requests share: names, ids, ranges, and how strict they are."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from angen.errors import BadInput
from angen.names import MAX_NAME_BYTES, check_name
from angen.training.config import RANGES

MIN_S, MAX_S = 1.0, 600.0  # length of a song


MAX_FILES = 500  # in one request


def _name_of(kind: str) -> Callable[[str], str]:
    def check(name: str) -> str:
        try:
            return check_name(kind, name)
        except BadInput as error:
            raise ValueError(str(error)) from error

    return check


def within(name: str, ranges: Mapping[str, tuple[float, float]] = RANGES) -> dict[str, Any]:
    """``ge`` and ``le`` of a field of a recipe, whole numbers as such."""
    low, high = ranges[name]
    return {"ge": low, "le": high}


ID = r"^[A-Za-z0-9_-]{1,64}$"


_NAME_RULE: dict[str, Any] = {  # for readers; ``check_name`` judges, and says what is wrong
    "minLength": 1,
    "maxLength": MAX_NAME_BYTES,
    "pattern": r"^[\w()+]([\w .()+-]*[\w()+-])?$",
}


AdapterName = Annotated[
    str,
    Field(json_schema_extra=_NAME_RULE, examples=["my_jazz_lora_v1"]),
    AfterValidator(_name_of("adapter")),
]


DatasetName = Annotated[
    str,
    Field(json_schema_extra=_NAME_RULE, examples=["user_dataset_1702987654"]),
    AfterValidator(_name_of("dataset")),
]


Id = Annotated[str, Field(pattern=ID)]


BaseName = Annotated[
    str | None, Field(max_length=500, description="Base model; that of the settings else.")
]
UploadIds = Annotated[
    tuple[Id, ...],
    Field(min_length=1, max_length=MAX_FILES, description="Ids of uploaded recordings."),
]


class Strict(BaseModel):
    """Unknown fields are refused by name; numbers are numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = RANGES  # of the fields of a recipe


def check_id(kind: str, value: str) -> str:
    """``value`` if it has the form of an id. Raises BadInput."""
    if not re.fullmatch(ID, value):
        raise BadInput(f"{value[:80]!r} is no {kind}. Look it up in the list.")
    return value
