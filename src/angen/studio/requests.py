"""What can be asked of the studio, field by field: the bodies of the REST calls, the page's forms.

Every field says what it means, in which unit, within which range, and what it is when left out.
Long because much can be asked; each request is read by itself. Needs no torch.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from angen.adapters.shape import ATTENTION, MAX_STRENGTH, MLP
from angen.audio.stems import DEFAULT_MODEL
from angen.data.style_source import StyleSource
from angen.errors import BadInput
from angen.fitting.config import FIT_RANGES, FitConfig
from angen.names import MAX_NAME_BYTES, check_name
from angen.training.config import RANGES, Precision, TrainingConfig

MIN_S, MAX_S = 1.0, 600.0  # length of a song
MAX_FILES = 500  # in one request
MAX_ADAPTERS = 8  # that sound at once
SHORTEST_CLIP_S, LONGEST_CLIP_S = 1.0, 120.0
NOT_RECIPE = frozenset(
    {"name", "dataset", "base", "overwrite", "report", "report_songs", "report_s"}
    | {"samples", "sample_prompt", "sample_s", "sample_seed"}
)

_Request = TypeVar("_Request", bound=BaseModel)


def _name_of(kind: str) -> Callable[[str], str]:
    def check(name: str) -> str:
        try:
            return check_name(kind, name)
        except BadInput as error:
            raise ValueError(str(error)) from error

    return check


def _range(name: str, ranges: Mapping[str, tuple[float, float]] = RANGES) -> dict[str, Any]:
    """``ge`` and ``le`` of a field of a recipe, whole numbers as such."""
    low, high = ranges[name]
    return {"ge": low, "le": high}


_ID = r"^[A-Za-z0-9_-]{1,64}$"
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
Id = Annotated[str, Field(pattern=_ID)]
UploadIds = Annotated[
    tuple[Id, ...],
    Field(min_length=1, max_length=MAX_FILES, description="Ids of uploaded recordings."),
]


class Strict(BaseModel):
    """Unknown fields are refused by name; numbers are numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# songs


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


class SongRequest(Strict):
    """Everything that makes a song what it is: the same request gives the same song."""

    prompt: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2_000,
            description="The style: genre, mood, instruments, tempo, key.",
            examples=["smooth jazz, calm, piano, 90 BPM"],
        ),
    ]
    lyrics: Annotated[
        str,
        Field(
            max_length=20_000,
            description="What is sung, line by line, with tags such as [verse]; empty: nothing.",
        ),
    ] = ""
    duration_s: Annotated[
        float, Field(ge=MIN_S, le=MAX_S, description="Length in seconds, 1 to 600.")
    ] = 20.0
    seed: Annotated[
        int, Field(ge=0, lt=2**53, description="The same seed gives the same song.")
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


# recordings


def _clip_s(description: str) -> Any:
    return Field(ge=SHORTEST_CLIP_S, le=LONGEST_CLIP_S, description=description)


ShortestClip = Annotated[float, _clip_s("Shortest clip, in seconds.")]
LongestClip = Annotated[
    float, _clip_s("Longest clip, in seconds: twice the shortest and the overlap, or more.")
]
Overlap = Annotated[
    float, Field(ge=0, le=60, description="How much of a clip the next one repeats, in seconds.")
]


class AnalyzeRequest(Strict):
    """Listen to recordings, cut them, and fill a metadata table."""

    files: UploadIds
    auto_split: Annotated[
        bool, Field(description="Cut into clips on musical boundaries; else a file is one clip.")
    ] = True
    separate_stems: Annotated[
        bool, Field(description="Separate vocals, drums, bass and the rest as well.")
    ] = False
    min_s: ShortestClip = 10.0
    max_s: LongestClip = 30.0
    overlap_s: Overlap = 0.0
    collection: Annotated[
        Id | None, Field(description="Add to this metadata table; a new one when left out.")
    ] = None
    name: Annotated[
        str, Field(max_length=100, description="What the new table is called, for people.")
    ] = ""


class SplitRequest(Strict):
    """Cut recordings into clips, without describing them."""

    files: UploadIds
    min_s: ShortestClip = 10.0
    max_s: LongestClip = 30.0
    overlap_s: Overlap = 0.0


class StemsRequest(Strict):
    """Take recordings apart into vocals, drums, bass and the rest."""

    files: UploadIds
    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,40}$", description="Demucs model.")] = (
        DEFAULT_MODEL
    )


