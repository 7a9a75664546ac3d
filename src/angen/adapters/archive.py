"""An adapter coming in: a .zip (see ``packing``), one .safetensors file, or a folder.

A folder, in an archive or not, is ours, PEFT's, a named one of PEFT's in another, or a trainer's
checkpoint with its optimiser beside.

What comes in is from strangers: nothing is written but files of these names, under paths of our
own making; nothing that could run code is read; and sizes are counted while unpacking, since an
archive can lie about them.
"""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from angen.adapters.files import AdapterFile, read_adapter
from angen.adapters.library import (
    BEST,
    CONFIG_FILE,
    FINAL,
    REPORT_FILE,
    WEIGHTS_FILE,
    new_folder,
    read_report,
)
from angen.adapters.loose import complete
from angen.adapters.metadata import (
    METADATA_FILE,
    AdapterMetadata,
    BaseFacts,
    read_metadata,
    write_metadata,
)
from angen.adapters.packing import CARD_FILE, LIMITS, kind_of
from angen.amounts import size_text
from angen.errors import BadInput, Incompatible, OutOfSpace
from angen.files import fresh_folder, is_full, put_in_place
from angen.names import safe
from angen.zips import files_in, opened, told_of, unpack, within

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".th", ".npy", ".npz", ".joblib")
_MAX_ENTRIES = 1_000
_BESIDE = ".import-"
_SHOWN = 10  # names in a message
_LONGEST_NAME = 200


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
    """Take an adapter into the library: a .zip, a .safetensors file or a folder.

    name: its name here; else that of the archive. An adapter without metadata is taken too.
    called: what messages call the source; its path else. mark: does what else belongs into the
    adapter's folder.

    Raises BadInput (no adapter in it, an unsafe archive, a name that is taken), Incompatible
    (damaged, or not a plain LoRA), OutOfSpace. Nothing is left behind then.
    """
    called = called or str(source)
    if not source.exists():
        raise BadInput(f"{called} does not exist.")
    if source.name == WEIGHTS_FILE and (source.parent / CONFIG_FILE).is_file():
        source = source.parent
    named = source.resolve().parent if source.name in (BEST, FINAL) else source
    folder = new_folder(loras, name or safe(named.stem))
    with workspace(loras) as beside:
        with told_of(called, beside):
            ignored = _bring(source, beside, called)
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


def _bring(source: Path, beside: Path, called: str) -> list[str]:
    """Copy what is known of an adapter to its place; what was left out."""
    if source.is_dir():
        return _from_folder(source, beside, called)
    match kind_of(source):
        case "weights":
            _copy(source, beside, f"{BEST}/{WEIGHTS_FILE}", called)
            return []
        case "archive":
            return _from_zip(source, beside, called)
    raise BadInput(
        f"{called} is no .zip archive that can be read, and no .safetensors file. Export it again."
    )


def _from_folder(source: Path, beside: Path, called: str) -> list[str]:
    found = (path for path in source.rglob("*") if path.is_file())
    names = [path.relative_to(source).as_posix() for path in islice(found, _MAX_ENTRIES + 1)]
    places = _places(names, called)
    for name, relative in places.items():
        _copy(source / name, beside, relative, called)
    return _rest(names, places)


def _copy(source: Path, beside: Path, relative: str, called: str) -> None:
    if source.stat().st_size > LIMITS[relative]:
        raise BadInput(
            f"{called}: {source.name} is larger than {size_text(LIMITS[relative])}, more than such "
            "a file ever has. Use another copy of the adapter."
        )
    target = beside / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _from_zip(source: Path, beside: Path, called: str) -> list[str]:
    with opened(source, called) as archive:
        entries = files_in(archive, called, "adapter", _MAX_ENTRIES)
        places = _places(list(entries), called)
        for name, relative in places.items():
            unpack(archive, entries[name], beside / relative, LIMITS[relative], called)
    return _rest(list(entries), places)


