"""Sound files in and out: whole, by the part, or as a stream that never fills the memory.

Sound is float32, shaped (channels, samples), full scale at 1.0. Formats are libsndfile's: WAV,
FLAC, MP3, OGG Vorbis, Opus, AIFF and some more.
"""

import io
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from angen.audio import mpeg, riff
from angen.errors import BadInput
from angen.files import replacing

_log = logging.getLogger(__name__)

SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc"})
_READABLE = "WAV, FLAC, MP3, OGG, Opus or AIFF"
_RATES_HZ = range(1_000, 768_001)
_READ_FRAMES = 16_384  # at most this much is lost where a damaged file breaks off
_RUN_UP_FRAMES = 24 * 1_152  # MP3 sounds in earnest only so long after a seek: its bit reservoir
_MAX_FRAMES = 1 << 40  # libsndfile's answer for an open length is above this
_END_FRAMES = 2_048  # read from the very end to see whether it is there

Sound = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioInfo:
    """What a sound file holds, without its sound."""

    path: Path
    format: str  # WAV, FLAC, MP3, OGG, OPUS, AIFF...
    encoding: str  # libsndfile's name: PCM_16, VORBIS...
    rate_hz: int
    channels: int
    frames: int  # that can be read
    warning: str = ""  # not empty where the end of the file is missing

    @property
    def duration_s(self) -> float:
        """Seconds that can be read."""
        return self.frames / self.rate_hz


@dataclass(frozen=True, kw_only=True, slots=True)
class Audio:
    """Sound in memory: samples (channels, n), float32, full scale at 1.0."""

    samples: Sound
    rate_hz: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / self.rate_hz)


def probe(path: Path) -> AudioInfo:
    """What ``path`` holds. A file whose end is missing is described up to where it can be read.

    Raises BadInput where the file cannot be read at all.
    """
    frames, complete = _readable_frames(path)
    with _opened(path) as file:
        kind = "OPUS" if file.subtype == "OPUS" else str(file.format).replace("WAVEX", "WAV")
        info = AudioInfo(
            path=path,
            format=kind,
            encoding=str(file.subtype),
            rate_hz=int(file.samplerate),
            channels=int(file.channels),
            frames=frames,
        )
    if frames == 0:
        raise BadInput(f"{path} holds no sound. Export it again from its source.")
    if complete and not _ends_early(path, info.format):
        return info
    warning = (
        f"{path}: the end of the file is missing; the first {info.duration_s:.1f} s can be used. "
        "Copy or export it again to have all of it."
    )
    return AudioInfo(
        path=path,
        format=kind,
        encoding=info.encoding,
        rate_hz=info.rate_hz,
        channels=info.channels,
        frames=frames,
        warning=warning,
    )


def read_audio(
    path: Path,
    *,
    rate_hz: int | None = None,
    mono: bool = False,
    start_s: float = 0,
    duration_s: float | None = None,
) -> Audio:
    """The sound of ``path``, or ``duration_s`` of it from ``start_s`` on; only that is read.

    rate_hz: resampled to this; as it is when None. mono: the mean of the channels.
    A file whose end is missing gives what there is, and says so in the log.

    Raises BadInput where nothing can be read, or where samples are not numbers.
    """
    parts = list(stream(path, rate_hz=rate_hz, mono=mono, start_s=start_s, duration_s=duration_s))
    if not parts:
        raise BadInput(f"{path} has no sound at {start_s:.2f} s. Choose an earlier start.")
    rate = rate_hz or probe_rate(path)
    return Audio(samples=np.concatenate(parts, axis=1), rate_hz=rate)


def probe_rate(path: Path) -> int:
    """Sample rate of ``path`` in Hz, as its header says."""
    with _opened(path) as file:
        return int(file.samplerate)


