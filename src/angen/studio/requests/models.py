"""What can be asked about base models."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from angen.studio.requests.fields import Strict

_ACCEPTED: dict[str, Any] = {
    "required": ["name", "accept_licence"],
    "properties": {"accept_licence": {"const": True}},
}


class FetchRequest(Strict):
    """Fetch a base model, the weights that separate stems, or the outside judge."""

    model_config = ConfigDict(json_schema_extra={"allOf": [_ACCEPTED]})

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="Hub id such as owner/name, spleeter, htdemucs or musicnn.",
        ),
    ]
    accept_licence: Annotated[
        bool, Field(description="You have read the licence on its page and accept it.")
    ] = False
