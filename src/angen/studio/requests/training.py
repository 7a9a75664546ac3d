"""What can be asked about trainings and the adapters they make."""

from typing import Annotated

from pydantic import Field

from angen.adapters.shape import ATTENTION, MLP
from angen.data.style_source import StyleSource
from angen.studio.requests.fields import AdapterName, BaseName, DatasetName, Strict, within
from angen.studio.requests.songs import MAX_ADAPTERS, AdapterUse
from angen.training.config import Precision, TrainingConfig

NOT_RECIPE = frozenset(
    {"name", "dataset", "base", "overwrite", "report", "report_songs", "report_s"}
    | {"samples", "sample_prompt", "sample_s", "sample_seed"}
)


class TrainRequest(Strict):
    """Train an adapter on a dataset, then measure what it does."""

    name: Annotated[AdapterName, Field(description="Name of the new adapter.")]
    dataset: Annotated[DatasetName, Field(description="Name of the dataset to train on.")]
    batch_size: Annotated[
        int, Field(**within("batch_size"), description="Clips at once in memory.")
    ] = 4
    learning_rate: Annotated[
        float, Field(**within("learning_rate"), description="At its height.")
    ] = 3e-4
    epochs: Annotated[
        int, Field(**within("epochs"), description="Times that every clip is heard.")
    ] = 10
    rank: Annotated[
        int, Field(**within("rank"), description="LoRA rank: how much an adapter can hold.")
    ] = 16
    alpha: Annotated[
        int,
        Field(**within("alpha"), description="LoRA alpha; the update is scaled by alpha/rank."),
    ] = 32
    max_steps: Annotated[
        int | None,
        Field(**within("max_steps"), description="Exactly so many steps, in place of epochs."),
    ] = None
    accumulation: Annotated[
        int, Field(**within("accumulation"), description="Batches in one step.")
    ] = 1
    targets: Annotated[
        tuple[Annotated[str, Field(json_schema_extra={"enum": list(ATTENTION + MLP)})], ...],
        Field(min_length=1, max_length=7, description="Layers of the model that are adapted."),
    ] = ATTENTION
    lora_dropout: Annotated[
        float, Field(**within("lora_dropout"), description="Share of inputs dropped in training.")
    ] = 0.0
    style: Annotated[StyleSource, Field(description="What tells the model a clip's style.")] = (
        StyleSource.BOTH
    )
    max_clip_s: Annotated[
        float,
        Field(**within("max_clip_s"), description="Longer clips are cropped to so many seconds."),
    ] = 30.0
    condition_dropout: Annotated[
        float,
        Field(**within("condition_dropout"), description="Share of clips without lyrics and style"),
    ] = 0.1
    warmup_steps: Annotated[
        int, Field(**within("warmup_steps"), description="At most a tenth of all steps.")
    ] = 100
    weight_decay: Annotated[
        float, Field(**within("weight_decay"), description="AdamW's pull towards zero.")
    ] = 0.01
    clip_norm: Annotated[float, Field(**within("clip_norm"), description="Longest gradient.")] = 1.0
    gradient_checkpointing: Annotated[
        bool, Field(description="Half the memory for a third more time.")
    ] = False
    precision: Annotated[Precision, Field(description="In what the base computes.")] = (
        Precision.AUTO
    )
    seed: Annotated[
        int, Field(**within("seed"), description="Same seed, same training on a CPU.")
    ] = 0
    log_every: Annotated[
        int, Field(**within("log_every"), description="Steps between lines of the log.")
    ] = 100
    checkpoint_every: Annotated[
        int,
        Field(
            **within("checkpoint_every"),
            description="Steps between checkpoints; besides, one is saved every 3 minutes.",
        ),
    ] = 500
    keep_checkpoints: Annotated[
        int,
        Field(
            **within("keep_checkpoints"),
            description="Newest checkpoints that are kept, of those by steps.",
        ),
    ] = 3
    validation_blocks: Annotated[
        int,
        Field(
            **within("validation_blocks"),
            description="Blocks of 2 s heard per validation, at least.",
        ),
    ] = 32
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

    @property
    def config(self) -> TrainingConfig:
        """The recipe. Raises BadInput for layers that do not exist."""
        recipe = set(type(self).model_fields) - NOT_RECIPE
        return TrainingConfig(**{name: getattr(self, name) for name in recipe})


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
