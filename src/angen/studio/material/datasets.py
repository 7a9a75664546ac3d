"""Training sets: listed, edited, and their metadata table out and in. Loads nothing heavy."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from angen.data.manifest import FILE_NAME, DatasetInfo, Problem, load_info, save_info
from angen.data.tables import apply_table, read_table, write_table
from angen.errors import BadInput, Taken, Unknown
from angen.files import locked, remove, restore_replaced, set_aside
from angen.names import check_known, check_name
from angen.studio.material.doubts import unread_in
from angen.studio.material.edits import edited
from angen.studio.requests.material import MetadataEdit
from angen.studio.settings import Settings


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What a person should know of a table that was taken over."""

    problems: tuple[Problem, ...]  # rows and fields that were not used, and why
    doubts: tuple[tuple[str, str], ...]  # clips that it changed, and what of it is not read


def list_datasets(settings: Settings) -> list[Dataset]:
    """All training sets, by name; damaged ones too, with their problem."""
    if not settings.datasets.is_dir():
        return []
    restore_replaced(settings.datasets)
    folders = sorted(path for path in settings.datasets.iterdir() if (path / FILE_NAME).is_file())
    listed = (_listed(folder) for folder in folders if not folder.name.startswith("."))
    return [dataset for dataset in listed if dataset is not None]


def dataset_folder(settings: Settings, name: str) -> Path:
    """The folder of a training set that exists. Raises BadInput that lists those there are."""
    folder = settings.datasets / check_known("dataset", name)
    if not folder.is_dir():
        restore_replaced(settings.datasets)
    if not (folder / FILE_NAME).is_file():
        names = ", ".join(dataset.name for dataset in list_datasets(settings))
        there = f"There are: {names}." if names else "There are none yet: run `angen prepare`."
        raise Unknown(f"There is no dataset {name!r} in {settings.datasets}. {there}")
    return folder


def show_dataset(settings: Settings, name: str) -> DatasetInfo:
    """All that is known of a training set."""
    return load_info(dataset_folder(settings, name))


def export_metadata(settings: Settings, name: str, path: Path) -> int:
    """Write the metadata table as CSV, to be edited and imported; the number of its rows."""
    info = show_dataset(settings, name)
    write_table(info, path)
    return len(info.clips)


def import_metadata(settings: Settings, name: str, path: Path) -> Imported:
    """Take over a person's edited table, CSV or JSON.

    Raises BadInput, changing nothing, for a table that cannot be read.
    """
    folder = dataset_folder(settings, name)
    table = read_table(path)
    with locked(settings.datasets / f".{folder.name}.lock"):
        before = load_info(folder)
        info, problems = apply_table(before, table, str(path))
        save_info(info, folder)
    changed = (new for new, old in zip(info.clips, before.clips, strict=True) if new != old)
    return Imported(problems=tuple(problems), doubts=tuple(unread_in(changed)))


def check_free(settings: Settings, name: str) -> None:
    """Raise Taken when there is a dataset of that name, whatever its case."""
    name = check_name("dataset", name)
    there = settings.datasets.iterdir() if settings.datasets.is_dir() else ()
    for folder in there:
        if folder.name.casefold() == name.casefold():
            raise Taken(
                f"There is a dataset {folder.name!r} already. Choose another name, or delete "
                "that one first; preparing can also replace it (overwrite)."
            )


def clip_path(settings: Settings, name: str, file: str) -> Path:
    """A clip of a training set, by the path that its list gives. Raises Unknown."""
    folder = dataset_folder(settings, name)
    known = {clip.file for clip in load_info(folder).clips}
    if file not in known or not (folder / file).is_file():
        raise Unknown(f"Dataset {name!r} has no clip {file[:200]!r}.")
    return folder / file


def edit_dataset(settings: Settings, name: str, edits: Mapping[str, MetadataEdit]) -> DatasetInfo:
    """Take over a person's values, by clip file; the training set afterwards.

    An empty value clears a field; None takes a person's mark from it, and leaves its value.

    Raises Unknown, BadInput for a value that does not fit; nothing is changed then.
    """
    folder = dataset_folder(settings, name)
    with locked(settings.datasets / f".{folder.name}.lock"):
        info = load_info(folder)
        if strangers := sorted(set(edits) - {clip.file for clip in info.clips}):
            raise Unknown(f"Dataset {name!r} has no clip {strangers[0][:200]!r}.")
        clips = tuple(
            clip.model_copy(
                update={
                    "metadata": edited(clip.metadata, clip.metadata, edits[clip.file], clip.file)
                }
            )
            if clip.file in edits
            else clip
            for clip in info.clips
        )
        changed = info.model_copy(update={"clips": clips})
        save_info(changed, folder)
    return changed


def delete_dataset(
    settings: Settings, name: str, guard: AbstractContextManager[object] | None = None
) -> None:
    """Remove a training set with its clips. Raises Unknown.

    guard: within it nobody begins to need the training set.
    """
    with guard or nullcontext():
        doomed = set_aside(dataset_folder(settings, name))
    remove(doomed)


def _listed(folder: Path) -> Dataset | None:
    try:
        stat = (folder / FILE_NAME).stat()
    except FileNotFoundError:  # deleted meanwhile
        return None
    return _seen(folder, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1024)
def _seen(folder: Path, _changed_ns: int, _size: int) -> Dataset:
    """A training set as its list shows it, remembered until its manifest changes."""
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
