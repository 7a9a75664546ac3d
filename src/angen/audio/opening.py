"""What a sound file holds, found by reading it once; and how to read it then.

libsndfile reads what it knows, exactly and always the same. What it does not know goes to FFmpeg,
where that extra is installed: M4A, AAC, WMA, WebM and more. Which of the two it is, content tells.

What is compressed is decoded to its end before anything is said of its length: headers are often
wrong, and sound after a wrong length would be lost without a word.
"""

import stat
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from angen.audio.ffmpeg import DEMUXERS, FfmpegDecoder, Mark, Undecodable
from angen.audio.sndfile import FAULTS, OPEN_LENGTH, SndfileDecoder, reason
from angen.audio.sources import Part, Source, examine, has_end, has_frames
from angen.errors import BadInput

READABLE = "WAV, FLAC, MP3, OGG, Opus, AIFF, M4A, AAC, WMA, WebM, CAF, W64 or AU"
_ALWAYS_READABLE = "WAV, FLAC, MP3, OGG, Opus or AIFF"
_RATES_HZ = range(1_000, 768_001)
_LONGEST_S = 24 * 3_600
_UNCOMPRESSED = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW")
_STEP_FRAMES = 16_384
_MP3_SLACK_FRAMES = 3  # MPEG frames by which programs count differently
_PROMISED_SLACK_S = 0.5
_TAIL = 4_096  # bytes of tags that may follow the sound of an MP3
END_MISSING = "the end of the file is missing"
_OTHER_FORMAT = "what follows has another sample rate or number of channels"
_DAMAGED = "it is damaged"
_UNFINISHED = "its header was never finished, as when a recorder loses its power"

Decoder = SndfileDecoder | FfmpegDecoder


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A part of a file, once it was read."""

    part: Part
    frames: int  # that can be read
    fault: str = ""  # what is wrong with it, in words; what can be read is read all the same
    fault_at: int | None = None  # the frame where; None: at its end
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a file holds, and how it is to be read."""

    format: str  # WAV, FLAC, MP3, OGG, OPUS, MPEG-4...
    encoding: str  # the decoder's name: PCM_16, VORBIS, AAC...
    rate_hz: int
    channels: int
    pieces: tuple[Piece, ...]
    by_ffmpeg: bool
    fault: str = ""  # what is wrong with the file as a whole

    @property
    def frames(self) -> int:
        """Frames that can be read."""
        return sum(piece.frames for piece in self.pieces)

    @property
    def warnings(self) -> list[str]:
        """What is wrong, with its place in seconds."""
        found, before = [self.fault] if self.fault else [], 0
        for piece in self.pieces:
            if piece.fault == END_MISSING:
                found.append(
                    f"{END_MISSING}; the first {self.frames / self.rate_hz:.1f} s can be used"
                )
            elif piece.fault:
                at = before + (piece.frames if piece.fault_at is None else piece.fault_at)
                found.append(f"at {at / self.rate_hz:.1f} s {piece.fault}")
            before += piece.frames
        return found


class Reader:
    """Sound (n, channels) of all pieces of a file, one after the other."""

    def __init__(self, path: Path, facts: Facts) -> None:
        self._path, self._facts = path, facts
        self._number = 0
        self._left = 0  # frames of the open piece
        self._decoder: Decoder | None = None

    def seek(self, frame: int) -> str:
        """Go to a frame; what went wrong, or nothing."""
        pieces = self._facts.pieces
        number = 0
        while number + 1 < len(pieces) and frame >= pieces[number].frames:
            frame -= pieces[number].frames
            number += 1
        decoder = self._enter(number)
        self._left -= frame
        return decoder.seek(frame) if frame else ""

    def read(self, size: int) -> tuple[NDArray[np.float32], str]:
        """The next frames (n, channels), n at most ``size``, and what went wrong, or nothing."""
        decoder = self._decoder or self._enter(0)
        while self._left <= 0 and self._number + 1 < len(self._facts.pieces):
            decoder = self._enter(self._number + 1)
        frames, fault = decoder.read(max(0, min(size, self._left)))
        self._left -= len(frames)
        return frames, fault

    def close(self) -> None:
        if self._decoder is not None:
            self._decoder.close()

    def _enter(self, number: int) -> Decoder:
        self.close()
        piece = self._facts.pieces[number]
        self._number, self._left = number, piece.frames
        try:
            self._decoder = (
                FfmpegDecoder(self._path, piece.part, self._facts.format, piece.marks)
                if self._facts.by_ffmpeg
                else SndfileDecoder(self._path, piece.part)
            )
        except (*FAULTS, Undecodable, OSError) as error:
            self._decoder = None
            raise BadInput(f"{self._path} was changed while it was read. Try again.") from error
        return self._decoder


