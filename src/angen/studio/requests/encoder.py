"""What can be asked about the encoder that a released base model lacks."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from angen.fitting.config import FIT_RANGES, FitConfig
from angen.studio.requests.fields import MAX_FILES, BaseName, Id, Strict, within


def _fit(name: str, description: str) -> Any:
    return Field(**within(name, FIT_RANGES), description=description)


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

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = FIT_RANGES
    model_config = ConfigDict(json_schema_extra={"allOf": list(_TEACHERS)})

    base: BaseName = None
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
        Field(**within("width", FIT_RANGES), multiple_of=2, description="Of the network, even."),
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

    base: BaseName = None
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
            **within("refine", FIT_RANGES),
            description="Gradient steps a clip; as the encoder was fitted when left out.",
        ),
    ] = None


class PublishEncoderRequest(Strict):
    """Make an archive of a fitted encoder and its card, ready for a hub."""

    base: BaseName = None
    licence: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$",
            description="Of the weights, as hubs write it.",
            examples=["apache-2.0"],
        ),
    ] = "apache-2.0"
