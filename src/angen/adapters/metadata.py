"""``metadata.json``: how an adapter came to be, readable without loading it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from angen.errors import Incompatible, Taken
from angen.files import replacing
from angen.jsons import read_object

METADATA_FILE = "metadata.json"
MAX_METADATA_VALUES = 200_000

Kind = Literal["user", "vocal", "symbolic", "merged", "imported"]
TRAINED_KINDS = ("user", "vocal", "symbolic")
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BaseFacts(_Strict):
    """The model that the adapter belongs to."""

    name: str
    fingerprint: str  # sha256 over the DiT's files
    style: str = ""  # whose weights made the style vectors, and their licence, if not its own


class DatasetFacts(_Strict):
    """What it was trained on."""

    name: str
    fingerprint: str
    folder: str = ""  # where it was, for ``--resume``
    training_clips: Count
    validation_clips: Count
    minutes: Amount
    licences: tuple[str, ...] = ()


class Losses(_Strict):
    """Flow-matching errors; None where nothing was measured."""

    training: float | None = None  # mean over the last epoch
    validation_base: float | None = None  # of the base, before the first step
    validation_best: float | None = None
    validation_final: float | None = None
    best_step: int | None = None
    by_time: dict[str, float] = {}  # final validation loss by flow time, "0.0-0.2" -> loss


class AdapterMetadata(_Strict):
    """An adapter's birth certificate."""

    version: Literal[1] = 1
    name: str
    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    finished: str | None = None
    kind: Kind = "user"
    base: BaseFacts | None = None
    dataset: DatasetFacts | None = None
    recipe: dict[str, Any] = {}  # every field of TrainingConfig
    rank: Count | None = None
    alpha: Amount | None = None
    steps: Count = 0
    epochs: Count = 0
    seconds: Amount = 0.0
    losses: Losses = Losses()
    libraries: dict[str, str] = {}
    device: str = ""
    notes: tuple[str, ...] = ()
    effect: dict[str, Any] | None = None  # the summary of report.json


def write_metadata(folder: Path, metadata: AdapterMetadata) -> None:
    with replacing(folder / METADATA_FILE) as path:
        path.write_text(metadata.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_metadata(folder: Path) -> AdapterMetadata | None:
    """The metadata beside an adapter; None when there are none.

    Raises Incompatible, naming the file and its first fault, when they cannot be read.
    """
    path = folder / METADATA_FILE
    if not path.is_file():
        return None
    try:
        values = read_object(path, most_values=MAX_METADATA_VALUES)
        return AdapterMetadata.model_validate(values)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "the file"
        raise Incompatible(
            f"{path} cannot be read: {where}: {fault['msg']}. It is damaged or from a newer "
            "version; remove it to use the adapter without."
        ) from error
    except ValueError as error:
        raise Incompatible(
            f"{path} cannot be read ({error}). Remove it to use the adapter without."
        ) from error


def is_finished(folder: Path) -> bool:
    """Whether all steps of the adapter's training are done. Raises Incompatible."""
    metadata = read_metadata(folder)
    return metadata is not None and metadata.finished is not None


def refuse_if_finished(folder: Path) -> None:
    """Raise Taken where there is nothing left of a training to go on with. Raises Incompatible."""
    if is_finished(folder):
        raise Taken(
            f"The training of {folder.name!r} is finished: there is nothing to go on with. Train "
            "under another name, or have it overwritten (--overwrite)."
        )


def update_metadata(folder: Path, changes: Mapping[str, Any]) -> AdapterMetadata:
    """Set some fields of an adapter's metadata, for instance ``effect``."""
    metadata = read_metadata(folder) or AdapterMetadata(name=folder.name, kind="imported")
    changed = AdapterMetadata.model_validate(metadata.model_dump() | dict(changes))
    write_metadata(folder, changed)
    return changed