class FillRequest(Strict):
    """Listen anew to the clips of a table, and fill what no person has written."""

    collection: Annotated[Id, Field(description="Id of the metadata table.")]
    rows: Annotated[
        tuple[Id, ...], Field(max_length=10_000, description="Only these rows; empty: all.")
    ] = ()


_EITHER: Any = (
    {
        "properties": {"collection": {"type": "string"}, "files": {"maxItems": 0}},
        "required": ["collection"],
    },
    {
        "properties": {"collection": {"type": "null"}, "files": {"minItems": 1}},
        "required": ["files"],
    },
)


class PrepareRequest(Strict):
    """Make a training set from a metadata table, or at once from uploaded recordings."""

    model_config = ConfigDict(json_schema_extra={"oneOf": list(_EITHER)})

    collection: Annotated[Id | None, Field(description="Id of the metadata table.")] = None
    files: Annotated[
        tuple[Id, ...],
        Field(max_length=MAX_FILES, description="Uploaded recordings, where there is no table."),
    ] = ()
    name: Annotated[
        DatasetName | None, Field(description="Of the dataset; user_dataset_<time> when left out.")
    ] = None
    held_out: Annotated[
        float,
        Field(ge=0, le=0.5, description="Share of clips kept aside to judge by, in whole songs."),
    ] = 0.1
    seed: Annotated[
        int, Field(ge=0, lt=2**32, description="Of the choice of what is kept aside.")
    ] = 0
    licence: Annotated[
        str | None, Field(max_length=500, description="Of the recordings, carried along.")
    ] = None
    overwrite: Annotated[bool, Field(description="A dataset of this name gives way.")] = False


# training


class TrainRequest(Strict):
    """Train an adapter on a dataset, then measure what it does."""

    name: Annotated[AdapterName, Field(description="Name of the new adapter.")]
    dataset: Annotated[DatasetName, Field(description="Name of the dataset to train on.")]
    batch_size: Annotated[
        int, Field(**_range("batch_size"), description="Clips at once in memory.")
    ] = 4
    learning_rate: Annotated[
        float, Field(**_range("learning_rate"), description="At its height.")
    ] = 3e-4
    epochs: Annotated[
        int, Field(**_range("epochs"), description="Times that every clip is heard.")
    ] = 10
    rank: Annotated[
        int, Field(**_range("rank"), description="LoRA rank: how much an adapter can hold.")
    ] = 16
    alpha: Annotated[
        int, Field(**_range("alpha"), description="LoRA alpha; the update is scaled by alpha/rank.")
    ] = 32
    max_steps: Annotated[
        int | None,
        Field(**_range("max_steps"), description="Exactly so many steps, in place of epochs."),
    ] = None
    accumulation: Annotated[
        int, Field(**_range("accumulation"), description="Batches in one step.")
    ] = 1
    targets: Annotated[
        tuple[Annotated[str, Field(json_schema_extra={"enum": list(ATTENTION + MLP)})], ...],
        Field(min_length=1, max_length=7, description="Layers of the model that are adapted."),
    ] = ATTENTION
    lora_dropout: Annotated[
        float, Field(**_range("lora_dropout"), description="Share of inputs dropped in training.")
    ] = 0.0
    style: Annotated[StyleSource, Field(description="What tells the model a clip's style.")] = (
        StyleSource.BOTH
    )
    max_clip_s: Annotated[
        float,
        Field(**_range("max_clip_s"), description="Longer clips are cropped to so many seconds."),
    ] = 30.0
    condition_dropout: Annotated[
        float,
        Field(**_range("condition_dropout"), description="Share of clips without lyrics and style"),
    ] = 0.1
    warmup_steps: Annotated[
        int, Field(**_range("warmup_steps"), description="At most a tenth of all steps.")
    ] = 100
    weight_decay: Annotated[
        float, Field(**_range("weight_decay"), description="AdamW's pull towards zero.")
    ] = 0.01
    clip_norm: Annotated[float, Field(**_range("clip_norm"), description="Longest gradient.")] = 1.0
    gradient_checkpointing: Annotated[
        bool, Field(description="Half the memory for a third more time.")
    ] = False
    precision: Annotated[Precision, Field(description="In what the base computes.")] = (
        Precision.AUTO
    )
    seed: Annotated[
        int, Field(**_range("seed"), description="Same seed, same training on a CPU.")
    ] = 0
    log_every: Annotated[
        int, Field(**_range("log_every"), description="Steps between lines of the log.")
    ] = 100
    checkpoint_every: Annotated[
        int, Field(**_range("checkpoint_every"), description="Steps between checkpoints.")
    ] = 500
    keep_checkpoints: Annotated[
        int, Field(**_range("keep_checkpoints"), description="Newest checkpoints that are kept.")
    ] = 3
    validation_blocks: Annotated[
        int,
        Field(
            **_range("validation_blocks"),
            description="Blocks of 2 s heard per validation, at least.",
        ),
    ] = 32
    base: Annotated[
        str | None, Field(max_length=500, description="Base model; that of the settings else.")
    ] = None
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
        Field(ge=0, le=50, description="Short songs made along the way, evenly spread; 0: none."),
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


