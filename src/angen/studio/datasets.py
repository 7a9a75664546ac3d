"""Training sets: made from recordings, listed, and their metadata table out and in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from angen.data.manifest import FILE_NAME, DatasetInfo, load_info, save_info
from angen.data.prepare import PrepareConfig, prepare
from angen.data.tables import apply_table, read_table, write_table
from angen.errors import BadInput
from angen.names import check_name
from angen.studio.settings import Settings

OnStep = Callable[[int, int], None]  # seconds of audio done, in all; may raise Stopped


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A training set as the list shows it."""

    name: str
    folder: Path
    created: str
    kind: str
    songs: int
    training_clips: int
    validation_clips: int
    minutes: float
    problem: str = ""  # why it cannot be used


def prepare_dataset(
    sources: Sequence[Path],
    settings: Settings,
    on_step: OnStep,
    *,
    name: str | None = None,
    config: PrepareConfig | None = None,
    table: Path | None = None,
) -> DatasetInfo:
    """Make a training set from recordings: listen, cut, describe, keep a tenth aside.

    name: ``user_dataset_<time>`` unless given. table: a person's CSV or JSON of metadata.

    Raises BadInput for a bad or taken name and when the recordings give fewer than two clips;
    OutOfSpace.
    """
    return prepare(
        sources,
        name or f"user_dataset_{int(datetime.now(UTC).timestamp())}",
        settings.datasets,
        config or PrepareConfig(),
        on_step,
        table=None if table is None else read_table(table),
    )


def list_datasets(settings: Settings) -> list[Dataset]:
    """All training sets, by name; damaged ones too, with their problem."""
    if not settings.datasets.is_dir():
        return []
    folders = sorted(path for path in settings.datasets.iterdir() if (path / FILE_NAME).is_file())
    return [_listed(folder) for folder in folders if not folder.name.startswith(".")]


def dataset_folder(settings: Settings, name: str) -> Path:
    """The folder of a training set that exists. Raises BadInput that lists those there are."""
    folder = settings.datasets / check_name("dataset", name)
    if not (folder / FILE_NAME).is_file():
        names = ", ".join(dataset.name for dataset in list_datasets(settings))
        there = f"There are: {names}." if names else "There are none yet: run `angen prepare`."
        raise BadInput(f"There is no dataset {name!r} in {settings.datasets}. {there}")
    return folder


def show_dataset(settings: Settings, name: str) -> DatasetInfo:
    """All that is known of a training set."""
    return load_info(dataset_folder(settings, name))


def export_metadata(settings: Settings, name: str, path: Path) -> int:
    """Write the metadata table as CSV, to be edited and imported; the number of its rows."""
    info = show_dataset(settings, name)
    write_table(info, path)
    return len(info.clips)


def import_metadata(settings: Settings, name: str, path: Path) -> list[str]:
    """Take over a person's edited table, CSV or JSON; the rows that fit no clip.

    Raises BadInput, changing nothing, for a value that does not fit its column.
    """
    folder = dataset_folder(settings, name)
    info, unused = apply_table(load_info(folder), read_table(path), str(path))
    save_info(info, folder)
    return unused


def _listed(folder: Path) -> Dataset:
    try:
        info = load_info(folder)
    except BadInput as error:
        return Dataset(
            name=folder.name,
            folder=folder,
            created="",
            kind="",
            songs=0,
            training_clips=0,
            validation_clips=0,
            minutes=0,
            problem=str(error),
        )
    return Dataset(
        name=folder.name,
        folder=folder,
        created=info.created,
        kind=info.kind,
        songs=len(info.songs),
        training_clips=len(info.side("train")),
        validation_clips=len(info.side("validation")),
        minutes=round(info.duration_s / 60, 2),
    )