def _rest(names: Sequence[str], places: Mapping[str, str]) -> list[str]:
    left = (name for name in names if name not in places)
    return [name.encode("utf-8", "replace").decode("utf-8") for name in left]


def _places(names: Sequence[str], called: str) -> dict[str, str]:
    """Where each known file goes. A PEFT folder by itself is the best model."""
    if len(names) > _MAX_ENTRIES:
        raise BadInput(
            f"{called} holds {len(names)} files or more; an adapter has fewer than ten. Name the "
            "folder of the adapter alone."
        )
    paths = {name: PurePosixPath(name) for name in names if "__MACOSX" not in name}
    paths = {name: path for name, path in paths.items() if path.name[:1] not in ("", ".")}
    weights = [path.parent for path in paths.values() if path.name == WEIGHTS_FILE]
    ours = {folder.parent for folder in weights if folder.name in (BEST, FINAL)}
    if len(ours) > 1:
        raise _several(called, ours)
    wanted = (
        {top / place: place for top in ours for place in LIMITS} if ours else _model(paths, called)
    )
    return {name: wanted[path] for name, path in paths.items() if path in wanted}


def _model(paths: Mapping[str, PurePosixPath], called: str) -> dict[PurePosixPath, str]:
    """Where the files of a PEFT folder go, or of one file of weights."""
    named = [path for path in paths.values() if path.name == WEIGHTS_FILE]
    outer = min((len(path.parts) for path in named), default=0)
    weights = {path for path in named if len(path.parts) == outer} or {
        path for path in paths.values() if path.suffix == ".safetensors" and not _is_state(path)
    }
    if len(weights) > 1:
        raise _several(called, weights)
    if not weights:
        hint = _hint(list(paths))
        raise BadInput(f"{called} holds no adapter: there is no {WEIGHTS_FILE} in it.{hint}")
    model = weights.pop()
    beside = {model.parent / name: name for name in (METADATA_FILE, REPORT_FILE, CARD_FILE)}
    config = model.parent / CONFIG_FILE
    return {model: f"{BEST}/{WEIGHTS_FILE}", config: f"{BEST}/{CONFIG_FILE}", **beside}


def _several(called: str, paths: Collection[PurePosixPath]) -> BadInput:
    shown = ", ".join(sorted(map(str, paths))[:_SHOWN])
    return BadInput(
        f"{called} holds {len(paths)} adapters ({shown}). Import the folder or the file of one of "
        "them."
    )


def _is_state(path: PurePosixPath) -> bool:
    return path.name.startswith(("optimizer", "scheduler", "random_states"))


def _hint(names: Sequence[str]) -> str:
    pickled = next((name for name in names if name.lower().endswith(_PICKLES)), None)
    if pickled is None:
        return ""
    return (
        f" {pickled[:_LONGEST_NAME]!r} can run code when it is read: ask for the adapter as "
        "safetensors."
    )


def _check(folder: Path, name: str) -> list[str]:
    """Read all that came, as it will be read later; write the name it has here."""
    there = [folder / m for m in (BEST, FINAL) if (folder / m / WEIGHTS_FILE).is_file()]
    assumed = [complete(model) for model in there if not (model / CONFIG_FILE).is_file()]
    models = [read_adapter(model) for model in there]
    notes = [text for text in dict.fromkeys([*assumed, models[0].idle]) if text]
    warnings = [*notes]
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
    known = known or _metadata(models[0], name)
    added = tuple(note for note in notes if note not in known.notes)
    write_metadata(folder, known.model_copy(update={"name": name, "notes": known.notes + added}))
    return warnings


def _metadata(adapter: AdapterFile, name: str) -> AdapterMetadata:
    base = None
    if adapter.base and adapter.base_fingerprint:
        base = BaseFacts(name=adapter.base, fingerprint=adapter.base_fingerprint)
    return AdapterMetadata(
        name=name, kind="imported", base=base, rank=adapter.rank, alpha=adapter.config.alpha
    )
