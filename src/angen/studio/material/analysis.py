"""Recordings into a metadata table: listened to, cut, described; stems beside them if wanted.

The table is saved after each recording. So it fills under the eyes of whoever waits, and an
analysis that is cut short goes on where it was.
"""

import math
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from angen.audio.files import probe
from angen.audio.listening import Listening, listen_file
from angen.audio.stems import separate_file
from angen.data.clips import (
    Cut,
    Cutting,
    Names,
    Recording,
    cut_recording,
    metadata_of,
    song_mark,
)
from angen.data.manifest import Clip, ClipMetadata, Problem, Source
from angen.data.prepare import require_space
from angen.data.scan import Found
from angen.errors import BadInput, MissingWeights
from angen.names import distinct, safe
from angen.studio.base import open_separator
from angen.studio.material.collections import (
    Collection,
    Row,
    get_collection,
    held,
    new_collection,
    row_path,
    save_collection,
)
from angen.studio.material.edits import heard_anew
from angen.studio.material.uploads import Upload, get_upload, known_upload, upload_path
from angen.studio.requests.material import AnalyzeRequest, FillRequest
from angen.studio.settings import Settings
from angen.studio.watch import OnStep, Watch

_PART = ".part"


def analyze(
    request: AnalyzeRequest, settings: Settings, watch: Watch, job: str, *, again: bool = False
) -> Collection:
    """Fill the table that the request names, or a new one with the id ``job``.

    again: an earlier attempt was cut short; recordings that are in the table already stay.

    Raises BadInput when none of the recordings can be used, OutOfSpace; Stopped, with the table
    of what was done.
    """
    how = Cutting(
        cut=request.auto_split,
        min_s=request.min_s,
        max_s=request.max_s,
        overlap_s=request.overlap_s,
    )
    uploads = [get_upload(settings, file) for file in dict.fromkeys(request.files)]
    require_space(settings.clips, [probe(upload_path(settings, each)) for each in uploads])
    collection = _opened(request, settings, job)
    done = {row.upload for row in collection.rows} if again else set()
    on_seconds = _Seconds(uploads, watch.stage("Listening and cutting"))
    for upload in uploads:
        if upload.id not in done:
            collection = _add(upload, collection.id, how, settings, on_seconds)
        on_seconds.finished(upload)
    if not collection.rows:
        reasons = "".join(f"\n  {item.file}: {item.reason}" for item in collection.skipped)
        raise BadInput(f"None of the recordings can be used:{reasons}")
    if request.separate_stems:
        collection = _with_stems(uploads, collection.id, settings, watch)
    return collection


def _opened(request: AnalyzeRequest, settings: Settings, job: str) -> Collection:
    """The table as it is; its folder without what an attempt that was cut short left."""
    identity = request.collection or job
    with held(settings, identity):
        try:
            collection = get_collection(settings, identity)
        except BadInput:
            if request.collection is not None:
                raise
            collection = save_collection(settings, new_collection(request.name, job))
        folder = settings.clips / identity
        known = {Path(row.audio).name for row in collection.rows}
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_file() and path.name not in known:
                path.unlink()
    return collection


class _Seconds:
    """Counts seconds of all recordings together."""

    def __init__(self, uploads: Sequence[Upload], on_step: OnStep) -> None:
        self._before = 0.0
        self._total = max(1, math.ceil(sum(upload.duration_s for upload in uploads)))
        self._on_step = on_step
        on_step(0, self._total)

    def __call__(self, seconds: float) -> None:
        self._on_step(min(self._total, round(self._before + seconds)), self._total)

    def finished(self, upload: Upload) -> None:
        self._before += upload.duration_s
        self(0)


def _add(
    upload: Upload,
    identity: str,
    how: Cutting,
    settings: Settings,
    on_seconds: Callable[[float], None],
) -> Collection:
    """Cut one recording into the table; the table afterwards."""
    path = upload_path(settings, upload)
    folder = settings.clips / identity
    beside = settings.clips / f".{identity}{_PART}"
    shutil.rmtree(beside, ignore_errors=True)
    (beside / "clips").mkdir(parents=True)
    try:
        found = Found(path=path, label=upload.name, sha256=upload.sha256)
        recording = Recording(found=found, info=probe(path), values={})
        names = _names(get_collection(settings, identity), upload, settings)
        try:
            cuts, said = cut_recording(recording, beside, how, names, on_seconds)
        except BadInput as error:
            reason = str(error).removeprefix(f"{path}: ").replace(str(path), upload.name)
            cuts, said = [], [Problem(file=upload.name, reason=reason)]
        folder.mkdir(parents=True, exist_ok=True)
        with held(settings, identity):
            for made in cuts:
                (beside / made.clip.file).rename(folder / Path(made.clip.file).name)
            before = get_collection(settings, identity)
            rows = [_row(made, upload, folder, settings) for made in cuts]
            after = before.model_copy(
                update={"rows": (*before.rows, *rows), "skipped": (*before.skipped, *said)}
            )
            return save_collection(settings, after)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _names(collection: Collection, upload: Upload, settings: Settings) -> Names:
    """Names that the table's songs and clips have taken.

    Another copy of a song, and what has the very same content, are the same song: the split must
    not put the one to learn from and the other to judge by.
    """
    songs: dict[str, str] = {}
    files: dict[str, tuple[Path, Path]] = {}
    for row in collection.rows:
        if row.source_sha256 == upload.sha256:
            return Names(songs={_mark(upload): row.song}, taken_files=_taken_files(collection))
        other = known_upload(settings, row.upload)
        if other is None or row.song in songs.values():
            continue
        mark, number = _mark(other), 1
        while mark in songs:  # another song of this name and length
            number += 1
            mark = f"{_mark(other)}/{number}"
        songs[mark] = row.song
        files[mark] = Path(other.name), upload_path(settings, other)
    return Names(
        songs=songs,
        files=files,
        taken_songs={row.song.casefold() for row in collection.rows},
        taken_files=_taken_files(collection),
    )


