"""An adapter as one file, going out: a .zip of what others need of it.

    <name>/metadata.json report.json README.md
    <name>/best_model/   adapter_config.json adapter_model.safetensors
    <name>/final_model/  the same

Loads no model and needs no torch.
"""

import zipfile
from pathlib import Path
from typing import Literal

from angen.adapters.library import (
    BEST,
    CONFIG_FILE,
    FINAL,
    REPORT_FILE,
    WEIGHTS_FILE,
    adapter_folder,
    playable,
)
from angen.adapters.metadata import METADATA_FILE
from angen.files import replacing
from angen.jsons import MOST_BYTES

CARD_FILE = "README.md"
MODEL_LIMITS = {CONFIG_FILE: 1_000_000, WEIGHTS_FILE: 4_000_000_000}  # bytes
LIMITS = {METADATA_FILE: MOST_BYTES, REPORT_FILE: MOST_BYTES, CARD_FILE: 1_000_000}
LIMITS |= {f"{model}/{name}": n for model in (BEST, FINAL) for name, n in MODEL_LIMITS.items()}


def kind_of(path: Path) -> Literal["archive", "weights", "other"]:
    """What a file is that was brought as an adapter, by its first bytes, whatever its name."""
    with path.open("rb") as file:
        begin = file.read(9)
    length = int.from_bytes(begin[:8], "little")
    if begin[8:] == b"{" and length <= path.stat().st_size - 8:
        return "weights"
    return "archive" if begin[:2] == b"PK" else "other"


def export_adapter(loras: Path, name: str, target: Path) -> Path:
    """Write the adapter as one .zip, without checkpoints and logs. Returns ``target``.

    target: a file name ending in .zip, or a folder to put ``<name>.zip`` into.

    Raises BadInput when there is no such adapter or it has no finished model, OutOfSpace.
    """
    folder = adapter_folder(loras, name)
    playable(folder)
    if target.is_dir() or target.suffix.lower() != ".zip":
        target = target / f"{folder.name}.zip"
    with (
        replacing(target) as path,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for relative in LIMITS:
            if (folder / relative).is_file():
                archive.write(folder / relative, f"{folder.name}/{relative}")
    return target
