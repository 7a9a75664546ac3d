"""What can be done with recordings before they are a dataset: listen, cut, take apart."""

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from angen.audio.description import is_sure
from angen.audio.files import probe
from angen.audio.listening import Listening, listen_file
from angen.audio.quality import check_file
from angen.audio.segment import MAX_S, MIN_S, cut, write_clips
from angen.audio.stems import Separator, separate_file
from angen.data.scan import find_audio
from angen.errors import BadInput, readable
from angen.names import about, distinct

logger = logging.getLogger(__name__)

OnStep = Callable[[int, int], None]  # seconds of audio done, in all; may raise Stopped
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A file that was left out, and why."""

    file: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """A row of the metadata table, filled in by machine; times in seconds."""

    file: str
    duration_s: float
    genre: str
    bpm: float | None
    key: str | None
    mood: str
    instruments: tuple[str, ...]
    energy: str
    description: str
    bpm_alternatives: tuple[float, ...]
    loudness_lufs: float
    confidence: dict[str, float]
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    warnings: tuple[str, ...]  # what makes it poor training material


@dataclass(frozen=True, kw_only=True, slots=True)
class Analysis:
    """What was heard in each recording."""

    heard: tuple[Heard, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """Files made from each recording."""

    files: dict[str, tuple[Path, ...]]  # recording -> what was made of it
    skipped: tuple[Skipped, ...]


def analyze_audio(sources: Sequence[Path], on_step: OnStep) -> Analysis:
    """Listen to files and folders: tempo, key, energy, genre, mood, instruments, in words too.

    Raises BadInput when none can be listened to.
    """
    heard, skipped = _each(sources, lambda path, _: _hear(path), on_step)
    return Analysis(heard=tuple(heard.values()), skipped=skipped)


def split_audio_to_clips(
    sources: Sequence[Path],
    folder: Path,
    on_step: OnStep,
    *,
    min_s: float = MIN_S,
    max_s: float = MAX_S,
    overlap_s: float = 0.0,
) -> Written:
    """Cut recordings into clips on musical boundaries, as ``<genre>_<song>_clip001.wav``.

    Files that are in ``folder`` already stay: a new one of that name gets a number.

    Raises BadInput when no recording can be cut, or for lengths that cannot tile one.
    """
    if not 0 < 2 * min_s <= max_s - overlap_s or overlap_s < 0:
        raise BadInput(
            f"Clips of {min_s:g} to {max_s:g} s with {overlap_s:g} s of overlap cannot tile a "
            "recording: the longest less the overlap must be twice the shortest or more."
        )
    folder.mkdir(parents=True, exist_ok=True)
    taken = {path.name.casefold() for path in folder.iterdir()}

    def split(path: Path, _: Callable[[float], None]) -> tuple[Path, ...]:
        heard = listen_file(path)
        cuts = cut(heard, min_s=min_s, max_s=max_s, overlap_s=overlap_s)
        genre = heard.genre if is_sure(heard.confidence, "genre") else ""
        return _place(path, folder, cuts, genre, taken)

    files, skipped = _each(sources, split, on_step)
    return Written(files=files, skipped=skipped)


def separate_vocal_stems(
    sources: Sequence[Path],
    folder: Path,
    separator: Separator,
    on_step: OnStep,
) -> Written:
    """Take recordings apart, as ``<song>_vocals.wav``. Raises BadInput when none can be read."""
    taken: set[str] = set()

    def separate(path: Path, seconds: Callable[[float], None]) -> tuple[Path, ...]:
        place = distinct(readable(path.stem), taken)
        target = folder if place == readable(path.stem) else folder / place
        duration_s = probe(path).duration_s
        stems = separate_file(path, target, separator, lambda i, n: seconds(duration_s * i / n))
        return tuple(stems.values())

    files, skipped = _each(sources, separate, on_step)
    return Written(files=files, skipped=skipped)


def _each(
    sources: Sequence[Path],
    do: Callable[[Path, Callable[[float], None]], Result],
    on_step: OnStep,
) -> tuple[dict[str, Result], tuple[Skipped, ...]]:
    """What ``do`` makes of each recording; one that cannot be used does not stop the others."""
    found, problems = find_audio(sources)
    skipped = [Skipped(file=problem.file, reason=problem.reason) for problem in problems]
    lengths: dict[Path, float] = {}
    for item in found:
        try:
            lengths[item.path] = probe(item.path).duration_s
        except BadInput as error:
            skipped.append(Skipped(file=readable(str(item.path)), reason=str(error)))
    total, before = max(1, round(sum(lengths.values()))), 0.0
    done: dict[str, Result] = {}
    on_step(0, total)
    for path, length in lengths.items():

        def seconds(at: float, before: float = before) -> None:
            on_step(min(total, round(before + at)), total)

        try:
            done[readable(str(path))] = do(path, seconds)
        except BadInput as error:
            skipped.append(Skipped(file=readable(str(path)), reason=str(error)))
        before += length
        on_step(min(total, round(before)), total)
    if not done:
        reasons = "\n".join(f"  {about(item.file, item.reason)}" for item in skipped)
        raise BadInput(f"Nothing could be used:\n{reasons}")
    return done, tuple(skipped)


def _hear(path: Path) -> Heard:
    listening = listen_file(path)
    findings = check_file(path)
    return Heard(
        file=readable(str(path)),
        duration_s=round(listening.duration_s, 3),
        genre=listening.genre,
        bpm=None if listening.bpm is None else round(listening.bpm, 2),
        key=listening.key,
        mood=listening.mood,
        instruments=listening.instruments,
        energy=listening.energy,
        description=listening.description,
        bpm_alternatives=tuple(round(bpm, 2) for bpm in listening.bpm_alternatives),
        loudness_lufs=round(listening.loudness_lufs, 1),
        confidence=listening.confidence,
        beats=_rounded(listening, "beats"),
        downbeats=_rounded(listening, "downbeats"),
        warnings=tuple(finding.message for finding in findings),
    )


def _rounded(listening: Listening, name: str) -> tuple[float, ...]:
    return tuple(round(float(time), 3) for time in getattr(listening, name))


def _place(
    path: Path, folder: Path, cuts: Sequence[tuple[float, float]], genre: str, taken: set[str]
) -> tuple[Path, ...]:
    """Write the clips beside their place, then move them in under free names."""
    beside = folder / ".split.part"
    shutil.rmtree(beside, ignore_errors=True)
    placed = []
    try:
        for clip in write_clips(path, beside, cuts, genre):
            name = clip.name if clip.name.casefold() not in taken else _numbered(clip, taken)
            taken.add(name.casefold())
            placed.append(clip.rename(folder / name))
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return tuple(placed)


def _numbered(clip: Path, taken: set[str]) -> str:
    """``pop_song-2_clip001.wav`` for a second ``pop_song_clip001.wav``."""
    song, _, number = clip.stem.rpartition("_clip")
    tries = (f"{song}-{n}_clip{number}.wav" for n in range(2, 100_000))
    return next(name for name in tries if name.casefold() not in taken)
