"""The library of adapters: what a user can do with it."""

from pathlib import Path

from angen.adapters.library import (
    AdapterInfo,
    delete_adapter,
    list_adapters,
    rename_adapter,
    show_adapter,
)
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
