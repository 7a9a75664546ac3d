"""Sound files in and out: whole, by the part, or as a stream that never fills the memory.

Sound is float32, shaped (channels, samples), full scale at 1.0.
"""

import io
import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from angen.audio import riff
from angen.audio.opening import END_MISSING, Reader, facts_of, require_file
from angen.audio.sndfile import FAULTS, SndfileDecoder, reason
from angen.audio.sources import examine
from angen.errors import BadInput
from angen.files import replacing

_log = logging.getLogger(__name__)

_KINDS = (
    "wav wave bwf w64 rf64 flac mp3 mp2 ogg oga opus aif aiff aifc au snd caf "
    "m4a m4b mp4 mov 3gp aac wma wmv asf webm mka mkv amr ape wv tta"
)
SUFFIXES = frozenset(f".{kind}" for kind in _KINDS.split())
_READ_FRAMES = 16_384  # at most this much is lost where a damaged file breaks off
_CANCELS = 0.3  # of the energy that channels that have nothing in common leave in their mean

Sound = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioInfo:
    """What a sound file holds, without its sound."""

    path: Path
    format: str  # WAV, FLAC, MP3, OGG, OPUS, AIFF, MPEG-4...
    encoding: str  # the decoder's name: PCM_16, VORBIS, AAC...
    rate_hz: int
    channels: int
    frames: int  # that can be read
    warning: str = ""  # not empty where something of the file is missing or damaged

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
    facts = facts_of(path)
    if facts.frames == 0:
        raise BadInput(f"{path} holds no sound. Export it again from its source.")
    remedy = "Copy or export it again to have all of it."
    return AudioInfo(
        path=path,
        format=facts.format,
        encoding=facts.encoding,
        rate_hz=facts.rate_hz,
        channels=facts.channels,
        frames=facts.frames,
        warning=f"{path}: {'; '.join(facts.warnings)}. {remedy}" if facts.warnings else "",
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

    rate_hz: resampled to this; as it is when None. mono: the mean of the channels; the loudest
    of them where they cancel each other, see `cancels`.
    A file whose end is missing gives what there is, and says so in the log.

    Raises BadInput where nothing can be read, or where samples are not numbers.
    """
    parts = list(stream(path, rate_hz=rate_hz, mono=mono, start_s=start_s, duration_s=duration_s))
    if not parts:
        raise BadInput(f"{path} has no sound at {start_s:.2f} s. Choose an earlier start.")
    rate = rate_hz or probe_rate(path)
    return Audio(samples=np.concatenate(parts, axis=1), rate_hz=rate)


def probe_rate(path: Path) -> int:
    """Sample rate of ``path`` in Hz."""
    return facts_of(path).rate_hz


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
    facts = facts_of(path)
    start = round(start_s * facts.rate_hz)
    if start >= facts.frames:
        return
    end = facts.frames
    if duration_s is not None:
        end = min(end, start + round(duration_s * facts.rate_hz))
    blocks = _blocks(path, start, end)
    if mono:
        side = _lone_side(path)
        blocks = (_mixed(block, side) for block in blocks)
    if rate_hz is None or rate_hz == facts.rate_hz:
        yield from blocks
    else:
        yield from resampled(blocks, facts.rate_hz, rate_hz)


def to_mono(samples: Sound) -> Sound:
    """Samples (channels, n) or (n,) as (1, n), mixed as `read_audio` mixes."""
    samples = np.atleast_2d(samples)
    sides = Sides()
    sides.add(samples)
    return _mixed(samples, sides.lone)


def cancels(path: Path) -> bool:
    """Whether the channels of a file, mixed to one, cancel each other: one has opposite phase.

    Raises BadInput.
    """
    return _lone_side(path) is not None


class Sides:
    """Measures what is left of channels when they are mixed."""

    def __init__(self) -> None:
        self._products: NDArray[np.float64] = np.zeros((1, 1))  # (channels, channels), summed

    def add(self, block: Sound) -> None:
        sound = block.astype(np.float64)
        self._products = self._products + sound @ sound.T

    @property
    def lone(self) -> int | None:
        """The channel to be heard alone; None where their mean may be."""
        count = len(self._products)
        squares = np.diag(self._products)
        mixed = float(self._products.sum()) / count**2  # energy of the mean of the channels
        if count == 1 or mixed >= _CANCELS * float(squares.mean()) / count:
            return None
        return int((squares > 0.99 * squares.max()).argmax())


def _lone_side(path: Path) -> int | None:
    if facts_of(path).channels == 1:
        return None
    facts = path.stat()
    return _lone_side_of(path, (facts.st_ino, facts.st_size, facts.st_mtime_ns))


@lru_cache(maxsize=256)
def _lone_side_of(path: Path, _changed: tuple[int, int, int]) -> int | None:
    sides = Sides()
    for block in _blocks(path, 0, facts_of(path).frames, quiet=True):
        sides.add(block)
    return sides.lone


def _mixed(block: Sound, side: int | None) -> Sound:
    if side is not None:
        return block[side : side + 1]
    return np.asarray(block.mean(axis=0, keepdims=True, dtype=np.float32))


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
    require_file(path)
    found = riff.comment_of(path)
    if found is not None:
        return found
    try:
        with closing(SndfileDecoder(path, examine(path).parts[0])) as decoder:
            return decoder.comment
    except FAULTS as error:
        raise BadInput(f"{path} is not sound that can be read ({reason(error)}).") from error


def _blocks(path: Path, start: int, end: int, *, quiet: bool = False) -> Iterator[Sound]:
    """Blocks (channels, n) of frames ``start`` to ``end``, as far as they can be read."""
    facts = facts_of(path)
    with closing(Reader(path, facts)) as reader:
        at, fault = start, reader.seek(start)
        while not fault and at < end:
            block, fault = reader.read(min(_READ_FRAMES, end - at))  # (n, channels)
            if not len(block):
                break
            _require_numbers(block, path, at / facts.rate_hz)
            yield np.ascontiguousarray(block.T)
            at += len(block)
    if not quiet and (fault or END_MISSING in str(facts.warnings)) and at < end + 1:
        _log.warning("%s breaks off at %.1f s (%s)", path, at / facts.rate_hz, fault or END_MISSING)


def _require_numbers(block: Sound, path: Path, start_s: float) -> None:
    if not np.isfinite(block).all():
        raise BadInput(
            f"{path} has samples that are not numbers (NaN or infinite) from about {start_s:.1f} s "
            "on. Export it again from its source, as 24-bit WAV or FLAC."
        )
