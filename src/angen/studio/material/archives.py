"""Training sets as one file: out as a .zip, in from a stranger's .zip.

    <name>/dataset_info.json
    <name>/clips/*.wav

Stems stay at home: they are large, and no training reads them.

What comes in is written under names that the manifest lists and nowhere else; sizes are counted
while unpacking, since an archive can lie about them; every clip must be the sound that it says.
"""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from angen.audio.files import probe
from angen.data.manifest import (
    FILE_NAME,
    Clip,
    DatasetInfo,
    load_info,
    save_info,
    text_of,
    with_stems,
)
from angen.data.scan import sha256_of
from angen.errors import BadInput, OutOfSpace
from angen.files import fresh_folder, is_full, put_in_place, replacing
from angen.names import check_name
from angen.studio.material.datasets import check_free, dataset_folder
from angen.studio.settings import Settings
from angen.zips import files_in, opened, told_of, unpack

OnStep = Callable[[int, int], None]  # clips done, in all; may raise Stopped

MAX_ENTRIES = 20_000
MAX_CLIP_BYTES = 512_000_000
MAX_TOTAL_BYTES = 64_000_000_000
MAX_RATIO = 100  # of what is unpacked to the archive: sound hardly deflates, silence aside
MAX_LIST_BYTES = 64_000_000
MAX_LIST_VALUES = 1_200_000  # some 60 for each of MAX_ENTRIES clips; faults take 1 kB each
_BESIDE = ".import-"


def export_dataset(settings: Settings, name: str) -> Path:
    """Write a training set as one .zip into ``exports``; its path.

    Raises Unknown, BadInput when a clip is missing, OutOfSpace.
    """
    folder = dataset_folder(settings, name)
    info = load_info(folder)
    target = settings.exports / f"{folder.name}.dataset.zip"
    with (
        replacing(target) as path,
        zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive,  # sound does not deflate
    ):
        text = text_of(with_stems(info, ()))
        archive.writestr(f"{folder.name}/{FILE_NAME}", text, zipfile.ZIP_DEFLATED)
        for clip in info.clips:
            if not (folder / clip.file).is_file():
                raise BadInput(f"{clip.file} of {name!r} is missing. Prepare the dataset again.")
            archive.write(folder / clip.file, f"{folder.name}/{clip.file}")
    return target


def import_dataset(
    settings: Settings,
    source: Path,
    name: str | None,
    on_step: OnStep,
    *,
    called: str | None = None,
    mark: Callable[[Path], None] | None = None,
) -> DatasetInfo:
    """Take in a training set from a .zip.

    name: its name here; else the one that it says. called: what messages call the archive; its
    path else. mark: does what else belongs into the dataset's folder.

    Raises BadInput (no training set in it, an unsafe archive, a name that is taken), OutOfSpace.
    Nothing is left behind then.
    """
    called = called or str(source)
    with _workspace(settings.datasets) as beside:
        with told_of(called, beside):
            info = _unpack(source, beside, called, on_step)
        named = with_stems(info, ()).model_copy(
            update={"name": check_name("dataset", name or info.name)}
        )
        check_free(settings, named.name)
        save_info(named, beside)
        if mark is not None:
            mark(beside)
        put_in_place(beside, settings.datasets / named.name)
    return named


@contextmanager
def _workspace(root: Path) -> Iterator[Path]:
    """A folder beside the datasets, gone afterwards unless it was moved to its place."""
    with fresh_folder(root, _BESIDE) as beside:
        try:
            yield beside
        except OSError as error:
            if not is_full(error):
                raise
            raise OutOfSpace("The disk is full. Free some space and bring it again.") from error


def _unpack(source: Path, folder: Path, called: str, on_step: OnStep) -> DatasetInfo:
    with opened(source, called) as archive:
        entries = files_in(archive, called, "dataset", MAX_ENTRIES)
        manifest = _only(entries, FILE_NAME, called)
        unpack(archive, entries[manifest], folder / FILE_NAME, MAX_LIST_BYTES, called)
        info = load_info(folder, most_values=MAX_LIST_VALUES)
        inside = manifest.removesuffix(FILE_NAME)
        most = min(MAX_TOTAL_BYTES, MAX_RATIO * source.stat().st_size + MAX_CLIP_BYTES)
        _clips(archive, entries, inside, info, folder, called, most, on_step)
    return info


def _only(entries: dict[str, zipfile.ZipInfo], name: str, called: str) -> str:
    found = [e for e in entries if PurePosixPath(e).name == name and e.count("/") <= 1]
    if len(found) != 1:
        raise BadInput(f"{called} is no training set: it should hold one {name}.")
    return found[0]


def _clips(
    archive: zipfile.ZipFile,
    entries: dict[str, zipfile.ZipInfo],
    inside: str,
    info: DatasetInfo,
    folder: Path,
    called: str,
    left: int,
    on_step: OnStep,
) -> None:
    """Write the clips that the manifest lists, and nothing else. left: bytes they may take."""
    on_step(0, len(info.clips))
    for done, clip in enumerate(info.clips, start=1):
        entry = entries.get(inside + clip.file)
        if entry is None:
            raise BadInput(f"{called} lacks {clip.file[:200]!r}, which its list names.")
        if PurePosixPath(clip.file).name == FILE_NAME or clip.file.startswith("."):
            raise BadInput(f"{clip.file[:200]!r} is no name for a clip.")
        limit = min(MAX_CLIP_BYTES, left)
        left -= unpack(archive, entry, folder / clip.file, limit, called)
        _check_clip(folder / clip.file, clip)
        on_step(done, len(info.clips))


def _check_clip(path: Path, clip: Clip) -> None:
    if sha256_of(path) != clip.sha256:
        raise BadInput(f"{clip.file!r} is not the sound that the list describes. Export it again.")
    probe(path)
