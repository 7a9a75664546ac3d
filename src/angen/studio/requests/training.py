"""What can be asked about trainings and the adapters they make."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from angen.adapters.shape import ATTENTION, MLP
from angen.data.style_source import StyleSource
from angen.studio.requests.fields import AdapterName, BaseName, DatasetName, Strict, within
from angen.studio.requests.songs import MAX_ADAPTERS, AdapterUse
from angen.training.config import Precision, TrainingConfig

NOT_RECIPE = frozenset(
    {"name", "dataset", "base", "preset", "overwrite", "report", "report_songs", "report_s"}
    | {"samples", "sample_prompt", "sample_s", "sample_seed"}
)


class Preset(StrEnum):
    """Whose recipe a training follows where nothing else is said."""

    BASE = "base"  # what was found to work for that base
    DOCUMENTS = "documents"  # rank 16, attention alone, 3e-4, ten epochs: whatever the base


def _given(name: str, description: str) -> Any:
    """A number of the recipe; where it is not given, the preset's holds."""
    return Field(None, **within(name), description=description)


class TrainRequest(Strict):
    """Train an adapter on a dataset, then measure what it does.

    Fields of the recipe that are not given are those of the preset.
    """

    name: Annotated[AdapterName, Field(description="Name of the new adapter.")]
    dataset: Annotated[DatasetName, Field(description="Name of the dataset to train on.")]
    preset: Annotated[Preset, Field(description="Whose recipe holds for what is not given.")] = (
        Preset.BASE
    )
    batch_size: int | None = _given("batch_size", "Clips at once in memory.")
    learning_rate: float | None = _given("learning_rate", "At its height.")
    epochs: int | None = _given("epochs", "Times that every clip is heard.")
    rank: int | None = _given("rank", "LoRA rank: how much an adapter can hold.")
    alpha: int | None = _given("alpha", "LoRA alpha; the update is scaled by alpha/rank.")
    max_steps: int | None = _given("max_steps", "Exactly so many steps, in place of epochs.")
    least_steps: int | None = _given(
        "least_steps", "Epochs are added until there are as many; 0 where epochs are given."
    )
    accumulation: int | None = _given("accumulation", "Batches in one step.")
    targets: Annotated[
        tuple[Annotated[str, Field(json_schema_extra={"enum": list(ATTENTION + MLP)})], ...] | None,
        Field(min_length=1, max_length=7, description="Layers of the model that are adapted."),
    ] = None
    lora_dropout: float | None = _given("lora_dropout", "Share of inputs dropped in training.")
    style: Annotated[
        StyleSource | None, Field(description="What tells the model a clip's style.")
    ] = None
    max_clip_s: float | None = _given("max_clip_s", "Longer clips are cropped to so many seconds.")
    condition_dropout: float | None = _given(
        "condition_dropout", "Share of clips without lyrics and style."
    )
    warmup_steps: int | None = _given("warmup_steps", "At most a tenth of all steps.")
    weight_decay: float | None = _given("weight_decay", "AdamW's pull towards zero.")
    clip_norm: float | None = _given("clip_norm", "Longest gradient.")
    gradient_checkpointing: Annotated[
        bool | None, Field(description="Half the memory for a third more time.")
    ] = None
    precision: Annotated[Precision | None, Field(description="In what the base computes.")] = None
    seed: int | None = _given("seed", "Same seed, same training on a CPU.")
    log_every: int | None = _given("log_every", "Steps between lines of the log.")
    checkpoint_every: int | None = _given(
        "checkpoint_every", "Steps between checkpoints; besides, one is saved every 3 minutes."
    )
    keep_checkpoints: int | None = _given(
        "keep_checkpoints", "Newest checkpoints that are kept, of those by steps."
    )
    validation_blocks: int | None = _given(
        "validation_blocks", "Blocks of 2 s heard per validation, at least."
    )
    base: BaseName = None
    overwrite: Annotated[bool, Field(description="An adapter of this name gives way.")] = False
    report: Annotated[bool, Field(description="Measure the effect afterwards.")] = True
    report_songs: Annotated[
        int, Field(ge=4, le=64, description="Songs that the report makes a side.")
    ] = 16
    report_s: Annotated[
        float, Field(ge=2, le=60, description="Length of those songs, in seconds.")
    ] = 10.0
    samples: Annotated[
        int,
        Field(
            ge=0,
            le=50,
            description="Short songs made along the way after the one before it, evenly spread, at "
            "most one in 25 steps; 0: none at all.",
        ),
    ] = 4
    sample_prompt: Annotated[
        str, Field(max_length=2_000, description="Their prompt; empty: that of a clip kept aside.")
    ] = ""
    sample_s: Annotated[float, Field(ge=1, le=60, description="Their length, in seconds.")] = 8.0
    sample_seed: Annotated[int, Field(ge=0, lt=2**53, description="Their seed.")] = 0

    def config(self, own: TrainingConfig) -> TrainingConfig:
        """The recipe; ``own`` is that of the base. Raises BadInput for layers that do not exist."""
        names = set(type(self).model_fields) - NOT_RECIPE
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        if "epochs" in given:  # whoever counts epochs means so many
            given.setdefault("least_steps", 0)
        return replace(own if self.preset is Preset.BASE else TrainingConfig(), **given)


class QuoteRequest(TrainRequest):
    """What the same training would take."""


class ResumeRequest(Strict):
    """Go on with a training that was stopped."""

    name: Annotated[AdapterName, Field(description="Name of the adapter.")]
    report: Annotated[bool, Field(description="Measure the effect afterwards.")] = True
    report_songs: Annotated[
        int, Field(ge=4, le=64, description="Songs that the report makes a side.")
    ] = 16
    report_s: Annotated[
        float, Field(ge=2, le=60, description="Length of those songs, in seconds.")
    ] = 10.0


class ReportRequest(Strict):
    """Measure anew what an adapter does."""

    adapter: Annotated[AdapterName, Field(description="Name of the adapter.")]
    dataset: Annotated[
        DatasetName | None, Field(description="Another dataset than its own to measure against.")
    ] = None
    songs: Annotated[int, Field(ge=4, le=64, description="Songs made a side.")] = 16
    song_s: Annotated[float, Field(ge=2, le=60, description="Their length, in seconds.")] = 10.0


class MergeRequest(Strict):
    """One adapter that does what several do together."""

    name: Annotated[AdapterName, Field(description="Name of the new adapter.")]
    adapters: Annotated[
        tuple[AdapterUse, ...], Field(min_length=2, max_length=MAX_ADAPTERS, description="Parts.")
    ]
