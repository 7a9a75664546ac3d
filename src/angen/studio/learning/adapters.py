"""The library of adapters: what a user can do with it. Loads no model, so it answers at once."""

from pathlib import Path, PurePosixPath

from angen.adapters.library import (
    PAGE_FILE,
    REPORT_FILE,
    AdapterInfo,
    Guard,
    adapter_folder,
    delete_adapter,
    list_adapters,
    rename_adapter,
    show_adapter,
)
from angen.adapters.packing import export_adapter
from angen.adapters.status import TrainingStatus, read_status
from angen.errors import BadInput, Unknown
from angen.studio.settings import Settings

SAMPLES = "samples"  # folder of the songs made while it was trained
SHOWN_FILES = frozenset({PAGE_FILE, REPORT_FILE})
SHOWN_FOLDERS = frozenset({"report", "reports", SAMPLES})


def list_lora_adapters(settings: Settings) -> list[AdapterInfo]:
    """All adapters, by name; damaged ones too, with their problem."""
    return list_adapters(settings.loras)


def show_lora_adapter(settings: Settings, name: str) -> AdapterInfo:
    """All that is known of one adapter."""
    return show_adapter(settings.loras, name)


def delete_lora_adapter(settings: Settings, name: str, guard: Guard | None = None) -> None:
    """Remove an adapter with all that belongs to it. guard: nobody begins to need it within."""
    delete_adapter(settings.loras, name, guard)


def rename_lora_adapter(settings: Settings, name: str, new_name: str) -> Path:
    """Give an adapter another name; its new folder."""
    return rename_adapter(settings.loras, name, new_name)


def export_lora_adapter(settings: Settings, name: str, target: Path) -> Path:
    """Write an adapter as one .zip to pass on; its path."""
    return export_adapter(settings.loras, name, target)


def report_folder(settings: Settings, name: str) -> Path:
    """The folder with ``report.html`` and ``report.json``. Raises Unknown when it has none."""
    folder = adapter_folder(settings.loras, name)
    if not (folder / PAGE_FILE).is_file():
        raise Unknown(f"The effect of {name!r} is not measured yet.")
    return folder


def shown_file(settings: Settings, name: str, file: str) -> Path:
    """A file of an adapter that people may see: of its reports, or a sample of its training.

    file: its path in the adapter's folder. Raises Unknown for any other.
    """
    folder = adapter_folder(settings.loras, name)
    parts = PurePosixPath(file).parts
    plain = bool(parts) and all(part[0] not in "./" and "\\" not in part for part in parts)
    shown = file in SHOWN_FILES or (len(parts) > 1 and parts[0] in SHOWN_FOLDERS)
    path = folder / file
    if not (plain and shown and path.is_file() and path.resolve().is_relative_to(folder.resolve())):
        raise Unknown(f"{name!r} has no file {file[:200]!r} to show.")
    return path


def get_training_status(settings: Settings, name: str | None = None) -> dict[str, TrainingStatus]:
    """How trainings go or went, by adapter; of one when ``name`` is given."""
    if name is not None:
        status = read_status(adapter_folder(settings.loras, name))
        if status is None:
            raise BadInput(f"{name!r} was not trained here: it has no training status.")
        return {name: status}
    folders = settings.loras.iterdir() if settings.loras.is_dir() else ()
    names = sorted(path.name for path in folders if path.is_dir() and path.name[0] != ".")
    found = {name: read_status(settings.loras / name) for name in names}
    return {name: status for name, status in found.items() if status is not None}
