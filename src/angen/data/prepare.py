"""Recordings in, a training set out: listened to, cut, described, divided, written.

    sources ─► find ─► per recording: listen ─► cut ─► per clip: check, listen, write
            ─► a person's notes over the machine's guesses ─► split by songs ─► dataset_info.json

The set is built beside its place and moved there when it is whole: a fault or a stop leaves nothing
half-written. A recording that cannot be used is reported, and the others go on.
"""

import logging
import math
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from angen.audio.files import AudioInfo, probe, read_audio, write_wav
from angen.data.listen import Cut, Cutter, Listener, Sound, cut_musically, describe
from angen.data.manifest import (
    Clip,
    ClipMetadata,
    DatasetInfo,
    Problem,
    Source,
    save_info,
)
from angen.data.scan import Found, find_audio, sha256_of
from angen.data.split import NOTE_ONE_SONG, assign_split
from angen.data.tables import Values, read_notes, values_for, with_values
from angen.errors import BadInput, OutOfSpace
from angen.names import check_name, distinct, safe

logger = logging.getLogger(__name__)

OnStep = Callable[[int, int], None]  # seconds of audio done, in all; may raise Stopped

MAX_RATE_HZ = 48_000  # nothing above is heard or modelled
SECTION_S = 480  # longest part of a recording in memory: a piece of three hours is cut in sections
MIN_CLIPS = 2
_CLIP_SUFFIX = re.compile(r"_clip\d{2,}$", re.IGNORECASE)
_STEM_SUFFIX = re.compile(
    r"[_ -](vocals?|drums|bass|other|guitar|piano|instrumental|no_vocals)$", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareConfig:
    """How recordings become clips."""

    cut: bool = True  # False: each file is one clip, as when it was cut before
    min_s: float = 10
    max_s: float = 30
    held_out: float = 0.1  # share of clips kept aside, by whole songs
    seed: int = 0  # of the choice of what is kept aside
    licence: str | None = None  # of all recordings, carried along with each clip
    replace: bool = False  # an existing dataset of this name gives way

    def __post_init__(self) -> None:
        if not 0 < self.min_s <= self.max_s:
            raise BadInput(f"Clips from {self.min_s:g} to {self.max_s:g} s: give 0 < min <= max.")
        if not 0 <= self.held_out <= 0.5:
            raise BadInput(f"held_out={self.held_out}: the share kept aside is from 0 to 0.5.")


@dataclass(kw_only=True)
class _Work:
    """What grows while recordings are gone through."""

    folder: Path
    config: PrepareConfig
    listener: Listener
    cutter: Cutter
    table: Mapping[str, Values]
    clips: list[Clip] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    songs: dict[str, str] = field(default_factory=dict)  # what tells songs apart -> their names
    taken_songs: set[str] = field(default_factory=set)
    taken_files: set[str] = field(default_factory=set)
    used_rows: set[str] = field(default_factory=set)

    def report(self, path: Path, reason: str) -> None:
        logger.info("%s: %s", path, reason)
        self.problems.append(Problem(file=path.name, reason=reason))


def prepare(
    sources: Sequence[Path],
    name: str,
    root: Path,
    config: PrepareConfig,
    on_step: OnStep,
    *,
    table: Mapping[str, Values] | None = None,
    listener: Listener = describe,
    cutter: Cutter = cut_musically,
) -> DatasetInfo:
    """Make the dataset ``root/name`` from recordings.

    table: a person's rows by file name; see ``tables.read_table``. Notes beside the files are read
    as well, and a row goes before a note.

    Raises BadInput for a bad or taken name, without a usable recording, or with a single clip;
    OutOfSpace; whatever ``on_step`` raises. None of them leaves anything behind.
    """
    name = check_name("dataset", name)
    place = root / name
    if place.exists() and not config.replace:
        raise BadInput(
            f"Dataset {name!r} exists already in {root}. Choose another name, or replace it."
        )
    found, problems = find_audio(sources)
    recordings, unusable = _probed(found)
    _require_space(root, [info for _, info in recordings])
    with _built_beside(place) as folder:
        work = _Work(
            folder=folder, config=config, listener=listener, cutter=cutter, table=table or {}
        )
        work.problems += problems + unusable
        _go_through(work, recordings, on_step)
        info = _manifest(name, work)
        save_info(info, folder)
    return info


def _probed(
    found: Sequence[Found],
) -> tuple[list[tuple[Found, AudioInfo]], list[Problem]]:
    good: list[tuple[Found, AudioInfo]] = []
    problems: list[Problem] = []
    for item in found:
        try:
            info = probe(item.path)
        except BadInput as error:
            problems.append(Problem(file=item.path.name, reason=str(error)))
            continue
        if info.warning:
            problems.append(Problem(file=item.path.name, reason=info.warning))
        good.append((item, info))
    return good, problems


def _require_space(root: Path, recordings: Sequence[AudioInfo]) -> None:
    needed = sum(
        info.duration_s * min(info.rate_hz, MAX_RATE_HZ) * min(info.channels, 2) * 2
        for info in recordings
    )
    existing = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if needed * 1.05 > free:
        raise OutOfSpace(
            f"The clips need {needed / 2**20:.0f} MB and {existing} has {free / 2**20:.0f} MB left. "
            "Free some space there, or give fewer recordings."
        )


@contextmanager
def _built_beside(place: Path) -> Iterator[Path]:
    """A folder to build in, which takes the place of ``place`` when the block succeeds."""
    folder = place.with_name(f".{place.name}.part")
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    try:
        (folder / "clips").mkdir(parents=True)
        yield folder
        if place.exists():
            if (place / "latents").is_dir():  # found by content, so the same clips find theirs
                (place / "latents").rename(folder / "latents")
            shutil.rmtree(old, ignore_errors=True)
            place.rename(old)
        folder.rename(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _go_through(
    work: _Work, recordings: Sequence[tuple[Found, AudioInfo]], on_step: OnStep
) -> None:
    total = math.ceil(sum(info.duration_s for _, info in recordings))
    done = 0.0
    on_step(0, total)
    for found, info in recordings:
        before = len(work.clips)

        def heard(seconds: float, done: float = done) -> None:
            on_step(min(total, round(done + seconds)), total)

        try:
            _recording(work, found, info, heard)
        except BadInput as error:
            work.report(found.path, str(error))
            _forget(work, before)
        done += info.duration_s
    on_step(total, total)


def _forget(work: _Work, before: int) -> None:
    """Take back the clips of a recording that turned out damaged halfway."""
    for clip in work.clips[before:]:
        (work.folder / clip.file).unlink()
    del work.clips[before:]


def _recording(
    work: _Work, found: Found, info: AudioInfo, heard: Callable[[float], None]
) -> None:
    """Add the clips of one recording."""
    values = _person_says(work, found.path)
    song = _song_of(work, found.path, info)
    whole = bool(_CLIP_SUFFIX.search(found.path.stem)) or not work.config.cut
    before = len(work.clips)
    for section in _sections(info, whole):
        sound = _read(found.path, info, section)
        cuts = [Cut(start_s=0, end_s=sound.duration_s)]
        if not whole:
            cuts = work.cutter(sound, work.config.min_s, work.config.max_s)
        for cut in cuts:
            _clip(work, found, song, section.start_s, cut, sound, values)
            heard(section.start_s + cut.end_s)
    _mark_end(work, before, info, found.path)
    _place_lyrics(work, before, found.path)
    if len(work.clips) == before:
        raise BadInput("no clip of it can be used; see the lines above")


def _sections(info: AudioInfo, whole: bool) -> list[Cut]:
    count = 1 if whole else max(1, math.ceil(info.duration_s / SECTION_S))
    bounds = [info.duration_s * i / count for i in range(count + 1)]
    return [Cut(start_s=a, end_s=b) for a, b in zip(bounds, bounds[1:], strict=False)]


def _read(path: Path, info: AudioInfo, section: Cut) -> Sound:
    rate = MAX_RATE_HZ if info.rate_hz > MAX_RATE_HZ else None
    audio = read_audio(
        path,
        rate_hz=rate,
        mono=info.channels > 2,
        start_s=section.start_s,
        duration_s=section.end_s - section.start_s,
    )
    return Sound(samples=audio.samples, rate_hz=audio.rate_hz)


def _person_says(work: _Work, path: Path) -> Values:
    values = read_notes(path)
    row = values_for(work.table, path)
    if row is not None:
        work.used_rows.add(row[0])
        values = {**values, **{name: value for name, value in row[1].items() if value != ""}}
    with_values(ClipMetadata(), values, f"notes on {path.name}")  # refused before any work
    return values


def _song_of(work: _Work, path: Path, info: AudioInfo) -> str:
    """The song that a file belongs to: cuts and stems of one song, and copies of it in another
    format, are together; other files of the same name are apart."""
    stem = _CLIP_SUFFIX.sub("", path.stem)
    mark = f"{path.parent}/{stem}" if stem != path.stem else ""
    if not mark:
        stem = _STEM_SUFFIX.sub("", path.stem) or path.stem
        mark = f"{stem.casefold()}/{round(info.duration_s)}"
    if mark not in work.songs:
        work.songs[mark] = distinct(safe(stem, 70), work.taken_songs)
    return work.songs[mark]


def _clip(
    work: _Work, found: Found, song: str, offset_s: float, cut: Cut, sound: Sound, values: Values
) -> None:
    piece = sound.part(cut)
    start_s = offset_s + cut.start_s
    where = f"{start_s:.1f} to {start_s + piece.duration_s:.1f} s"
    guess, faults, usable = work.listener(piece)
    for fault in faults:
        work.report(found.path, f"{where}: {fault}" + ("" if usable else "; left out"))
    if not usable:
        return
    metadata = with_values(guess, values, f"notes on {found.path.name}")
    file = _file_name(work, metadata.genre, song)
    write_wav(work.folder / file, piece.samples, piece.rate_hz)
    work.clips.append(
        Clip(
            file=file,
            song=song,
            start_s=round(start_s, 6),
            duration_s=round(piece.duration_s, 6),
            ends_song=False,
            sha256=sha256_of(work.folder / file),
            source=Source(
                file=found.path.name, sha256=found.sha256, licence=work.config.licence
            ),
            metadata=metadata,
        )
    )


def _file_name(work: _Work, genre: str, song: str) -> str:
    number = sum(clip.song == song for clip in work.clips) + 1
    style = safe(genre.lower(), 24) if genre else "music"
    return f"clips/{distinct(f'{style}_{song}_clip{number:03d}', work.taken_files)}.wav"


def _mark_end(work: _Work, before: int, info: AudioInfo, path: Path) -> None:
    """Only a clip that reaches the end of a whole recording teaches the model to stop."""
    if len(work.clips) == before or info.warning or _CLIP_SUFFIX.search(path.stem):
        return
    last = work.clips[-1]
    if last.start_s + last.duration_s > info.duration_s - 0.1:
        work.clips[-1] = last.model_copy(update={"ends_song": True})


def _place_lyrics(work: _Work, before: int, path: Path) -> None:
    """Lyrics of a whole song fit no single clip of it: better none than the wrong words."""
    clips = work.clips[before:]
    if len(clips) < 2 or not any(clip.metadata.lyrics for clip in clips):
        return
    for i, clip in enumerate(clips, start=before):
        metadata = clip.metadata.model_copy(
            update={
                "lyrics": "",
                "edited": tuple(name for name in clip.metadata.edited if name != "lyrics"),
            }
        )
        work.clips[i] = clip.model_copy(update={"metadata": metadata})
    work.report(
        path,
        f"its lyrics belong to {len(clips)} clips and nobody knows which line to which; they were "
        "left out. Give each clip its lines in the metadata table.",
    )


def _manifest(name: str, work: _Work) -> DatasetInfo:
    for row in work.table:
        if row not in work.used_rows:
            work.problems.append(Problem(file=row, reason="a row of the table; no such recording"))
    if len(work.clips) < MIN_CLIPS:
        reasons = "".join(f"\n  {p.file}: {p.reason}" for p in work.problems[:20])
        count = "one clip" if work.clips else "no clip"
        raise BadInput(
            f"The recordings give {count}; training needs {MIN_CLIPS}. "
            f"Add recordings, or allow shorter clips.{reasons}"
        )
    clips = assign_split(work.clips, work.config.held_out, work.config.seed)
    songs = Counter(clip.song for clip in clips)
    return DatasetInfo(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        clips=tuple(clips),
        problems=tuple(work.problems),
        notes=(NOTE_ONE_SONG,) if len(songs) == 1 else (),
    )