def facts_of(path: Path) -> Facts:
    """What ``path`` holds; remembered until the file changes. Raises BadInput."""
    require_file(path)
    facts = path.stat()
    return _facts(path, (facts.st_ino, facts.st_size, facts.st_mtime_ns))


@lru_cache(maxsize=256)
def _facts(path: Path, _changed: tuple[int, int, int]) -> Facts:
    source = examine(path)
    try:
        first: Decoder = SndfileDecoder(path, source.parts[0])
        if first.format == "RAW":  # guessed from the name: anything is sound then
            first.close()
            first = _by_ffmpeg(path, source, "format not recognised")
    except FAULTS as error:
        first = _by_ffmpeg(path, source, reason(error))
    try:
        _require_sane(path, first)
        pieces, fault = _pieces(path, source, first)
    finally:
        first.close()
    return Facts(
        format=first.format,
        encoding=first.encoding,
        rate_hz=first.rate_hz,
        channels=first.channels,
        pieces=tuple(pieces),
        by_ffmpeg=isinstance(first, FfmpegDecoder),
        fault=fault,
    )


def _pieces(path: Path, source: Source, first: Decoder) -> tuple[list[Piece], str]:
    """The parts that can be read as one recording, and what is wrong with the whole."""
    pieces: list[Piece] = []
    for number, part in enumerate(source.parts):
        decoder = _opened(path, part, source, first) if number else first
        try:
            if decoder is None:
                stop = "what follows cannot be read"
            elif (decoder.rate_hz, decoder.channels) != (first.rate_hz, first.channels):
                stop = _OTHER_FORMAT
            else:
                pieces.append(_piece(path, source, part, decoder))
                continue
        finally:
            if number and decoder is not None:
                decoder.close()
        pieces[-1] = replace(pieces[-1], fault=f"{stop}, and is left out", fault_at=None)
        break
    if source.lost:
        pieces[-1] = replace(pieces[-1], fault=END_MISSING)
    _require_bounded(path, sum(piece.frames for piece in pieces), first)
    return pieces, _UNFINISHED if source.unfinished else ""


def _opened(path: Path, part: Part, source: Source, first: Decoder) -> Decoder | None:
    try:
        if isinstance(first, FfmpegDecoder):
            return FfmpegDecoder(path, part, source.kind)
        return SndfileDecoder(path, part)
    except (*FAULTS, Undecodable):
        return None


def _piece(path: Path, source: Source, part: Part, decoder: Decoder) -> Piece:
    """Read a part to its end, unless its header is to be trusted."""
    if isinstance(decoder, FfmpegDecoder):
        return _ffmpeg_piece(path, part, decoder)
    if source.kind == "MP3":
        return _mp3_piece(path, part, decoder)
    promised = decoder.promised
    if decoder.format != "FLAC" and decoder.encoding.startswith(_UNCOMPRESSED):
        return Piece(part=part, frames=promised)
    count, stop = _count(path, decoder)
    fault = ""
    if source.kind == "OGG" and (stop or not has_end(path, part)):
        fault = END_MISSING
    elif source.kind == "FLAC" and (stop or count < promised < OPEN_LENGTH):
        whole = promised < OPEN_LENGTH and _has_last(path, part, promised)
        fault = f"{_DAMAGED}, and what follows is left out" if whole else END_MISSING
    elif stop:
        fault = f"{_DAMAGED} ({stop})"
    return Piece(part=part, frames=count, fault=fault)


def _has_last(path: Path, part: Part, frames: int) -> bool:
    """Whether the last frames can be read, though some before them cannot."""
    decoder = SndfileDecoder(path, part)
    fault = decoder.seek(max(0, frames - 2_048)) or decoder.read(1_024)[1]
    decoder.close()
    return not fault


