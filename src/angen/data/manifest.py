"""``dataset_info.json``: the clips of a training set, and all that is known of each.

    DatasetInfo
    ├── clips: Clip          one WAV of 10 to 30 s
    │   ├── source: Source   the recording it was cut from
    │   └── metadata         what a listener would say; the machine's guess until a person edits it
    └── problems             files that were left out, and why

The file is edited by people, so it is read strictly: unknown fields, paths that leave the folder
and files twice in the list are refused by name.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from angen.audio.description import is_sure
from angen.errors import BadInput
from angen.files import replacing
from angen.jsons import read_bytes

FILE_NAME = "dataset_info.json"
FORMAT_VERSION = 1
MAX_BYTES = 256_000_000
MAX_VALUES = 10_000_000  # some 60 for each clip of a thousand hours
_SEARCHED_BYTES = 1_000_000
_MANY = 10_000
_NOTE_STEMS = "The folder stems/ holds the recordings taken apart"

Energy = Literal["low", "medium", "high"]
Split = Literal["train", "validation"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ShortText = Annotated[str, Field(max_length=500)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ClipMetadata(_Strict):
    """What a listener would say of a clip: the columns of the metadata table."""

    genre: ShortText = ""
    bpm: float | None = Field(default=None, gt=0, le=1000)
    key: ShortText = ""
    mood: ShortText = ""
    instruments: tuple[ShortText, ...] = ()
    description: Annotated[str, Field(max_length=5_000)] = ""
    lyrics: Annotated[str, Field(max_length=50_000)] = ""  # empty: instrumental
    energy: Energy | None = None
    confidence: dict[str, float] = {}  # field -> 0..1, of the machine's guess
    edited: tuple[str, ...] = ()  # fields that a person has set
    other: dict[str, str] = {}  # what a person's notes say beside these fields; nothing reads it

    @field_validator("instruments", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value


EDITABLE = ("genre", "bpm", "key", "mood", "instruments", "description", "lyrics", "energy")


class Source(_Strict):
    """The recording that a clip was cut from."""

    file: str  # its path inside the folder that the user gave
    sha256: Sha256
    licence: ShortText | None = None


class Clip(_Strict):
    """One training example."""

    file: str  # relative to the dataset's folder, with forward slashes
    song: str  # clips of one song share it, and one side of the split
    start_s: float = Field(ge=0)  # in the source
    duration_s: float = Field(gt=0)
    ends_song: bool  # the clip reaches the end of the recording: it teaches the model to stop
    split: Split = "train"
    sha256: Sha256  # of the clip's file
    source: Source
    metadata: ClipMetadata = ClipMetadata()

    @field_validator("file")
    @classmethod
    def _inside(cls, value: str) -> str:
        path = PurePosixPath(value)
        if not value or path.is_absolute() or ".." in path.parts or "\\" in value or ":" in value:
            raise ValueError(f"{value!r} is not a path inside the dataset's folder")
        return value


class Problem(_Strict):
    """A file that was left out, or a warning about one that was not."""

    file: str
    reason: str
    left_out: bool = True  # False: a warning about something that is used all the same


class DatasetInfo(_Strict):
    """A training set."""

    version: Literal[1] = 1
    name: str
    created: str  # ISO 8601, UTC
    kind: Literal["user", "vocal", "symbolic"] = "user"
    clips: Annotated[tuple[Clip, ...], FailFast()]  # each fault takes more memory than its cause
    problems: Annotated[tuple[Problem, ...], FailFast()] = ()
    notes: tuple[str, ...] = ()  # what a person should know before training
    stems: tuple[str, ...] = ()  # files of recordings taken apart, for people: nothing reads them

    @model_validator(mode="after")
    def _consistent(self) -> "DatasetInfo":
        seen: set[str] = set()
        for clip in self.clips:
            if clip.file.casefold() in seen:
                raise ValueError(f"{clip.file} is listed twice")
            seen.add(clip.file.casefold())
        sides: dict[str, Split] = {}
        for clip in self.clips:
            if sides.setdefault(clip.song, clip.split) != clip.split:
                raise ValueError(f"song {clip.song!r} has clips on both sides of the split")
        return self

    def side(self, split: Split) -> tuple[Clip, ...]:
        return tuple(clip for clip in self.clips if clip.split == split)

    @property
    def duration_s(self) -> float:
        return sum(clip.duration_s for clip in self.clips)

    @property
    def songs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(clip.song for clip in self.clips))

    @property
    def fingerprint(self) -> str:
        """sha256 of what training depends on: audio, prompts, lyrics, split; not names or dates."""
        facts = [
            (c.sha256, c.split, c.ends_song, prompt_of(c.metadata), c.metadata.lyrics)
            for c in self.clips
        ]
        return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


class _Patient(DatasetInfo):
    """The same, read to its end whatever is wrong with it."""

    clips: tuple[Clip, ...]
    problems: tuple[Problem, ...] = ()


def with_stems(
    info: DatasetInfo, files: Iterable[str], separators: Iterable[str] = ()
) -> DatasetInfo:
    """``info`` of a dataset in whose folder these stems lie. separators: what made them."""
    stems = tuple(files)
    notes = tuple(note for note in info.notes if not note.startswith(_NOTE_STEMS))
    by = " and ".join(sorted(set(separators) - {""}))
    note = (
        f"{_NOTE_STEMS}{f' by {by}' if by else ''}. Training learns from the clips as they are; "
        "to train on vocals alone, bring the vocal stems as recordings."
    )
    return info.model_copy(update={"stems": stems, "notes": (*notes, note) if stems else notes})


def tempo_told(metadata: ClipMetadata) -> int | None:
    """The tempo that ``prompt_of`` tells, in whole beats per minute; None where it tells none."""
    return round(metadata.bpm) if metadata.bpm and trusted(metadata, "bpm") else None


def prompt_of(metadata: ClipMetadata) -> str:
    """The exact style prompt that the model sees for a clip.

    Comma-separated: genre, mood, instruments, energy, tempo, key, and a person's own description.
    The machine's description repeats the rest in a sentence, so it stays out; so do its guesses
    of which it is not sure.
    """
    bpm = tempo_told(metadata)
    told = {
        "genre": metadata.genre,
        "mood": metadata.mood,
        "instruments": ", ".join(metadata.instruments),
        "energy": f"{metadata.energy} energy" if metadata.energy else "",
        "bpm": "" if bpm is None else f"{bpm} BPM",
        "key": metadata.key,
        "description": metadata.description if "description" in metadata.edited else "",
    }
    parts = [text.strip() for field, text in told.items() if text and trusted(metadata, field)]
    return ", ".join(parts) or "music"


def trusted(metadata: ClipMetadata, field: str) -> bool:
    """Whether a field is told to the model: a person wrote it, or the machine was sure enough."""
    return field in metadata.edited or is_sure(metadata.confidence, field)


def load_info(folder: Path, most_values: int = MAX_VALUES) -> DatasetInfo:
    """The manifest of a dataset.

    most_values: names and values that it may hold; fewer where a stranger wrote it.

    Raises BadInput when the file is missing, too large, not JSON, or breaks a rule; the message
    lists every fault with its place.
    """
    path = folder / FILE_NAME
    try:
        data = read_bytes(path, MAX_BYTES, most_values)
    except FileNotFoundError as error:
        raise BadInput(
            f"{folder} is not a dataset: it has no {FILE_NAME}. Run `angen prepare` first."
        ) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise BadInput(f"{path} cannot be read: {error}.") from error
    try:
        return DatasetInfo.model_validate_json(data)
    except ValidationError as error:
        every = _every_fault(data, error)
        raise BadInput(f"{path} is not a valid manifest:\n{_faults(every)}") from error


def _every_fault(data: bytes, first: ValidationError) -> ValidationError:
    """The faults of all clips, where there are few enough to be looked for."""
    if len(data) < _SEARCHED_BYTES:
        try:
            _Patient.model_validate_json(data)
        except ValidationError as every:
            return every
    return first


def _faults(error: ValidationError) -> str:
    if error.error_count() > _MANY:  # listing them takes more memory than the file
        return f"  {error.error_count()} faults: it was not written by this program"
    lines = [
        f"  {'.'.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    ]
    more = [f"  and {len(lines) - 20} more"] if len(lines) > 20 else []
    return "\n".join(lines[:20] + more)


def save_info(info: DatasetInfo, folder: Path) -> Path:
    """Write the manifest into ``folder``, in one piece. Raises OutOfSpace."""
    path = folder / FILE_NAME
    with replacing(path) as beside:
        beside.write_text(text_of(info), encoding="utf-8")
    return path


def text_of(info: DatasetInfo) -> str:
    """The manifest as it is written."""
    return json.dumps(info.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"
