"""FFmpeg as a decoder, through PyAV: what libsndfile does not read. An optional extra.

The bytes come from strangers: the format is the one that the content shows, never probed for, so
playlists and other lists of addresses are not read; nothing is opened but the file itself; of
decoders, only those of sound are used.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from angen.audio.sources import Part, Window

if TYPE_CHECKING:
    from av.container import InputContainer

DEMUXERS = {
    "MPEG-4": "mov",
    "WMA": "asf",
    "WebM": "matroska",
    "AAC": "aac",
    "AMR": "amr",
    "APE": "ape",
    "WavPack": "wv",
    "TTA": "tta",
    "CAF": "caf",
    "WAV": "wav",
    "W64": "w64",
    "AIFF": "aiff",
    "AU": "au",
    "OGG": "ogg",
}
_TIMED = {"MPEG-4", "WMA", "WebM", "CAF"}  # keep the times of their packets, so one can seek
_CODECS = ("aac", "alac", "mp3", "mp2", "wma", "opus", "vorbis", "flac", "pcm_", "adpcm_")
_MORE_CODECS = ("ac3", "eac3", "amr", "ape", "wavpack", "tta", "speex")
_MARK_S = 2
_RUN_UP_S = 0.5  # until a decoder that starts in the middle gives what it gives on its way
_MAX_CHANNELS = 64
_MOST_DAMAGE = 10_000  # packets


class Undecodable(Exception):
    """FFmpeg, or what is allowed of it, cannot read this; the message says why."""


class Mark(NamedTuple):
    """A decoded frame: the time its file gives it, and where it lies in the sound."""

    pts: int
    sample: int


class FfmpegDecoder:
    """Sound (n, channels) of one part of a file."""

    def __init__(self, path: Path, part: Part, kind: str, marks: tuple[Mark, ...] = ()) -> None:
        """marks: as a reading of the whole has left them; without, a seek reads from the start.

        Raises ModuleNotFoundError without PyAV, Undecodable.
        """
        self._path, self._part, self._kind = path, part, kind
        self.marks = list(marks)
        self._known = {mark.pts: mark.sample for mark in marks}
        self.damage: list[int] = []  # samples from which on something was lost
        self.rate_hz = self.channels = 0  # as the first frame has them, not as the header says
        self._open()
        self.format, self.encoding = kind, self._codec.upper()
        first, _ = self._decoded()
        if first is None:
            self.close()
            raise Undecodable("it holds no sound")
        self._kept = first

    @property
    def promised_s(self) -> float:
        """Seconds there are, as the header says; 0 where it says nothing to be relied on."""
        if self._kind not in _TIMED:
            return 0
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return (self._container.duration or 0) / 1e6

    def _open(self) -> None:
        import av

        self._window = Window(self._path, self._part)
        try:
            self._container: InputContainer = av.open(
                self._window,
                "r",
                format=DEMUXERS[self._kind],
                options={"protocol_whitelist": "none"},
                metadata_errors="ignore",
            )
            streams = self._container.streams.audio
            if not streams:
                raise Undecodable("it holds no sound")
            self._stream = streams[0]
            context = self._stream.codec_context  # None where the codec is none that FFmpeg has
            self._codec = context.name if context else "unknown"
            if not self._codec.startswith((*_CODECS, *_MORE_CODECS)):
                raise Undecodable(f"its sound is of a kind that is not read: {self._codec[:20]}")
        except (av.FFmpegError, UnicodeError, ValueError, Undecodable) as error:
            self._window.close()
            raise Undecodable(_words(error)) from error
        self._packets = self._container.demux(self._stream)
        self._frames: Iterator[Any] = iter(())
        self._at = 0  # samples decoded
        self._kept = np.zeros((0, self.channels), np.float32)

    def read(self, size: int) -> tuple[NDArray[np.float32], str]:
        """The next frames (n, channels), n at most ``size``, and what went wrong, or nothing.

        None at all, and no fault: the end.
        """
        parts, count, fault = [self._kept[:size]], len(self._kept[:size]), ""
        self._kept = self._kept[size:]
        while count < size and not fault:
            block, fault = self._decoded()
            if block is None:
                break
            parts.append(block[: size - count])
            self._kept = block[size - count :]
            count += len(parts[-1])
        return np.concatenate(parts), fault

    def seek(self, frame: int) -> str:
        """Go to a frame; what went wrong, or nothing."""
        before = frame - _RUN_UP_S * self.rate_hz
        mark = next((mark for mark in reversed(self.marks) if mark.sample <= before), None)
        if mark is None or not self._jumped(mark):
            self.close()
            self._open()
        fault = ""
        skip = frame - (self._at - len(self._kept))
        while skip > 0 and not fault:
            block, fault = self.read(min(skip, 1 << 16))
            if not len(block):
                break
            skip -= len(block)
        return fault

    def close(self) -> None:
        self._container.close()
        self._window.close()

    def _jumped(self, mark: Mark) -> bool:
        """Whether the next sample to be read is one whose place is known, at or before ``mark``."""
        import av

        try:
            self._container.seek(mark.pts, stream=self._stream)
        except av.FFmpegError:
            return False
        self._packets = self._container.demux(self._stream)
        self._frames = iter(())
        while (frame := self._frame()[0]) is not None and frame.pts <= mark.pts:
            if frame.pts in self._known:
                self._kept = _samples(frame)
                self._at = self._known[frame.pts] + len(self._kept)
                return True
        return False

    def _decoded(self) -> tuple[NDArray[np.float32] | None, str]:
        """The sound of the next frame; None at the end."""
        frame, fault = self._frame()
        if frame is None:
            return None, fault
        block = _samples(frame)
        if not self.rate_hz:
            self.rate_hz, self.channels = frame.sample_rate, block.shape[1]
        if (frame.sample_rate, block.shape[1]) != (self.rate_hz, self.channels):
            return None, "what follows has another sample rate or number of channels"
        timed = self._kind in _TIMED and frame.pts is not None and not self._known
        if timed and (not self.marks or self._at >= self.marks[-1].sample + _MARK_S * self.rate_hz):
            self.marks.append(Mark(frame.pts, self._at))
        self._at += len(block)
        return block, fault

    def _frame(self) -> tuple[Any, str]:
        """The next frame that can be decoded, and a fault that ends the reading."""
        import av

        while len(self.damage) < _MOST_DAMAGE:
            try:
                frame = next(self._frames, None)
                if frame is not None and 0 < len(frame.layout.channels) <= _MAX_CHANNELS:
                    return frame, ""
                packet = next(self._packets, None) if frame is None else None
            except av.InvalidDataError:
                self.damage.append(self._at)
                continue
            except (av.FFmpegError, OSError) as error:
                return None, _words(error)
            if frame is None and packet is None:
                return None, ""
            if packet is not None:
                self._frames = self._unpacked(packet)
        return None, "too much of it is damaged"

    def _unpacked(self, packet: Any) -> Iterator[Any]:
        """The frames of a packet; none where it is damaged."""
        import av

        try:
            return iter(packet.decode())
        except av.FFmpegError:
            self.damage.append(self._at)
            return iter(())


def _samples(frame: Any) -> NDArray[np.float32]:
    """The sound (n, channels) of a decoded frame, full scale at 1."""
    data: NDArray[Any] = frame.to_ndarray()
    planar = data.T if frame.format.is_planar else data.reshape(-1, len(frame.layout.channels))
    if data.dtype == np.uint8:
        return (planar.astype(np.float32) - np.float32(128)) / np.float32(128)
    if data.dtype.kind == "i":
        scale = np.float32(2.0 ** (1 - 8 * data.dtype.itemsize))
        return np.asarray(planar.astype(np.float32) * scale)
    return planar.astype(np.float32)


def _words(error: Exception) -> str:
    """What FFmpeg says, without number and name of the file."""
    if isinstance(error, Undecodable):
        return str(error)
    return str(getattr(error, "strerror", "") or error)[:100].lower()
