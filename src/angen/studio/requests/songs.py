"""What can be asked about songs."""

import secrets
from typing import Annotated

from pydantic import AfterValidator, Field

from angen.adapters.shape import MAX_STRENGTH
from angen.studio.requests.fields import MAX_S, MIN_S, Strict

MAX_ADAPTERS = 8  # that sound at once
SEEDS = 2**53  # so many, from 0 on: whole numbers that every JSON reader keeps


class AdapterUse(Strict):
    """An adapter, and how strongly it sounds."""

    name: Annotated[str, Field(min_length=1, description="Name of an adapter of the library.")]
    strength: Annotated[
        float, Field(ge=0, le=MAX_STRENGTH, description="0 is off, 1 as trained, 2 twice that.")
    ] = 1.0
    sha256: Annotated[
        str,
        Field(
            pattern=r"^([0-9a-f]{64})?$",
            description="Of its weights. Set when a song was made with it; leave it empty.",
        ),
    ] = ""


PROMPT = "smooth jazz, calm, piano, 90 BPM"  # an example


def _not_empty(prompt: str) -> str:
    if not prompt.strip():
        raise ValueError(f"prompt is empty. Write, for example: {PROMPT}.")
    return prompt


class SongRequest(Strict):
    """Everything that makes a song what it is: the same request gives the same song."""

    prompt: Annotated[
        str,
        Field(
            max_length=2_000,
            description="The style: genre, mood, instruments, tempo, key.",
            examples=[PROMPT],
            json_schema_extra={"minLength": 1, "pattern": r"\S"},  # ``_not_empty`` judges
        ),
        AfterValidator(_not_empty),
    ]
    lyrics: Annotated[
        str,
        Field(
            max_length=20_000,
            description="What is sung, line by line, with tags such as [verse]; empty: nothing. "
            "Latin letters are read as English; a line [lang: fr] or [lang: de] changes that for "
            "the lines below. mini has no voice and follows the tags alone.",
        ),
    ] = ""
    duration_s: Annotated[
        float, Field(ge=MIN_S, le=MAX_S, description="Length in seconds, 1 to 600.")
    ] = 20.0
    seed: Annotated[
        int, Field(ge=0, lt=SEEDS, description="The same seed gives the same song.")
    ] = 0
    steps: Annotated[
        int, Field(ge=1, le=200, description="Steps per block of 2 s: more is cleaner and slower.")
    ] = 15
    guidance: Annotated[
        float, Field(ge=0, le=20, description="1 follows the prompt as learned, more insists.")
    ] = 3.0
    adapters: Annotated[
        tuple[AdapterUse, ...],
        Field(max_length=MAX_ADAPTERS, description="Adapters that sound together."),
    ] = ()
    base: Annotated[
        str, Field(max_length=500, description="Base model; empty: that of the settings.")
    ] = ""


def new_seed() -> int:
    """A seed for a person who did not choose one."""
    return secrets.randbelow(2**31)
