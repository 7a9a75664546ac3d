"""JSON bodies read as JSON means them: ``"5"`` is no number, ``1`` is no truth.

FastAPI hands parsed values to pydantic, where strictness would refuse lists for tuples and text
for enums too. So they are handed on as the text that they came from.
"""

import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

EXACT = 2**53  # whole numbers below are exact as floats
Model = TypeVar("Model", bound=BaseModel)


class _AsJson:
    """Validate a model from JSON text, strictly."""

    def __get_pydantic_core_schema__(
        self, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def read(value: Any, _inner: core_schema.ValidatorFunctionWrapHandler) -> Any:
            try:
                text = json.dumps(_whole(value))
            except (RecursionError, TypeError, ValueError) as error:
                raise PydanticCustomError("body", "The body is nested too deeply") from error
            return source.model_validate_json(text, strict=True)

        return core_schema.no_info_wrap_validator_function(read, handler(source))


def _whole(value: Any) -> Any:
    """``value`` with ``16.0`` as 16: JSON knows one kind of number."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < EXACT else value
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


Body = Annotated[Model, _AsJson()]
