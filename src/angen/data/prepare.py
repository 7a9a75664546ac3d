"""Recordings in, a training set out: listened to, cut, described, divided, written.

    sources ─► find ─► per recording: check, listen, cut, write (``clips``)
            ─► split by songs ─► dataset_info.json

The set is built beside its place and moved there when it is whole: a fault or a stop leaves nothing
half-written. A recording that cannot be used is reported, and the others go on.
"""

import glob
import logging
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from angen.amounts import size_text
from angen.audio.files import AudioInfo, probe
from angen.data.clips import (
    MAX_CLIP_RATE_HZ,
    Cutting,
    Names,
    Recording,
    cut_recording,
    one_tempo,
)
from angen.data.fields import OTHER
from angen.data.manifest import (
    Clip,
    ClipMetadata,
    DatasetInfo,
    Problem,
    save_info,
    with_stems,
)
from angen.data.matching import Values, fitting
from angen.data.notes import Folders, read_notes, together
from angen.data.scan import Found, find_audio, sha256_of
from angen.data.split import NOTE_ONE_SONG, assign_split
from angen.data.tables import Table, unread_tables, with_values
from angen.errors import BadInput, OutOfSpace, Taken, readable
from angen.files import held, is_full, linked, put_in_place, sweep
from angen.names import about, check_name

logger = logging.getLogger(__name__)

OnStep = Callable[[int, int], None]  # seconds of audio done, in all; may raise Stopped

MIN_CLIPS = 2
_BYTES_PER_SAMPLE = 2
_PART = ".part"


@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareConfig:
    """How recordings become a training set."""

    cutting: Cutting = field(default_factory=Cutting)
    held_out: float = 0.1  # share of clips kept aside, by whole songs
    seed: int = 0  # of the choice of what is kept aside
    replace: bool = False  # an existing dataset of this name gives way

    def __post_init__(self) -> None:
        if not 0 <= self.held_out <= 0.5:
            raise BadInput(f"held_out={self.held_out}: the share kept aside is from 0 to 0.5.")


def prepare(
    sources: Sequence[Path],
    name: str,
    root: Path,
    config: PrepareConfig,
    on_step: OnStep,
    *,
    table: Table | None = None,
    mark: Callable[[Path], None] | None = None,
) -> DatasetInfo:
    """Make the dataset ``root/name`` from recordings.

    table: a person's rows, see ``tables.read_table``; a row goes before a note that
    lies beside the file. mark: does what else belongs into the folder.

    What was left out, and why, is in the ``problems`` of the result. Raises BadInput for a bad or
    taken name, without a usable recording, or with a single clip; OutOfSpace; whatever ``on_step``
    raises. Then nothing is left behind.
    """
    name = check_name("dataset", name)
    place = root / name
    if place.exists() and not config.replace:
        raise BadInput(
            f"Dataset {name!r} exists already in {root}. Choose another name, or say --replace."
        )
    found, problems = find_audio(sources)
    recordings, unusable, unused = _described(found, table or Table())
    problems += unusable + ([] if table else unread_tables(sources))
    require_space(root, [recording.info for recording in recordings])
    with _built_beside(place, replace=config.replace) as folder:
        clips, more = _cut_all(recordings, folder, config.cutting, on_step)
        info = _manifest(name, clips, problems + more + unused, config)
        save_info(info, folder)
        if mark is not None:
            mark(folder)
    return info


def prepare_clips(
    clips: Sequence[tuple[Path, Clip]],
    name: str,
    root: Path,
    config: PrepareConfig,
    on_step: OnStep,
    *,
    problems: Sequence[Problem] = (),
    stems: Sequence[tuple[Path, str]] = (),
    separators: Iterable[str] = (),
    mark: Callable[[Path], None] | None = None,
) -> DatasetInfo:
    """Make the dataset ``root/name`` from clips that are cut and described already.

    clips: each with the file that it is copied from. stems: files to be carried along, each with
    its path in the dataset; one that is gone is among the problems. separators: what made them.
    mark: does what else belongs into the folder.
    ``config.cutting`` plays no part.

    Raises BadInput for a bad or taken name, fewer than two clips, or a file that is missing or
    not the one that was described; OutOfSpace; whatever ``on_step`` raises. Then nothing is left.
    """
    name = check_name("dataset", name)
    place = root / name
    if place.exists() and not config.replace:
        raise Taken(f"Dataset {name!r} exists already. Choose another name, or have it overwritten")
    with _built_beside(place, replace=config.replace) as folder:
        on_step(0, len(clips))
        for done, (path, clip) in enumerate(clips, start=1):
            _copy(path, folder / clip.file, clip)
            on_step(done, len(clips))
        carried, gone = _carry(stems, folder)
        info = _manifest(name, [clip for _, clip in clips], [*problems, *gone], config)
        info = with_stems(info, carried, separators)
        save_info(info, folder)
        if mark is not None:
            mark(folder)
    return info


def _copy(path: Path, target: Path, clip: Clip) -> None:
    try:
        shutil.copyfile(path, target)
    except FileNotFoundError as error:
        raise BadInput(f"{path.name} is gone. Analyse its recording again.") from error
    except OSError as error:
        if not is_full(error):
            raise
        raise OutOfSpace("The disk is full. Free some space, then prepare again.") from error
    if sha256_of(target) != clip.sha256:
        raise BadInput(f"{path.name} is not the clip that was described: it has changed since.")