# the encoder that a released base model lacks


def _fit(name: str, description: str) -> Any:
    return Field(**_range(name, FIT_RANGES), description=description)


_TEACHERS: Any = (  # one of them at least, and recordings where recordings are to teach
    {
        "anyOf": [
            {"properties": {"files": {"minItems": 1}}, "required": ["files"]},
            {"properties": {"collection": {"type": "string"}}, "required": ["collection"]},
            {"properties": {"sound_weight": {"const": 0}}, "required": ["sound_weight"]},
        ]
    },
    {
        "anyOf": [
            {"properties": {"pairs_weight": {"exclusiveMinimum": 0}}},
            {"properties": {"sound_weight": {"exclusiveMinimum": 0}}},
        ]
    },
)
NOT_OF_FIT = frozenset({"base", "files", "collection", "restart", "overwrite"})


class FitEncoderRequest(Strict):
    """Fit an encoder to the decoder of a base model that was released without one."""

    model_config = ConfigDict(json_schema_extra={"allOf": list(_TEACHERS)})

    base: Annotated[
        str | None, Field(max_length=500, description="Base model; that of the settings else.")
    ] = None
    files: Annotated[
        tuple[Id, ...],
        Field(max_length=MAX_FILES, description="Uploaded recordings to learn from."),
    ] = ()
    collection: Annotated[
        Id | None, Field(description="Id of a metadata table, whose clips are learned from too.")
    ] = None
    steps: Annotated[int, _fit("steps", "Steps of the fit.")] = 20_000
    songs: Annotated[int, _fit("songs", "Songs that the base makes, to be learned from.")] = 400
    song_s: Annotated[float, _fit("song_s", "Length of those songs, in seconds.")] = 20.0
    clips: Annotated[int, _fit("clips", "Clips of each kind in a step.")] = 8
    clip_frames: Annotated[
        int, _fit("clip_frames", "Latent frames of a clip, 5 a second: whole blocks of the base.")
    ] = 20
    learning_rate: Annotated[float, _fit("learning_rate", "At its height.")] = 3e-4
    clip_norm: Annotated[float, _fit("clip_norm", "Longest gradient.")] = 1.0
    pairs_weight: Annotated[
        float, _fit("pairs_weight", "Say of the latents of those songs; 0: none.")
    ] = 1.0
    sound_weight: Annotated[
        float,
        _fit("sound_weight", "Say of recordings through the decoder; 0: fit without recordings."),
    ] = 0.3
    moments_weight: Annotated[
        float, _fit("moments_weight", "Say of mean and deviation of recordings' latents; 0: none.")
    ] = 0.1
    prior_weight: Annotated[
        float,
        _fit("prior_weight", "Say of how hard recordings' latents are to denoise; 0: none."),
    ] = 0.1
    refine: Annotated[
        int, _fit("refine", "Gradient steps on each clip that is encoded later: nearer, slower.")
    ] = 0
    width: Annotated[
        int,
        Field(**_range("width", FIT_RANGES), multiple_of=2, description="Of the network, even."),
    ] = 384
    depth: Annotated[int, _fit("depth", "Layers of the network.")] = 4
    save_every: Annotated[int, _fit("save_every", "Steps between savings and validations.")] = 500
    seed: Annotated[int, _fit("seed", "Same seed, same encoder on a CPU.")] = 0
    restart: Annotated[
        bool, Field(description="An unfinished fit of another recipe gives way.")
    ] = False
    overwrite: Annotated[
        bool, Field(description="The encoder that the base has gives way to the new one.")
    ] = False

    @property
    def config(self) -> FitConfig:
        """The recipe. Raises BadInput when nothing would teach."""
        return FitConfig(**{n: getattr(self, n) for n in set(type(self).model_fields) - NOT_OF_FIT})


class QuoteEncoderRequest(FitEncoderRequest):
    """What the same fit would take."""


_SOUNDS: Any = (
    {"properties": {"files": {"minItems": 1}}, "required": ["files"]},
    {"properties": {"collection": {"type": "string"}}, "required": ["collection"]},
)


