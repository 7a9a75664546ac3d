"""One recording to its clips: listened to as a whole, cut, each clip listened to and written.

Memory holds one clip at a time, however long the recording.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from angen.audio.beats import one_pulse
from angen.audio.files import Audio, AudioInfo, read_audio, write_wav
from angen.audio.fingerprint import same_music
from angen.audio.listening import Listening, listen, listen_file
from angen.audio.quality import check, measure_file
from angen.audio.segment import clip_name, cut
from angen.data.manifest import Clip, ClipMetadata, Problem, Source, trusted
from angen.data.matching import Values
from angen.data.scan import Found, sha256_of
from angen.data.tables import described, sentence_of, with_values
from angen.errors import BadInput
from angen.names import distinct, safe

OnSeconds = Callable[[float], None]  # seconds of the recording done; may raise Stopped

MAX_CLIP_RATE_HZ = 48_000  # nothing above is heard or modelled
LONGEST_UNCUT_S = 600  # of a file that is one clip: it has to fit in memory
SAME_TEMPO = 0.04  # of a tempo: so far two are the same
END_TOLERANCE_S = 0.1  # a clip that comes this close to the end of a recording reaches it
_SONG_BYTES = 70
_CUT = re.compile(r"_clip\d{2,}$", re.IGNORECASE)
_STEM = re.compile(
    r"[_ -](vocals?|drums|bass|other|guitar|piano|instrumental|no_vocals)$", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cutting:
    """How recordings are cut."""

    cut: bool = True  # False: each file is one clip, as when it was cut before
    min_s: float = 10
    max_s: float = 30
    overlap_s: float = 0  # how much of a clip the next one repeats
    licence: str | None = None  # of the recordings, carried along with each clip

    def __post_init__(self) -> None:
        if not 1 <= self.min_s <= (self.max_s - self.overlap_s) / 2 or self.overlap_s < 0:
            overlap = f" with {self.overlap_s:g} s of overlap" if self.overlap_s else ""
            raise BadInput(
                f"Clips of {self.min_s:g} to {self.max_s:g} s{overlap} cannot tile a recording. "
                "The shortest must be 1 s or more, and the longest, less the overlap, at least "
                "twice that."
            )


def song_mark(path: Path, duration_s: float) -> tuple[str, str]:
    """What a file's song is called, and what tells it from others.

    Clips cut from one song, its stems, and copies in other formats (the same name and length) are
    one song, so that the split keeps them together. Other files of one name are not.
    """
    if _CUT.search(path.stem):
        stem = _CUT.sub("", path.stem)
        return stem, f"cut/{path.parent}/{stem}"
    stem = _STEM.sub("", path.stem) or path.stem
    return stem, f"{stem.casefold()}/{round(duration_s)}"


@dataclass(slots=True)
class Names:
    """Names already given in a dataset."""

    songs: dict[str, str] = field(default_factory=dict)  # what tells songs apart -> their names
    taken_songs: set[str] = field(default_factory=set)
    taken_files: set[str] = field(default_factory=set)
    # of songs, by the same marks: a file's path in what was given, and where it is
    files: dict[str, tuple[Path, Path]] = field(default_factory=dict)

    def song(self, path: Path, duration_s: float, file: Path | None = None) -> str:
        """The song that ``path``, a file's place in what was given, belongs to.

        file: where its sound is; files of one name and length are one song if they sound the same.
        """
        stem, mark = song_mark(path, duration_s)
        marks = [mark]
        while marks[-1] in self.songs:
            if self._is_song(marks[-1], path, file):
                return self.songs[marks[-1]]
            marks.append(f"{mark}/{len(marks) + 1}")
        if path.stem != stem and len(marks) > 1:  # a stem whose song is not beside it
            return self.songs[mark]
        self.songs[marks[-1]] = distinct(safe(stem, _SONG_BYTES), self.taken_songs)
        if file is not None:
            self.files[marks[-1]] = path, file
        return self.songs[marks[-1]]

    def _is_song(self, mark: str, path: Path, file: Path | None) -> bool:
        known = self.files.get(mark)
        if file is None or known is None:
            return True
        if path.stem.casefold() != known[0].stem.casefold():  # a stem, or the song of a stem
            return path.parent == known[0].parent
        return same_music(file, known[1])

    def clip(self, genre: str, song: str, number: int) -> str:
        """A file name such as ``pop_mysong_clip001.wav``, free in this dataset."""
        stem = clip_name(genre or "music", song, number).removesuffix(".wav")
        return distinct(stem, self.taken_files) + ".wav"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """A recording on its way into a dataset."""

    found: Found
    info: AudioInfo
    values: Values  # what a person says of it
    gain: float = 1.0  # below 1 where it has peaks above full scale


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """A clip that was written, and what a table tells of its sound beside the metadata."""

    clip: Clip
    loudness_lufs: float
    doubts: tuple[str, ...]  # clipping, silence...


def cut_recording(
    recording: Recording, folder: Path, how: Cutting, names: Names, on_seconds: OnSeconds
) -> tuple[list[Cut], list[Problem]]:
    """Write the clips of a recording into ``folder/clips``; and what there is to say about them.

    Raises BadInput when none of it can be used, OutOfSpace; then no file of it stays.
    """
    path, label = recording.found.path, recording.found.label
    measured = measure_file(path)
    recording = replace(recording, gain=measured.gain)
    problems = [Problem(file=label, reason=f.message, left_out=False) for f in measured.findings]
    whole = listen_file(path)
    song = names.song(Path(label), recording.info.duration_s, path)
    cuts: list[Cut] = []
    try:
        for start_s, end_s in _cuts(whole, recording, how):
            try:
                number = len(cuts) + 1
                made = _write(recording, folder, how, names, song, number, whole, (start_s, end_s))
                cuts.append(made)
            except BadInput as error:
                problems.append(
                    Problem(file=label, reason=f"{start_s:.1f} to {end_s:.1f} s left out: {error}")
                )
            on_seconds(end_s)
        if not cuts:
            raise BadInput("; ".join(problem.reason for problem in problems))
    except BaseException:
        for made in cuts:
            (folder / made.clip.file).unlink(missing_ok=True)
        raise
    cuts, lyrics_lost = _without_misplaced_lyrics(cuts)
    if lyrics_lost:
        problems.append(Problem(file=label, reason=lyrics_lost))
    return cuts, problems


def _cuts(whole: Listening, recording: Recording, how: Cutting) -> Sequence[tuple[float, float]]:
    if not how.cut or _CUT.search(recording.found.path.stem):
        if recording.info.duration_s > LONGEST_UNCUT_S:
            raise BadInput(
                f"it lasts {recording.info.duration_s / 60:.0f} minutes, too long for one clip. "
                "Let it be cut, or give excerpts."
            )
        return [(0.0, recording.info.duration_s)]
    rate = recording.info.rate_hz
    return [  # on whole samples, lest one be lost or come twice between clips
        (round(start_s * rate) / rate, min(round(end_s * rate), recording.info.frames) / rate)
        for start_s, end_s in cut(whole, min_s=how.min_s, max_s=how.max_s, overlap_s=how.overlap_s)
    ]


def _write(
    recording: Recording,
    folder: Path,
    how: Cutting,
    names: Names,
    song: str,
    number: int,
    whole: Listening,
    span_s: tuple[float, float],
) -> Cut:
    found, info = recording.found, recording.info
    audio = _read(info, *span_s, recording.gain)
    findings = check(audio.samples, audio.rate_hz)
    if fatal := [finding.message for finding in findings if finding.fatal]:
        raise BadInput(" ".join(fatal))
    listening = listen(audio.samples, audio.rate_hz)
    heard = metadata_of(whole, listening)
    said = with_values(heard, recording.values, f"notes on {found.label}")
    metadata = described(said, heard)
    genre = metadata.genre if trusted(metadata, "genre") else ""
    file = f"clips/{names.clip(genre, song, number)}"
    write_wav(folder / file, audio.samples, audio.rate_hz)
    reaches_end = span_s[1] > info.duration_s - END_TOLERANCE_S
    clip = Clip(
        file=file,
        song=song,
        start_s=round(span_s[0], 6),
        duration_s=round(audio.duration_s, 6),
        ends_song=reaches_end and not info.warning and not _CUT.search(found.path.stem),
        sha256=sha256_of(folder / file),
        source=Source(file=found.label, sha256=found.sha256, licence=how.licence),
        metadata=metadata,
    )
    return Cut(
        clip=clip,
        loudness_lufs=round(listening.loudness_lufs, 1),
        doubts=tuple(finding.message for finding in findings),
    )


def _read(info: AudioInfo, start_s: float, end_s: float, gain: float) -> Audio:
    audio = read_audio(
        info.path,
        rate_hz=MAX_CLIP_RATE_HZ if info.rate_hz > MAX_CLIP_RATE_HZ else None,
        mono=info.channels > 2,
        start_s=start_s,
        duration_s=end_s - start_s,
    )
    return audio if gain == 1 else replace(audio, samples=audio.samples * np.float32(gain))


def metadata_of(whole: Listening, clip: Listening) -> ClipMetadata:
    """What is heard in a clip, with what its whole recording tells better.

    The genre is the recording's. Tempo and key are whichever was heard with more confidence: a
    longer listen is surer, unless the music changes. A clip that beats at half or double the
    recording's tempo has the recording's. The description says the same as the rest.
    """
    surer = {
        name: whole if whole.confidence[name] >= clip.confidence[name] else clip
        for name in ("bpm", "key")
    }
    if whole.bpm and clip.bpm and one_pulse(clip.bpm, whole.bpm):
        surer["bpm"] = whole
    bpm = surer["bpm"].bpm
    confidence = {
        "genre": whole.confidence["genre"],
        "bpm": surer["bpm"].confidence["bpm"],
        "key": surer["key"].confidence["key"],
        **{name: clip.confidence[name] for name in ("mood", "instruments", "energy")},
    }
    confidence["description"] = min(confidence[name] for name in ("genre", "mood", "instruments"))
    heard = ClipMetadata(
        genre=whole.genre,
        bpm=None if bpm is None else round(bpm, 1),
        key=surer["key"].key or "",
        mood=clip.mood,
        instruments=clip.instruments,
        energy=clip.energy,
        confidence=confidence,
    )
    return heard.model_copy(update={"description": sentence_of(heard)})


def one_tempo(clips: Sequence[Clip]) -> list[Clip]:
    """The clips, where those of one song beat at levels of one pulse, at the level most heard.

    Clips that were cut before have no recording that could tell. What a person wrote stays.
    """
    found = list(clips)
    songs: defaultdict[str, list[int]] = defaultdict(list)
    for number, clip in enumerate(clips):
        if clip.metadata.bpm and "bpm" not in clip.metadata.edited:
            songs[clip.song].append(number)
    for numbers in songs.values():
        heard = [found[number].metadata for number in numbers]
        tempi = [metadata.bpm or 0.0 for metadata in heard]
        votes = [
            sum(
                metadata.confidence.get("bpm", 0.0)
                for metadata, other in zip(heard, tempi, strict=True)
                if abs(other / bpm - 1) < SAME_TEMPO
            )
            for bpm in tempi
        ]
        best = int(np.argmax(votes))
        for number, metadata, bpm in zip(numbers, heard, tempi, strict=True):
            if abs(bpm / tempi[best] - 1) >= SAME_TEMPO and one_pulse(bpm, tempi[best]):
                sure = {**metadata.confidence, "bpm": heard[best].confidence.get("bpm", 0.0)}
                new = metadata.model_copy(update={"bpm": tempi[best], "confidence": sure})
                found[number] = found[number].model_copy(
                    update={"metadata": described(new, metadata)}
                )
    return found


def _without_misplaced_lyrics(cuts: list[Cut]) -> tuple[list[Cut], str]:
    """Lyrics of a whole song fit no single clip of it: better none than the wrong words."""
    if len(cuts) < 2 or not cuts[0].clip.metadata.lyrics:
        return cuts, ""
    instrumental = []
    for made in cuts:
        metadata = made.clip.metadata
        edited = tuple(name for name in metadata.edited if name != "lyrics")
        metadata = metadata.model_copy(update={"lyrics": "", "edited": edited})
        clip = made.clip.model_copy(update={"metadata": metadata})
        instrumental.append(replace(made, clip=clip))
    return instrumental, (
        f"its lyrics belong to {len(cuts)} clips, and which line to which is not known: they were "
        "left out. Give each clip its own lines in the metadata table."
    )