def stream(
    path: Path,
    *,
    rate_hz: int | None = None,
    mono: bool = False,
    start_s: float = 0,
    duration_s: float | None = None,
) -> Iterator[Sound]:
    """The sound of ``path`` in blocks (channels, n) of a second or less, in order.

    The blocks joined are what `read_audio` gives; memory does not grow with the file.

    Raises BadInput as `read_audio` does, when it comes to the fault.
    """
    with _opened(path) as file:
        start = round(start_s * file.samplerate)
        if start >= file.frames and file.frames > 0:
            return
        wanted = None if duration_s is None else round(duration_s * file.samplerate)
        blocks = _blocks(file, path, start, wanted)
        if mono:
            blocks = (block.mean(axis=0, keepdims=True, dtype=np.float32) for block in blocks)
        if rate_hz is None or rate_hz == file.samplerate:
            yield from blocks
        else:
            yield from resampled(blocks, int(file.samplerate), rate_hz)


def resampled(blocks: Iterator[Sound], from_hz: int, to_hz: int) -> Iterator[Sound]:
    """A stream of blocks (channels, n) at another rate; total length is rounded to a sample."""
    resampler: soxr.ResampleStream | None = None
    taken = given = 0
    channels = 1
    for block in blocks:
        channels = len(block)
        if resampler is None:
            resampler = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32")
        taken += block.shape[1]
        out = resampler.resample_chunk(np.ascontiguousarray(block.T))
        given += len(out)
        if len(out):
            yield np.ascontiguousarray(out.reshape(-1, channels).T)
    if resampler is None:
        return
    rest = resampler.resample_chunk(np.zeros((0, channels), np.float32), last=True)
    rest = rest.reshape(-1, channels)[: max(0, round(taken * to_hz / from_hz) - given)]
    if len(rest):
        yield np.ascontiguousarray(rest.T)


def write_wav(
    path: Path,
    samples: Sound,
    rate_hz: int,
    comment: str | None = None,
    encoding: Literal["PCM_16", "PCM_24", "FLOAT"] = "PCM_16",
) -> None:
    """Write samples (channels, n) or (n,) as a WAV file, all or nothing.

    comment: a text of up to 4 MB inside the file, given back by `read_comment`.

    Raises ValueError for samples that are not numbers, OutOfSpace when the disk is full.
    """
    if not np.isfinite(samples).all():
        raise ValueError(f"samples for {path} are not all numbers; nothing was written")
    buffer = io.BytesIO()
    soundfile.write(buffer, np.atleast_2d(samples).T, rate_hz, format="WAV", subtype=encoding)
    data = buffer.getvalue()
    with replacing(path) as beside:
        beside.write_bytes(data if comment is None else riff.with_comment(data, comment))


def read_comment(path: Path) -> str | None:
    """The text inside a sound file; None where there is none.

    Raises BadInput where the file cannot be read.
    """
    _require_file(path)
    found = riff.comment_of(path)
    if found is not None:
        return found
    with _opened(path) as file:
        return str(file.comment) or None


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """``path`` opened for reading, every way to fail told apart."""
    _require_file(path)
    mended = mpeg.with_length(path)
    name = os.fsencode(path) if os.name == "posix" else str(path)
    try:
        file = soundfile.SoundFile(mended or name)
    except (soundfile.LibsndfileError, TypeError) as error:
        if mended is not None:
            mended.close()
        raise BadInput(
            f"{path} is not sound that can be read ({_reason(error)}). Its name may not match its "
            f"content, or it is damaged: export it again as {_READABLE}."
        ) from error
    # soundfile seeks after each read where it can; an MP3 decoder then starts anew, with a gap.
    file.seekable = lambda: False
    with file, mended or nullcontext():
        if file.samplerate not in _RATES_HZ or file.channels < 1:
            raise BadInput(
                f"{path} says {file.samplerate} samples a second and {file.channels} channels. "
                f"Export it again as {_READABLE}, at 8,000 to 192,000 samples a second."
            )
        yield file


