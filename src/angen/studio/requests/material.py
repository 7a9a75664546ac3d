"""What can be asked about recordings, their metadata and training sets."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from angen.studio.requests.fields import MAX_FILES, DatasetName, Id, Strict, UploadIds

SHORTEST_CLIP_S, LONGEST_CLIP_S = 1.0, 120.0


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
        bool, Field(description="Separate stems as well: vocals, and the rest.")
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
    """Take recordings apart: vocals and accompaniment, or vocals, drums, bass and the rest."""

    files: UploadIds
    model: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9_]{1,40}$",
            description="spleeter or a Demucs model; left out: Demucs where it is, else spleeter.",
        ),
    ] = None


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
