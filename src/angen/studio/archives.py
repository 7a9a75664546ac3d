"""Training sets as one file: out as a .zip, in from a stranger's .zip.

    <name>/dataset_info.json
    <name>/clips/*.wav

What comes in is written under names that the manifest lists and nowhere else; sizes are counted
while unpacking, since an archive can lie about them; every clip must be the sound that it says.
"""

import errno
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from angen.audio.files import probe
from angen.data.manifest import FILE_NAME, MAX_BYTES, Clip, DatasetInfo, load_info, save_info
from angen.data.scan import sha256_of
from angen.errors import BadInput, OutOfSpace
from angen.files import is_full, replacing
from angen.names import check_name
from angen.studio.datasets import check_free, dataset_folder
from angen.studio.settings import Settings

OnStep = Callable[[int, int], None]  # clips done, in all; may raise Stopped

MAX_ENTRIES = 20_000
MAX_CLIP_BYTES = 512 * 2**20
MAX_TOTAL_BYTES = 64 * 2**30
_CHUNK = 2**20
_SYMLINK = 0o120000
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a compression that Python lacks
    RuntimeError,  # a password is asked for
    ValueError,
)


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
        archive.write(folder / FILE_NAME, f"{folder.name}/{FILE_NAME}", zipfile.ZIP_DEFLATED)
        for clip in info.clips:
            if not (folder / clip.file).is_file():
                raise BadInput(f"{clip.file} of {name!r} is missing. Prepare the dataset again.")
            archive.write(folder / clip.file, f"{folder.name}/{clip.file}")
    return target


def import_dataset(
    settings: Settings, source: Path, name: str | None, on_step: OnStep
) -> DatasetInfo:
    """Take in a training set from a .zip.

    name: its name here; else the one that it says.

    Raises BadInput (no training set in it, an unsafe archive, a name that is taken), OutOfSpace.
    Nothing is left behind then.
    """
    settings.datasets.mkdir(parents=True, exist_ok=True)
    with _workspace(settings.datasets) as beside:
        info = _unpack(source, beside, on_step)
        named = info.model_copy(update={"name": check_name("dataset", name or info.name)})
        check_free(settings, named.name)
        save_info(named, beside)
        beside.rename(settings.datasets / named.name)
    return named


@contextmanager
def _workspace(root: Path) -> Iterator[Path]:
    """A folder beside the datasets, gone afterwards unless it was moved to its place."""
    with tempfile.TemporaryDirectory(prefix=".import-", dir=root) as outer:
        beside = Path(outer) / "dataset"
        beside.mkdir()
        try:
            yield beside
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise BadInput("A dataset of that name was made meanwhile.") from error
            if not is_full(error):
                raise
            raise OutOfSpace("The disk is full. Free some space and bring it again.") from error


def _unpack(source: Path, folder: Path, on_step: OnStep) -> DatasetInfo:
    try:
        with zipfile.ZipFile(source) as archive:
            entries = _entries(archive)
            manifest = _only(entries, FILE_NAME)
            _write(archive, entries[manifest], folder / FILE_NAME, MAX_BYTES)
            info = load_info(folder)
            inside = manifest.removesuffix(FILE_NAME)
            _clips(archive, entries, inside, info, folder, on_step)
    except _UNREADABLE as error:
        raise BadInput(f"This is no .zip archive that can be read ({error}).") from error
    return info


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of the archive by name, once it is sure that none leaves its folder."""
    found = archive.infolist()
    if len(found) > MAX_ENTRIES:
        raise BadInput(f"The archive holds {len(found)} files; {MAX_ENTRIES} is the most.")
    for entry in found:
        path = PurePosixPath(entry.filename)
        unsafe = path.is_absolute() or ".." in path.parts or "\\" in entry.filename
        link = (entry.external_attr >> 16) & 0o170000 == _SYMLINK
        if unsafe or link or ":" in entry.filename or "\0" in entry.orig_filename:
            raise BadInput(
                f"The archive holds {entry.filename[:200]!r}, which would be written outside of "
                "the dataset's folder. Do not use it."
            )
    return {entry.filename: entry for entry in found if not entry.is_dir()}


def _only(entries: dict[str, zipfile.ZipInfo], name: str) -> str:
    found = [e for e in entries if PurePosixPath(e).name == name and e.count("/") <= 1]
    if len(found) != 1:
        raise BadInput(f"The archive is no training set: it should hold one {name}.")
    return found[0]


def _clips(
    archive: zipfile.ZipFile,
    entries: dict[str, zipfile.ZipInfo],
    inside: str,
    info: DatasetInfo,
    folder: Path,
    on_step: OnStep,
) -> None:
    """Write the clips that the manifest lists, and nothing else."""
    left = MAX_TOTAL_BYTES
    on_step(0, len(info.clips))
    for done, clip in enumerate(info.clips, start=1):
        entry = entries.get(inside + clip.file)
        if entry is None:
            raise BadInput(f"The archive lacks {clip.file[:200]!r}, which its list names.")
        if PurePosixPath(clip.file).name == FILE_NAME or clip.file.startswith("."):
            raise BadInput(f"{clip.file[:200]!r} is no name for a clip.")
        left -= _write(archive, entry, folder / clip.file, min(MAX_CLIP_BYTES, left))
        _check_clip(folder / clip.file, clip)
        on_step(done, len(info.clips))


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, limit: int) -> int:
    """Unpack one file; its size."""
    size = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as packed, target.open("xb") as file:
        while chunk := packed.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise BadInput(
                    f"{entry.filename[:200]!r} unpacks to more than {limit // 2**20} MB. Do not "
                    "use this archive."
                )
            file.write(chunk)
    return size


def _check_clip(path: Path, clip: Clip) -> None:
    if sha256_of(path) != clip.sha256:
        raise BadInput(f"{clip.file!r} is not the sound that the list describes. Export it again.")
    probe(path)


def discard(path: Path) -> None:
    """Remove an archive that was taken in, or could not be."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