def _require_file(path: Path) -> None:
    """Raise BadInput, in words that fit, for what is no file with content."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise BadInput(f"{path} is a folder, not a sound file. Name the files in it.")
        if not stat.S_ISREG(kind):  # opening a pipe would wait for ever
            raise BadInput(f"{path} is not a regular file. Give a {_READABLE} file.")
        with path.open("rb") as file:
            empty = not file.read(1)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise BadInput(f"{path} does not exist. Check the name and the folder.") from error
    except OSError as error:
        raise BadInput(
            f"{path} cannot be opened ({error.strerror}). Give yourself the right to read it, "
            "or copy it to where you may."
        ) from error
    if empty:
        raise BadInput(f"{path} is empty (0 bytes). Copy or export it again.")


def _reason(error: Exception) -> str:
    """libsndfile's own words, without the file name."""
    return str(error).rpartition(": ")[2].rstrip(".").lower()


def _blocks(
    file: soundfile.SoundFile, path: Path, start: int, wanted: int | None
) -> Iterator[Sound]:
    """Blocks (channels, n) from frame ``start`` on, up to the end or the first damage."""
    at = start
    end = start + wanted if wanted is not None else _MAX_FRAMES
    fault = _sought(file, start)
    while not fault and at < end:
        block, fault = _next(file, min(_READ_FRAMES, end - at))  # (n, channels)
        if not len(block):
            break
        _require_numbers(block, path, at / file.samplerate)
        yield np.ascontiguousarray(block.T)
        at += len(block)
    if fault and file.frames < _MAX_FRAMES:
        _log.warning("%s breaks off at %.1f s (%s)", path, at / file.samplerate, fault)


def _sought(file: soundfile.SoundFile, frame: int) -> str:
    """Go to a frame; what went wrong, or nothing."""
    run_up = min(frame, _RUN_UP_FRAMES) if file.format == "MP3" else 0
    try:
        file.seek(frame - run_up)
    except soundfile.LibsndfileError as error:
        return _reason(error)
    return _next(file, run_up)[1] if run_up else ""


def _next(file: soundfile.SoundFile, size: int) -> tuple[Sound, str]:
    """The next frames (n, channels), n at most ``size``, and what went wrong, or nothing.

    Where reading fails on the way, libsndfile does not say how many frames it has given before:
    those are the ones that are no longer what they were filled with.
    """
    frames = np.full((size, file.channels), np.nan, np.float32)
    try:
        return file.read(out=frames), ""
    except soundfile.LibsndfileError as error:
        empty = np.isnan(frames).all(axis=1)
        return frames[: int(empty.argmax()) if empty.any() else size], _reason(error)


def _require_numbers(block: Sound, path: Path, start_s: float) -> None:
    if not np.isfinite(block).all():
        raise BadInput(
            f"{path} has samples that are not numbers (NaN or infinite) from about {start_s:.1f} s "
            "on. Export it again from its source, as 24-bit WAV or FLAC."
        )


def _readable_frames(path: Path) -> tuple[int, bool]:
    """Frames that can be read, and whether those are all that the header promises."""
    with _opened(path) as file:
        promised = int(file.frames)
        fault = _sought(file, max(0, promised - _END_FRAMES))
        if not fault and len(_next(file, _END_FRAMES)[0]) == min(promised, _END_FRAMES):
            return promised, True
    with _opened(path) as file:  # anew: a decoder that failed stays broken
        count, fault = 0, ""
        while not fault:
            block, fault = _next(file, _READ_FRAMES)
            count += len(block)
            if not len(block):
                break
    return count, promised >= _MAX_FRAMES  # a header may leave the length open


def _ends_early(path: Path, kind: str) -> bool:
    """Whether a container that libsndfile mends in silence has lost its end."""
    if kind in ("WAV", "AIFF"):
        return riff.lost_bytes(path) > 0
    if kind in ("OGG", "OPUS"):
        return not _ogg_has_end(path)
    return False


def _ogg_has_end(path: Path) -> bool:
    """Whether the last page of an Ogg file is marked as such. Source: RFC 3533, section 6."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 70_000))  # a page is at most 65,307 bytes
        tail = file.read()
    page = tail.rfind(b"OggS")
    return page >= 0 and len(tail) > page + 5 and bool(tail[page + 5] & 4)