def _carry(stems: Sequence[tuple[Path, str]], folder: Path) -> tuple[list[str], list[Problem]]:
    """The stems that lie in the dataset's folder now, and those that could not be brought."""
    carried: list[str] = []
    gone: list[Problem] = []
    for path, file in stems:
        target = folder / file
        if not path.is_file():
            reason = "this stem is gone. Separate the stems of its recording again."
            gone.append(Problem(file=file, reason=reason))
            continue
        target.parent.mkdir(exist_ok=True)
        _linked(path, target)
        carried.append(file)
    return carried, gone


def _linked(path: Path, target: Path) -> None:
    try:
        linked(path, target)
    except OSError as error:
        if not is_full(error):
            raise
        raise OutOfSpace("The disk is full. Free some space, then prepare again.") from error


def _described(
    found: Sequence[Found], table: Table
) -> tuple[list[Recording], list[Problem], list[Problem]]:
    """Recordings that can be opened, with what a person says of them; problems of both."""
    recordings: list[Recording] = []
    problems: list[Problem] = []
    rows, said = fitting(table.rows, (item.label for item in found))
    said = [*table.problems, *said]
    folders: Folders = {}
    for item in found:
        try:
            info: AudioInfo = probe(item.path)
            notes = read_notes(item.path, folders)
            values = _merged(notes.values, rows[item.label][1] if item.label in rows else {})
            with_values(ClipMetadata(), values, f"notes on {item.label}")  # before any work
        except BadInput as error:
            problems.append(Problem(file=item.label, reason=str(error)))
        else:
            recordings.append(Recording(found=item, info=info, values=values))
            said += notes.problems
    return recordings, problems, together(said)


def _merged(notes: Values, row: Values) -> Values:
    """What a row says goes before what notes say."""
    other = {**notes.get(OTHER, {}), **row.get(OTHER, {})}
    given = {field: value for field, value in row.items() if value != ""}
    return {**notes, **given, **({OTHER: other} if other else {})}


def require_space(root: Path, recordings: Sequence[AudioInfo]) -> None:
    """Raise OutOfSpace when the clips of ``recordings`` do not fit on the disk of ``root``."""
    needed = sum(
        info.duration_s
        * min(info.rate_hz, MAX_CLIP_RATE_HZ)
        * (1 if info.channels > 2 else info.channels)
        * _BYTES_PER_SAMPLE
        for info in recordings
    )
    existing = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if needed * 1.05 > free:
        raise OutOfSpace(
            f"The clips need {size_text(needed)}; {existing} has {size_text(free)} left. "
            "Free some space there, or give fewer recordings."
        )


@contextmanager
def _built_beside(place: Path, *, replace: bool) -> Iterator[Path]:
    """A folder to build in, which takes the place of ``place`` when the block succeeds."""
    place.parent.mkdir(parents=True, exist_ok=True)
    sweep(place.parent, f".{glob.escape(place.name)}.*{_PART}")
    folder = Path(mkdtemp(prefix=f".{place.name}.", suffix=_PART, dir=place.parent))
    try:
        folder.chmod(0o755)  # mkdtemp's is for secrets
        (folder / "clips").mkdir()
        with held(folder):
            yield folder
            if replace:
                _keep_latents(place, folder)
            put_in_place(folder, place, replace=replace)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keep_latents(place: Path, folder: Path) -> None:
    """They are found by content: the same clips find theirs again."""
    kept = folder / "latents"
    try:
        if (place / "latents").is_dir():
            shutil.copytree(place / "latents", kept, copy_function=linked)
    except (OSError, shutil.Error) as error:
        logger.warning("the latents of %s are made anew: %s", place, error)
        shutil.rmtree(kept, ignore_errors=True)


def _cut_all(
    recordings: Sequence[Recording], folder: Path, how: Cutting, on_step: OnStep
) -> tuple[list[Clip], list[Problem]]:
    total = math.ceil(sum(recording.info.duration_s for recording in recordings))
    names = Names()
    clips: list[Clip] = []
    problems: list[Problem] = []
    done = 0.0
    on_step(0, total)
    for recording in recordings:

        def heard(seconds: float, before: float = done) -> None:
            on_step(min(total, round(before + seconds)), total)

        try:
            made, said = cut_recording(recording, folder, how, names, heard)
            clips += [cut.clip for cut in made]
            problems += said
        except BadInput as error:
            path, label = readable(str(recording.found.path)), recording.found.label
            logger.info("%s left out: %s", label, error)
            problems.append(Problem(file=label, reason=str(error).removeprefix(f"{path}: ")))
        done += recording.info.duration_s
        on_step(min(total, round(done)), total)
    return clips, problems


def _manifest(
    name: str, clips: Sequence[Clip], problems: Sequence[Problem], config: PrepareConfig
) -> DatasetInfo:
    if len(clips) < MIN_CLIPS:
        reasons = "".join(f"\n  {about(item.file, item.reason)}" for item in problems[:20])
        raise BadInput(
            f"The recordings give {len(clips) or 'no'} clip{'' if len(clips) == 1 else 's'}; "
            f"training needs {MIN_CLIPS}. Add recordings, or allow shorter clips.{reasons}"
        )
    divided = assign_split(one_tempo(clips), config.held_out, config.seed)
    return DatasetInfo(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        clips=tuple(divided),
        problems=tuple(problems),
        notes=(NOTE_ONE_SONG,) if len({clip.song for clip in clips}) == 1 else (),
    )