def _taken_files(collection: Collection) -> set[str]:
    return {Path(row.file).stem.casefold() for row in collection.rows}


def _mark(upload: Upload) -> str:
    return song_mark(Path(upload.name), upload.duration_s)[1]


def _row(made: Cut, upload: Upload, folder: Path, settings: Settings) -> Row:
    clip, name = made.clip, Path(made.clip.file).name
    return Row(
        id=secrets.token_hex(6),
        file=name,
        audio=(folder / name).relative_to(settings.home).as_posix(),
        upload=upload.id,
        source=upload.name,
        song=clip.song,
        start_s=clip.start_s,
        duration_s=clip.duration_s,
        ends_song=clip.ends_song,
        sha256=clip.sha256,
        source_sha256=clip.source.sha256,
        licence=clip.source.licence,
        loudness_lufs=made.loudness_lufs,
        metadata=clip.metadata,
        heard=clip.metadata,
        findings=made.doubts,
    )


def _with_stems(
    uploads: Sequence[Upload], identity: str, settings: Settings, watch: Watch
) -> Collection:
    """Stems of each recording, noted in its rows; why not, where that cannot be done."""
    on_step = watch.stage("Separating stems")
    note, changes = "", {}
    try:
        separator = open_separator(settings)
        for number, upload in enumerate(uploads):

            def counted(done: int, total: int, number: int = number) -> None:
                on_step(number * total + done, len(uploads) * total)

            path = upload_path(settings, upload)
            folder = settings.stems / identity / upload.id
            made = separate_file(path, folder, separator, counted)
            stems = {n: stem.relative_to(settings.home).as_posix() for n, stem in made.items()}
            changes[upload.id] = {"stems": stems, "separator": separator.name}
    except MissingWeights as error:
        note = f"No stems were separated. {error}"
        watch.say(note)
    with held(settings, identity):
        collection = get_collection(settings, identity)
        rows = tuple(row.model_copy(update=changes.get(row.upload, {})) for row in collection.rows)
        kept = tuple(old for old in collection.notes if not old.startswith("No stems"))
        notes = (*kept, note) if note else kept
        return save_collection(
            settings, collection.model_copy(update={"rows": rows, "notes": notes})
        )


def fill(request: FillRequest, settings: Settings, watch: Watch) -> Collection:
    """Listen anew to clips of a table; what a person has written stays.

    Raises Unknown, BadInput when no clip can be listened to; Stopped, with nothing changed.
    """
    collection = get_collection(settings, request.collection)
    rows = [row for row in collection.rows if not request.rows or row.id in request.rows]
    on_step = watch.stage("Listening")
    songs: dict[str, Listening | None] = {}
    heard: dict[str, ClipMetadata] = {}
    for done, row in enumerate(rows, start=1):
        try:
            heard[row.id] = _heard(row, songs, settings)
        except BadInput as error:
            watch.say(f"{row.file}: {error}")
        on_step(done, len(rows))
    if not heard:
        raise BadInput("None of the clips could be listened to. Analyse the recordings again.")
    with held(settings, request.collection):
        collection = get_collection(settings, request.collection)
        filled = tuple(
            row.model_copy(
                update={
                    "metadata": heard_anew(row.metadata, heard[row.id]),
                    "heard": heard[row.id],
                }
            )
            if row.id in heard
            else row
            for row in collection.rows
        )
        return save_collection(settings, collection.model_copy(update={"rows": filled}))


def _heard(row: Row, songs: dict[str, Listening | None], settings: Settings) -> ClipMetadata:
    """What the machine hears in a clip, and in its whole recording as long as that is there."""
    clip = listen_file(row_path(settings, row))
    if row.upload not in songs:
        upload = known_upload(settings, row.upload)  # when it was deleted, the clip must do
        whole = None if upload is None else listen_file(upload_path(settings, upload))
        songs[row.upload] = whole
    return metadata_of(songs[row.upload] or clip, clip)


def stems_of(collection: Collection, settings: Settings) -> list[tuple[Path, str]]:
    """The stems of the recordings that a table uses, each with its path in a training set.

    They are called as songs are there: ``stems/mysong_vocals.wav``.
    """
    taken: set[str] = set()
    found: dict[str, str] = {}  # a recording has many rows, and its stems once
    for row in collection.used:
        for stem, place in row.stems.items():
            if place not in found:
                found[place] = f"stems/{distinct(f'{safe(row.song)}_{safe(stem)}', taken)}.wav"
    return [(settings.home / place, file) for place, file in found.items()]


def clips_of(
    collection: Collection, settings: Settings, licence: str | None = None
) -> list[tuple[Path, Clip]]:
    """The rows of a table that are not left out, as clips of a training set, each with its file."""
    return [
        (
            row_path(settings, row),
            Clip(
                file=f"clips/{row.file}",
                song=row.song,
                start_s=row.start_s,
                duration_s=row.duration_s,
                ends_song=row.ends_song,
                sha256=row.sha256,
                source=Source(
                    file=row.source, sha256=row.source_sha256, licence=licence or row.licence
                ),
                metadata=row.metadata,
            ),
        )
        for row in collection.used
    ]
