"""Adapters into the library, and several as one."""

from collections.abc import Callable, Sequence
from pathlib import Path

from angen.adapters.archive import Imported, import_adapter, workspace
from angen.adapters.library import BEST, AdapterInfo, new_folder, show_adapter
from angen.adapters.merge import merge_adapters
from angen.adapters.metadata import AdapterMetadata, BaseFacts, write_metadata
from angen.files import put_in_place
from angen.studio.playing.songs import adapter_path
from angen.studio.requests.songs import AdapterUse
from angen.studio.settings import Settings


def import_lora_adapter(settings: Settings, source: Path, name: str | None = None) -> Imported:
    """Take an adapter of somebody else's into the library."""
    return import_adapter(settings.loras, source, name)


def merge_lora_adapters(
    settings: Settings,
    uses: Sequence[AdapterUse],
    name: str,
    mark: Callable[[Path], None] | None = None,
) -> AdapterInfo:
    """One adapter that does what several do together, each at its strength.

    mark: does what else belongs into its folder.

    Raises BadInput for fewer than two or a taken name, Incompatible for different bases.
    """
    folder = new_folder(settings.loras, name)
    parts = [(adapter_path(use.name, settings), use.strength) for use in uses]
    with workspace(settings.loras) as beside:
        merged = merge_adapters(parts, beside / BEST)
        named = merged.base is not None and merged.base_fingerprint is not None
        base = BaseFacts(name=merged.base or "", fingerprint=merged.base_fingerprint or "")
        write_metadata(
            beside,
            AdapterMetadata(
                name=folder.name,
                kind="merged",
                base=base if named else None,
                rank=merged.rank,
                notes=tuple(f"{use.name} at strength {use.strength:g}" for use in uses),
            ),
        )
        if mark is not None:
            mark(beside)
        put_in_place(beside, folder)
    return show_adapter(settings.loras, folder.name)