def _mp3_piece(path: Path, part: Part, endless: SndfileDecoder) -> Piece:
    """Read a part of an MP3 file to its end, wherever its header says that this is.

    A header that tells the truth is used: it says how much silence the encoder has added.
    """
    plain = Part(start=part.start, end=part.end)
    count = promised = 0
    if part.frames is not None and (decoder := _opened_plain(path, plain)) is not None:
        count, promised = _count(path, decoder)[0], decoder.promised
        more = _more_frames(path, part, decoder)
        decoder.close()
        if count >= promised and not more:
            return Piece(part=plain, frames=count)
    heard = _count(path, endless)[0]
    other = _more_frames(path, part, endless)
    fault = f"{_OTHER_FORMAT}, and is left out" if other else ""
    size = 1_152 if endless.rate_hz >= 32_000 else 576
    lacking = 0 if part.frames is None else part.frames + 1 - heard / size
    if not count or lacking < -_MP3_SLACK_FRAMES:
        return Piece(part=part, frames=heard, fault=fault)
    if lacking <= _MP3_SLACK_FRAMES:
        return Piece(part=plain, frames=count, fault=fault)
    if part.size is not None and part.size <= part.end - part.start:  # its count is wrong
        return Piece(part=part, frames=heard, fault=fault)
    return Piece(part=plain, frames=count, fault=END_MISSING)


def _opened_plain(path: Path, part: Part) -> SndfileDecoder | None:
    try:
        return SndfileDecoder(path, part)
    except FAULTS:
        return None


def _more_frames(path: Path, part: Part, decoder: SndfileDecoder) -> bool:
    """Whether a decoder has come to its end before that of the sound."""
    rest = decoder.unread
    return rest > _TAIL and has_frames(path, part, rest)


def _ffmpeg_piece(path: Path, part: Part, decoder: FfmpegDecoder) -> Piece:
    count, stop = _count(path, decoder)
    fault, at = "", None
    if stop:
        fault = stop
    elif decoder.damage:
        fault, at = f"{_DAMAGED}; the rest is used", decoder.damage[0]
    elif decoder.promised_s > count / decoder.rate_hz + _PROMISED_SLACK_S:
        fault = END_MISSING
    return Piece(part=part, frames=count, fault=fault, fault_at=at, marks=tuple(decoder.marks))


def _count(path: Path, decoder: Decoder) -> tuple[int, str]:
    """Frames to the end, and what went wrong, or nothing."""
    count, fault = 0, ""
    while not fault:
        block, fault = decoder.read(_STEP_FRAMES)
        count += len(block)
        if not len(block):
            break
        _require_bounded(path, count, decoder)
    return count, fault


def _require_bounded(path: Path, frames: int, decoder: Decoder) -> None:
    if frames > _LONGEST_S * decoder.rate_hz:
        raise BadInput(f"{path} lasts over {_LONGEST_S // 3_600} hours. Give it in parts.")


def _by_ffmpeg(path: Path, source: Source, why: str) -> FfmpegDecoder:
    """A decoder for what libsndfile cannot read. Raises BadInput."""
    if source.kind in DEMUXERS:
        try:
            return FfmpegDecoder(path, source.parts[0], source.kind)
        except Undecodable as error:
            why = str(error)
        except ModuleNotFoundError as error:
            raise BadInput(
                f"{path} holds {source.kind} sound, which is read by FFmpeg, an extra that is not "
                f"installed. Run: pip install 'angen[ffmpeg]', or export it again as "
                f"{_ALWAYS_READABLE}."
            ) from error
    raise BadInput(
        f"{path} is not sound that can be read ({why}). Its name may not match its "
        f"content, or it is damaged: export it again as {_ALWAYS_READABLE}."
    )


def _require_sane(path: Path, decoder: Decoder) -> None:
    if decoder.rate_hz not in _RATES_HZ or decoder.channels < 1:
        raise BadInput(
            f"{path} says {decoder.rate_hz} samples a second and {decoder.channels} channels. "
            f"Export it again as {_ALWAYS_READABLE}, at 8,000 to 192,000 samples a second."
        )


def require_file(path: Path) -> None:
    """Raise BadInput, in words that fit, for what is no file with content."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise BadInput(f"{path} is a folder, not a sound file. Name the files in it.")
        if not stat.S_ISREG(kind):  # opening a pipe would wait for ever
            raise BadInput(f"{path} is not a regular file. Give a {_ALWAYS_READABLE} file.")
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
