"""libsndfile as a decoder."""

import os
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from angen.audio.sources import Part, Window

_RUN_UP_FRAMES = 24 * 1_152  # MP3 sounds in earnest only so long after a seek: its bit reservoir
OPEN_LENGTH = 1 << 40  # libsndfile's answer for an open length, and for an endless part, is above
FAULTS = (soundfile.LibsndfileError, TypeError)  # of opening a file


class SndfileDecoder:
    """Sound (n, channels) of one part of a file."""

    def __init__(self, path: Path, part: Part) -> None:
        """Raises one of ``FAULTS``."""
        self._file, self._window = _open(path, part)
        self.rate_hz = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        kind, self.encoding = str(self._file.format), str(self._file.subtype)
        self.format = "OPUS" if self.encoding == "OPUS" else kind.replace("WAVEX", "WAV")

    @property
    def promised(self) -> int:
        """Frames there are, as the header says; above ``OPEN_LENGTH``: unknown."""
        return int(self._file.frames)

    @property
    def unread(self) -> int:
        """Bytes that the decoder has left alone, where that can be told."""
        return 0 if self._window is None else self._window.unread

    def seek(self, frame: int) -> str:
        """Go to a frame; what went wrong, or nothing."""
        run_up = min(frame, _RUN_UP_FRAMES) if self.encoding.startswith("MPEG") else 0
        try:
            self._file.seek(frame - run_up)
        except soundfile.LibsndfileError as error:
            return reason(error)
        return self.read(run_up)[1] if run_up else ""

    def read(self, size: int) -> tuple[NDArray[np.float32], str]:
        """The next frames (n, channels), n at most ``size``, and what went wrong, or nothing.

        None at all, and no fault: the end. Where reading fails on the way, libsndfile does not say
        how many frames it has given before: those are the ones that are no longer what they were
        filled with.
        """
        frames = np.full((size, self.channels), np.nan, np.float32)
        try:
            return self._file.read(out=frames), ""
        except soundfile.LibsndfileError as error:
            empty = np.isnan(frames).all(axis=1)
            return frames[: int(empty.argmax()) if empty.any() else size], reason(error)

    @property
    def comment(self) -> str | None:
        """A text inside the file; None where there is none."""
        return str(self._file.comment) or None

    def close(self) -> None:
        self._file.close()
        if self._window is not None:
            self._window.close()


def _open(path: Path, part: Part) -> tuple[soundfile.SoundFile, Window | None]:
    whole = part == Part(start=0, end=path.stat().st_size)
    if whole and not _is_mp3(path):
        window = None
        file = soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else str(path))
    else:
        window = Window(path, part)
        try:
            file = soundfile.SoundFile(window)
        except FAULTS:
            window.close()
            raise
        window.opening = False
    # soundfile seeks after each read where it can; an MP3 decoder then starts anew, with a gap.
    file.seekable = lambda: False
    return file, window


def _is_mp3(path: Path) -> bool:
    """An MP3 is read through a window: only that tells how far its decoder came."""
    with path.open("rb") as file:
        head = file.read(3)
    return head == b"ID3" or head[:1] == b"\xff"


def reason(error: Exception) -> str:
    """libsndfile's own words, without the file name."""
    return str(error).rpartition(": ")[2].rstrip(".").lower()
