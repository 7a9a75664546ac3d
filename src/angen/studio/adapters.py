"""The library of adapters: what a user can do with it. Loads no model, so it answers at once."""

from pathlib import Path

from angen.adapters.library import (
    AdapterInfo,
    adapter_folder,
    delete_adapter,
    list_adapters,
    rename_adapter,
    show_adapter,
)
from angen.adapters.status import TrainingStatus, read_status
from angen.errors import BadInput
from angen.studio.settings import Settings


def list_lora_adapters(settings: Settings) -> list[AdapterInfo]:
    """All adapters, by name; damaged ones too, with their problem."""
    return list_adapters(settings.loras)


def show_lora_adapter(settings: Settings, name: str) -> AdapterInfo:
    """All that is known of one adapter."""
    return show_adapter(settings.loras, name)


def delete_lora_adapter(settings: Settings, name: str) -> None:
    """Remove an adapter with all that belongs to it."""
    delete_adapter(settings.loras, name)


def rename_lora_adapter(settings: Settings, name: str, new_name: str) -> Path:
    """Give an adapter another name; its new folder."""
    return rename_adapter(settings.loras, name, new_name)


def get_training_status(settings: Settings, name: str | None = None) -> dict[str, TrainingStatus]:
    """How trainings go or went, by adapter; of one when ``name`` is given."""
    if name is not None:
        status = read_status(adapter_folder(settings.loras, name))
        if status is None:
            raise BadInput(f"{name!r} was not trained here: it has no training status.")
        return {name: status}
    infos = list_adapters(settings.loras)
    return {info.name: info.status for info in infos if info.status is not None}
