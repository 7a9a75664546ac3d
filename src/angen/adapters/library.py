"""The adapters of a house: list, find, show, delete, rename.

    <loras>/<name>/
      best_model/ final_model/   PEFT folders
      checkpoints/               to go on from
      metadata.json report.json status.json README.md tensorboard/

``loras`` is ``ANGEN_HOME/models/loras`` everywhere below.
"""

import os
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from angen.adapters.metadata import (
    METADATA_FILE,
    TRAINED_KINDS,
    AdapterMetadata,
    read_metadata,
    update_metadata,
)
from angen.adapters.status import TrainingStatus, is_locked, read_status
from angen.errors import BadInput, Incompatible, Taken, Unknown
from angen.files import remove, restore_replaced, set_aside
from angen.jsons import read_object
from angen.names import check_known, check_name

BEST = "best_model"
FINAL = "final_model"
CHECKPOINTS = "checkpoints"
REPORT_FILE = "report.json"
PAGE_FILE = "report.html"  # with the sounds; it stays behind when an adapter is passed on
CONFIG_FILE = "adapter_config.json"  # of a PEFT folder
WEIGHTS_FILE = "adapter_model.safetensors"

Guard = AbstractContextManager[object]


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterInfo:
    """An adapter of the library, as its list shows it."""

    name: str
    folder: Path
    metadata: AdapterMetadata | None  # None: it has none, or they cannot be read
    report: dict[str, Any] | None  # report.json, when the effect was measured
    status: TrainingStatus | None
    usable: bool  # there is a best or final model to play with
    size_bytes: int
    problem: str = ""  # why it cannot be used, or what cannot be read
    report_page: bool = False  # whether the report can be looked at
    unfinished: str = ""  # how far its training came; empty when it came to its end


def list_adapters(loras: Path) -> list[AdapterInfo]:
    """All adapters, by name; damaged ones too, with their problem."""
    if not loras.is_dir():
        return []
    restore_replaced(loras)
    folders = (path for path in loras.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [_info(folder) for folder in sorted(folders, key=lambda path: path.name.casefold())]


def show_adapter(loras: Path, name: str) -> AdapterInfo:
    """One adapter. Raises BadInput that lists the names there are."""
    return _info(adapter_folder(loras, name))


def adapter_folder(loras: Path, name: str) -> Path:
    """The folder of an adapter that exists. Raises BadInput that lists the names there are."""
    folder = loras / check_known("adapter", name)
    if not folder.is_dir():
        restore_replaced(loras)
    if not folder.is_dir():
        names = [info.name for info in list_adapters(loras)]
        there = f"There are: {', '.join(names)}." if names else "There are none yet."
        raise Unknown(f"There is no adapter {name!r} in {loras}. {there}")
    return folder


def new_folder(loras: Path, name: str, *, overwrite: bool = False) -> Path:
    """The folder for a new adapter; it is not made.

    overwrite: an adapter of this name may be there, and will have to give way.

    Raises BadInput when the name is unfit, or taken whatever its case.
    """
    name = check_name("adapter", name)
    for taken in loras.iterdir() if loras.is_dir() else ():
        if taken.name.casefold() != name.casefold():
            continue
        if overwrite:
            return taken
        raise Taken(
            f"There is an adapter {taken.name!r} already. Choose another name, or delete that one "
            "first; a training can also replace it (overwrite)."
        )
    return loras / name


def playable(folder: Path) -> Path:
    """The PEFT folder to play an adapter with: the best model, else the final one.

    Raises BadInput when there is neither.
    """
    for name in (BEST, FINAL):
        if (folder / name / WEIGHTS_FILE).is_file():
            return folder / name
    raise Taken(
        f"The adapter {folder.name!r} has no finished model yet. "
        f"Train it to the end: angen train --resume {folder.name!r}"
    )


def delete_adapter(loras: Path, name: str, guard: Guard | None = None) -> None:
    """Remove an adapter with all that belongs to it.

    guard: within it nobody begins to need the adapter.

    Raises BadInput when there is none, or while it is being trained.
    """
    with guard or nullcontext():
        folder = adapter_folder(loras, name)
        _refuse_while_training(folder)
        doomed = set_aside(folder)
    remove(doomed)


def rename_adapter(loras: Path, name: str, new_name: str) -> Path:
    """Give an adapter another name; its new folder.

    Raises BadInput when there is none, the new name is taken or unfit, or while it is trained.
    """
    folder = adapter_folder(loras, name)
    _refuse_while_training(folder)
    target = loras / check_name("adapter", new_name)
    if target.name.casefold() != folder.name.casefold():
        target = new_folder(loras, new_name)
    folder.rename(target)
    if read_metadata(target) is not None:
        update_metadata(target, {"name": target.name})
    return target


def _refuse_while_training(folder: Path) -> None:
    if is_locked(folder):
        raise Taken(f"{folder.name!r} is being trained. Stop the training first.")


def _info(folder: Path) -> AdapterInfo:
    info = _known(folder, _version(folder))
    status = read_status(folder)
    return replace(info, status=status, unfinished=_unfinished(info, status))


def _unfinished(info: AdapterInfo, status: TrainingStatus | None) -> str:
    """What to say of a training that did not come to its end; it may play all the same."""
    facts = info.metadata
    ended = facts is not None and (facts.finished is not None or facts.kind not in TRAINED_KINDS)
    if ended or (facts is None and status is None) or (status and status.state == "done"):
        return ""
    if status is None:
        return "Its training had not come to its end when it was saved."
    far = f"step {status.step:,} of {status.steps:,}"
    if status.state == "running":
        return f"It is being trained: {far}."
    return f"Its training did not come to its end: {status.state} at {far}."


def _version(folder: Path) -> tuple[int, ...]:
    """Changes whenever something changes that the list shows, but for the status."""
    models = (BEST, FINAL, f"{BEST}/{WEIGHTS_FILE}", f"{FINAL}/{WEIGHTS_FILE}")
    parts = ("", METADATA_FILE, REPORT_FILE, CHECKPOINTS, *models)
    times = []
    for part in parts:
        try:
            times.append((folder / part).stat().st_mtime_ns)
        except OSError:
            times.append(0)
    return tuple(times)


@lru_cache(maxsize=1_000)
def _known(folder: Path, _version: tuple[int, ...]) -> AdapterInfo:
    """What the files of an adapter say; remembered until one changes, since lists are polled."""
    problems = []
    metadata = report = None
    try:
        metadata = read_metadata(folder)
        report = read_report(folder)
    except Incompatible as error:
        problems.append(str(error))
    try:
        playable(folder)
    except BadInput as error:
        problems.append(str(error))
        usable = False
    else:
        usable = True
    return AdapterInfo(
        name=folder.name,
        folder=folder,
        metadata=metadata,
        report=report,
        status=None,
        usable=usable,
        size_bytes=_size(folder),
        problem=" ".join(problems),
        report_page=(folder / PAGE_FILE).is_file(),
    )


def _size(folder: Path) -> int:
    """Bytes of all files, some of which may go meanwhile: a training removes old checkpoints."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):
                total += (Path(place) / name).stat().st_size
    return total


def read_report(folder: Path) -> dict[str, Any] | None:
    """``report.json`` of an adapter, or None. Raises Incompatible when it is damaged."""
    path = folder / REPORT_FILE
    if not path.is_file():
        return None
    try:
        return read_object(path, constant=lambda _: None)  # NaN: nothing could be measured
    except ValueError as error:
        raise Incompatible(
            f"{path} is damaged ({error}). Measure again: angen report {folder.name!r}"
        ) from error
