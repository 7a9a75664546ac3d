"""An adapter as one file, coming in: a .zip (see ``packing``) or a PEFT folder.

What comes in is from strangers: nothing is written but files of these names, under paths of our
own making; nothing that could run code is read; and sizes are counted while unpacking, since an
archive can lie about them.
"""

import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from angen.adapters.files import read_adapter
from angen.adapters.library import (
    BEST,
    FINAL,
    REPORT_FILE,
    WEIGHTS_FILE,
    new_folder,
    read_report,
)
from angen.adapters.metadata import (
    METADATA_FILE,
    AdapterMetadata,
    BaseFacts,
    read_metadata,
    update_metadata,
    write_metadata,
)
from angen.adapters.packing import LIMITS, MODEL_LIMITS
from angen.errors import BadInput, Incompatible, OutOfSpace
from angen.files import fresh_folder, is_full, put_in_place
from angen.names import safe
from angen.zips import UNREADABLE, check_paths, told_of, unpack, within

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".th", ".npy", ".npz", ".joblib")
_MAX_ENTRIES = 1_000
_BESIDE = ".import-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What an import brought."""

    name: str
    folder: Path
    ignored: tuple[str, ...]  # files of the archive that have no place in an adapter
    warnings: tuple[str, ...]


def import_adapter(
    loras: Path,
    source: Path,
    name: str | None = None,
    *,
    called: str | None = None,
    mark: Callable[[Path], None] | None = None,
) -> Imported:
    """Take an adapter into the library: our .zip, a .zip of a PEFT folder, or such a folder.

    name: its name here; else that of the archive. An adapter without metadata is taken too.
    called: what messages call the source; its path else. mark: does what else belongs into the
    adapter's folder.

    Raises BadInput (no adapter in it, an unsafe archive, a name that is taken), Incompatible
    (damaged, or not a plain LoRA), OutOfSpace. Nothing is left behind then.
    """
    called = called or str(source)
    if not source.exists():
        raise BadInput(f"{called} does not exist.")
    named = source.resolve().parent if source.name in (BEST, FINAL) else source
    folder = new_folder(loras, name or safe(named.stem))
    with workspace(loras) as beside:
        with told_of(called, beside):
            bring = _from_folder if source.is_dir() else _from_zip
            taken, ignored = bring(source, beside, called)
            if not any(relative.endswith(WEIGHTS_FILE) for relative in taken):
                raise BadInput(f"{called} holds no adapter: there is no {WEIGHTS_FILE} in it.")
            warnings = _check(beside, folder.name)
        if mark is not None:
            mark(beside)
        put_in_place(beside, folder)
    return Imported(
        name=folder.name, folder=folder, ignored=tuple(ignored), warnings=tuple(warnings)
    )


@contextmanager
def workspace(loras: Path) -> Iterator[Path]:
    """A folder beside the adapters, gone afterwards unless it was moved to its place.

    Raises OutOfSpace when the disk is full within the block.
    """
    with fresh_folder(loras, _BESIDE) as beside:
        try:
            yield beside
        except OSError as error:
            if not is_full(error):
                raise
            raise OutOfSpace(
                f"No space left to write the adapter into {loras}. "
                "Free some space on that disk and try again."
            ) from error


def _from_folder(source: Path, beside: Path, called: str) -> tuple[list[str], list[str]]:
    names = [path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()]
    places, ignored = _places(names[:_MAX_ENTRIES], called)
    for name, relative in places.items():
        target = beside / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target)
    return list(places.values()), ignored


def _from_zip(source: Path, beside: Path, called: str) -> tuple[list[str], list[str]]:
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > _MAX_ENTRIES:
                raise BadInput(
                    f"{called} holds {len(entries)} files; an adapter has fewer than ten."
                )
            check_paths(entries, called, "adapter")
            places, ignored = _places([entry.filename for entry in entries], called)
            for entry in entries:
                if entry.filename in places:
                    relative = places[entry.filename]
                    unpack(archive, entry, beside / relative, LIMITS[relative], called)
    except UNREADABLE as error:
        raise BadInput(
            f"{called} is no readable .zip archive ({error}). Export it again."
        ) from error
    return list(places.values()), ignored


def _places(names: list[str], called: str) -> tuple[dict[str, str], list[str]]:
    """Where each known file goes, and which files are not known. A lone PEFT folder is the best."""
    if pickled := [name for name in names if name.lower().endswith(_PICKLES)]:
        raise BadInput(
            f"{called} holds {pickled[0]!r}: such files can run code when they are read. "
            "Ask for the adapter as safetensors."
        )
    real = [n for n in names if "__MACOSX" not in n and not PurePosixPath(n).name.startswith(".")]
    tops = {PurePosixPath(name).parts[0] for name in real}
    nested = len(tops) == 1 and all("/" in name for name in real) and not tops & {BEST, FINAL}
    places: dict[str, str] = {}
    for name in real:
        relative = name.partition("/")[2] if nested else name
        if relative in MODEL_LIMITS:
            relative = f"{BEST}/{relative}"
        if relative in LIMITS and relative not in places.values():
            places[name] = relative
    return places, [name for name in names if name not in places]


def _check(folder: Path, name: str) -> list[str]:
    """Read all that came, as it will be read later; write the name it has here."""
    warnings = []
    models = [read_adapter(folder / m) for m in (BEST, FINAL) if (folder / m).is_dir()]
    if not all(model.base_fingerprint for model in models):
        warnings.append("It does not say which base it was trained on.")
    try:
        known = read_metadata(folder)
        read_report(folder)
    except Incompatible as error:
        warnings.append(f"Left out: {within(str(error), folder)}")
        (folder / METADATA_FILE).unlink(missing_ok=True)
        (folder / REPORT_FILE).unlink(missing_ok=True)
        known = None
    if known is not None:
        update_metadata(folder, {"name": name})
        return warnings
    first = models[0]
    base = None
    if first.base and first.base_fingerprint:
        base = BaseFacts(name=first.base, fingerprint=first.base_fingerprint)
    alpha = first.config.get("lora_alpha")
    write_metadata(
        folder,
        AdapterMetadata(
            name=name,
            kind="imported",
            base=base,
            rank=first.rank,
            alpha=alpha if isinstance(alpha, int | float) else None,
        ),
    )
    return warnings