class CheckEncoderRequest(Strict):
    """Is a fitted encoder good enough to train with? Measured on recordings new to it."""

    model_config = ConfigDict(json_schema_extra={"anyOf": list(_SOUNDS)})

    base: Annotated[
        str | None, Field(max_length=500, description="Base model; that of the settings else.")
    ] = None
    files: Annotated[
        tuple[Id, ...],
        Field(max_length=MAX_FILES, description="Uploaded recordings; the first eight are used."),
    ] = ()
    collection: Annotated[
        Id | None, Field(description="Id of a metadata table, whose clips are used too.")
    ] = None
    refine: Annotated[
        int | None,
        Field(
            **_range("refine", FIT_RANGES),
            description="Gradient steps a clip; as the encoder was fitted when left out.",
        ),
    ] = None


class PublishEncoderRequest(Strict):
    """Make an archive of a fitted encoder and its card, ready for a hub."""

    base: Annotated[
        str | None, Field(max_length=500, description="Base model; that of the settings else.")
    ] = None
    licence: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$",
            description="Of the weights, as hubs write it.",
            examples=["apache-2.0"],
        ),
    ] = "apache-2.0"


class MergeRequest(Strict):
    """One adapter that does what several do together."""

    name: Annotated[AdapterName, Field(description="Name of the new adapter.")]
    adapters: Annotated[
        tuple[AdapterUse, ...], Field(min_length=2, max_length=MAX_ADAPTERS, description="Parts.")
    ]


_ACCEPTED: dict[str, Any] = {
    "required": ["name", "accept_licence"],
    "properties": {"accept_licence": {"const": True}},
}


class FetchRequest(Strict):
    """Fetch a base model, or the weights that separate stems."""

    model_config = ConfigDict(json_schema_extra={"allOf": [_ACCEPTED]})

    name: Annotated[
        str,
        Field(min_length=1, max_length=200, description="Hub id such as owner/name, or htdemucs."),
    ]
    accept_licence: Annotated[
        bool, Field(description="You have read the licence on its page and accept it.")
    ] = False


class MetadataEdit(Strict):
    """A person's values for a clip. Left out: as it is. Empty: none. null: the machine's again."""

    genre: Annotated[str | None, Field(max_length=500, description="Such as jazz.")] = None
    bpm: Annotated[float | str | None, Field(description="Beats per minute, up to 1000.")] = None
    key: Annotated[str | None, Field(max_length=500, description="Such as C major.")] = None
    mood: Annotated[str | None, Field(max_length=500, description="Such as calm.")] = None
    instruments: Annotated[
        str | tuple[str, ...] | None, Field(description="A list, or names with commas between.")
    ] = None
    description: Annotated[
        str | None, Field(max_length=5_000, description="A sentence that the model is told too.")
    ] = None
    lyrics: Annotated[
        str | None, Field(max_length=50_000, description="What is sung, with tags like [verse].")
    ] = None
    energy: Annotated[str | None, Field(description="low, medium or high.")] = None

    def given(self) -> dict[str, Any]:
        """The fields that were said anything about."""
        return {name: getattr(self, name) for name in self.model_fields_set}


# from outside


def asked(kind: type[_Request], values: Mapping[str, Any]) -> _Request:
    """A request from values of outside. Raises BadInput that names each value and its range."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        ranges = FIT_RANGES if issubclass(kind, FitEncoderRequest) else RANGES
        faults = " ".join(_fault(f["loc"], f, ranges) for f in error.errors())
        raise BadInput(faults) from error


def _fault(
    place: tuple[int | str, ...], fault: Any, ranges: Mapping[str, tuple[float, float]]
) -> str:
    name, value = ".".join(str(part) for part in place), fault["input"]
    if name == "duration_s":
        return f"A duration of {value} s cannot be made: give {MIN_S:g} to {MAX_S:g} seconds."
    if name in ranges and fault["type"] in _OUTSIDE:
        low, high = ranges[name]
        return f"{name}={value:g} is outside {low:g} to {high:g}."
    return f"{name}={value!r:.60}: {fault['msg']}."


_OUTSIDE = frozenset({"greater_than_equal", "less_than_equal"})


def new_seed() -> int:
    """A seed for a person who did not choose one."""
    return secrets.randbelow(2**31)


def check_id(kind: str, value: str) -> str:
    """``value`` if it has the form of an id. Raises BadInput."""
    if not re.fullmatch(_ID, value):
        raise BadInput(f"{value[:80]!r} is no {kind}. Look it up in the list.")
    return value
