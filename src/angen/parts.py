"""The files of a bundle: where they lie, which are there, and what tells them from others.

A bundle is a folder. ``mini`` lies in the package; what was fetched from the hub lies in the models
folder as ``<owner>--<name>``.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path

from angen.errors import MissingWeights
from angen.files import restore_replaced

logger = logging.getLogger(__name__)

MINI = "mini"
RELEASED = "ASLP-lab/DiffRhythm2"
PARTS = {
    "model": ("model.json", "model.safetensors"),
    "decoder": ("decoder.json", "decoder.safetensors", "decoder.bin"),
    "encoder": ("encoder.json", "encoder.safetensors"),
    "style": ("style.json", "style.safetensors"),
}
MULAN = "muq-mulan"  # folder of the released style encoder, in place of ``style.*``
MULAN_MAIN = f"{MULAN}/MuQ-MuLan-large"
MULAN_FILES = (
    f"{MULAN_MAIN}/config.json",
    f"{MULAN}/MuQ-large-msd-iter/config.json",
    f"{MULAN}/xlm-roberta-base/config.json",
    f"{MULAN}/xlm-roberta-base/tokenizer.json",
)
MULAN_WEIGHTS = (f"{MULAN_MAIN}/model.safetensors", f"{MULAN_MAIN}/pytorch_model.bin")  # any one
PACKAGED = Path(__file__).parent / "bundles"

_CACHE_ABOVE = 200 * 2**20  # bytes; smaller files are hashed anew each time


def find_bundle(source: str | Path, fetched: Path | None = None) -> Path:
    """The folder of a bundle, with its necessary files present.

    Raises MissingWeights otherwise.
    """
    source = str(source)
    if source == MINI:
        folder, remedy = PACKAGED / MINI, "Reinstall angen: this file belongs to the package."
    elif Path(source).is_dir():
        folder, remedy = Path(source), "Complete that folder, or use the bundle `mini`."
    elif source.count("/") == 1 and not source.startswith((".", "/", "~")):
        folder = (fetched or Path("models/bundles")) / source.replace("/", "--")
        restore_replaced(folder.parent)
        remedy = f"Run `angen models fetch {source}`."
    else:
        raise MissingWeights(
            f"{source!r} is not a bundle: neither `{MINI}`, nor a folder, nor a hub id such as "
            f"{RELEASED}. `angen models list` shows what is there."
        )
    for part in ("model", "decoder"):
        if missing := missing_file(folder, part):
            raise MissingWeights(f"{missing} is missing. {remedy}")
    return folder


def missing_file(folder: Path, part: str) -> Path | None:
    """The first file that a part lacks, or None. Several kinds of weights: any one will do."""
    config, *weights = PARTS[part]
    if part == "style" and brings_mulan(folder):
        return _missing_of_mulan(folder)
    if not (folder / config).is_file():
        return folder / config
    return None if any((folder / name).is_file() for name in weights) else folder / weights[0]


def has_part(folder: Path, part: str) -> bool:
    return missing_file(folder, part) is None


def brings_mulan(folder: Path) -> bool:
    """Whether a bundle takes its style vectors from MuQ-MuLan: one of its own goes before."""
    return (folder / MULAN).is_dir() and not (folder / PARTS["style"][0]).is_file()


def _missing_of_mulan(folder: Path) -> Path | None:
    missing = [folder / name for name in MULAN_FILES if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in MULAN_WEIGHTS):
        missing.append(folder / MULAN_WEIGHTS[0])
    return missing[0] if missing else None


def files_of(folder: Path, part: str) -> tuple[str, ...]:
    """The names that the files of a part may have in this bundle."""
    if part == "style" and brings_mulan(folder):
        return MULAN_FILES + MULAN_WEIGHTS
    return PARTS[part]


def fingerprint(folder: Path, parts: Iterable[str]) -> str:
    """sha256 over the files of these parts of a bundle, and their names."""
    digest = hashlib.sha256()
    for name in _there(folder, parts):
        digest.update(f"{name} {file_sha256(folder / name)}\n".encode())
    return digest.hexdigest()


def versions_of(folder: Path, parts: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Size in bytes and date, in ns, of the files of these parts: whether one has changed."""
    stats = {name: (folder / name).stat() for name in _there(folder, parts)}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}


def _there(folder: Path, parts: Iterable[str]) -> list[str]:
    """Names of the files of these parts that are there, in order."""
    names = sorted(name for part in parts for name in files_of(folder, part))
    return [name for name in names if (folder / name).is_file()]


def file_sha256(path: Path) -> str:
    """sha256 of a file; of a large one it is noted beside it, and holds for its size and date."""
    stat = path.stat()
    if stat.st_size < _CACHE_ABOVE:
        return _hashed(path)
    note = path.with_name(f".{path.name}.sha256.json")
    state = [stat.st_size, stat.st_mtime_ns]
    try:
        noted = json.loads(note.read_text())
        if noted["state"] == state:
            return str(noted["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no note yet, or not ours
    digest = _hashed(path)
    try:
        note.write_text(json.dumps({"state": state, "sha256": digest}))
    except OSError:
        logger.debug("cannot note the hash beside %s", path)
    return digest


def _hashed(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
