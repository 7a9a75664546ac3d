"""Sound files as decoders need them: joined recordings apart, unfinished headers mended.

A file is one part or several, each opened as a file of its own: programs that join recordings
write one after the other, and a decoder stops at the end of the first. Formats are told by
content, never by name.

Sources: RFC 3533 (Ogg pages); ISO 11172-3 and the Xing header as LAME writes it (MP3); RFC 9639
(FLAC); EBU Tech 3306 and ITU-R BS.2088 (RF64, BW64); Apple's CAF specification.
"""

import io
import mmap
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from angen.audio import riff

MAX_PARTS = 1_000
_ENDLESS = 1 << 44  # bytes: a length that leaves a decoder nothing to guess from
_JUNK = 1 << 20  # how far into a file its first MP3 frame may be
_ID3_TAGS = 20
# Sync word, any version, layer I to III, with a bit rate and a sample rate that exist.
_MPEG_FRAME = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\xef][^\x03\x07\x0b\x0f]", re.S)
_ADTS_FRAME = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")
_FRAME_BYTES = 2_881  # the largest of MPEG layer III

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"RIFF", "WAV"),
    (0, b"RIFX", "WAV"),
    (0, b"RF64", "RF64"),
    (0, b"BW64", "RF64"),
    (0, b"riff", "W64"),
    (0, b"FORM", "AIFF"),
    (0, b"OggS", "OGG"),
    (0, b"fLaC", "FLAC"),
    (0, b".snd", "AU"),
    (0, b"caff", "CAF"),
    (4, b"ftyp", "MPEG-4"),
    (4, b"moov", "MPEG-4"),
    (4, b"mdat", "MPEG-4"),
    (4, b"wide", "MPEG-4"),
    (0, bytes.fromhex("3026b2758e66cf11"), "WMA"),
    (0, b"\x1aE\xdf\xa3", "WebM"),
    (0, b"#!AMR", "AMR"),
    (0, b"MAC ", "APE"),
    (0, b"wvpk", "WavPack"),
    (0, b"TTA1", "TTA"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The bytes of one recording in a file, and what is put in the place of others."""

    start: int
    end: int
    patches: tuple[tuple[int, bytes], ...] = ()  # position in the file, bytes
    endless: bool = False  # says no length, so that it is read to its end
    frames: int | None = None  # of an MP3: what its header promises
    size: int | None = None  # of an MP3: bytes its header promises


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What a file is, and the parts it has."""

    kind: str  # as in ``_MAGIC``, "MP3", "AAC"; empty when unknown
    parts: tuple[Part, ...]
    unfinished: bool = False  # the program that wrote it never came back to its header
    lost: bool = False  # its header promises more sound than the file has


def examine(path: Path) -> Source:
    """The kind of ``path`` by its content, and its parts. Raises OSError; the file has content."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        kind, start = _kind(data, mp3=path.suffix.lower() in (".mp3", ".mp2", ".mpga"))
        if kind == "MP3":
            return Source(kind=kind, parts=_mp3_parts(data, start))
        starts = _FINDERS[kind](data, start)[:MAX_PARTS] if kind in _FINDERS else [start]
        fix = riff.mended(data, kind) if len(starts) == 1 and not start else riff.Mended()
        ends = [*starts[1:], len(data)]
        parts = (
            Part(start=a, end=b, patches=fix.patches) for a, b in zip(starts, ends, strict=True)
        )
        return Source(kind=kind, parts=tuple(parts), unfinished=fix.unfinished, lost=fix.lost > 0)


def _kind(data: mmap.mmap, *, mp3: bool) -> tuple[str, int]:
    """What the bytes are, and where they begin after tags and junk."""
    start = 0
    for _ in range(_ID3_TAGS):
        if data[start : start + 3] != b"ID3":
            break
        start = _after_id3(data, start)
    for at, magic, kind in _MAGIC:
        if data[start + at : start + at + len(magic)] == magic:
            return kind, start
    if _ADTS_FRAME.match(data, start):
        return "AAC", start
    if start or mp3 or _MPEG_FRAME.match(data, 0):
        first = _first_frame(data, start)
        if first is not None:
            return "MP3", first
    return "", 0


def has_frames(path: Path, part: Part, last: int) -> bool:
    """Whether MPEG frames are among the ``last`` bytes of a part."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = _first_frame(data, part.end - last)
        return found is not None and found < part.end


def has_end(path: Path, part: Part) -> bool:
    """Whether the last page of a link of an Ogg file is marked as such (RFC 3533, section 6)."""
    with path.open("rb") as file:
        file.seek(max(part.start, part.end - 70_000))  # a page is at most 65,307 bytes
        tail = file.read(part.end - file.tell())
    page = tail.rfind(b"OggS")
    return page >= 0 and len(tail) > page + 5 and bool(tail[page + 5] & 4)


def _after_id3(data: mmap.mmap, start: int) -> int:
    """Where an ID3v2 tag at ``start`` ends, and the padding of zeros after it."""
    size = 0
    for byte in data[start + 6 : start + 10]:
        size = size << 7 | byte & 0x7F
    end = start + 10 + size + (10 if data[start + 5 : start + 6] >= b"\x10" else 0)
    if end >= len(data):
        return start + 10  # a length that cannot be: look for sound inside
    return end


def _first_frame(data: mmap.mmap, start: int) -> int | None:
    """The first MPEG frame that another one of its kind follows."""
    for found in _MPEG_FRAME.finditer(data, start, min(len(data), start + _JUNK)):
        head = found.group()
        same = re.escape(head[:2]) + b"[\x10-\xef]"
        later = data[found.start() + 24 : found.start() + _FRAME_BYTES + 4]
        rate = head[2] >> 2 & 3
        if any(hit.group()[2] >> 2 & 3 == rate for hit in re.finditer(same, later, re.S)):
            return found.start()
    return None


def _mp3_parts(data: mmap.mmap, start: int) -> tuple[Part, ...]:
    """The recordings of an MP3 file: each Xing header begins one."""
    tags = [(frame, tag) for frame, tag in _xing_frames(data, start)][:MAX_PARTS]
    if not tags or tags[0][0] > start:
        tags.insert(0, (start, -1))
    ends = [frame for frame, _ in tags[1:]] + [len(data)]
    return tuple(
        _mp3_part(data, frame, tag, end) for (frame, tag), end in zip(tags, ends, strict=True)
    )


def _mp3_part(data: mmap.mmap, frame: int, tag: int, end: int) -> Part:
    if tag < 0:
        return Part(start=frame, end=end, endless=True)
    flags, numbers = data[tag + 7], data[tag + 8 : tag + 16]
    count = int.from_bytes(numbers[:4]) if flags & 1 else None
    after = numbers[4:] if flags & 1 else numbers[:4]
    return Part(
        start=frame,
        end=end,
        patches=((tag, bytes(4)),),
        endless=True,
        frames=count,
        size=int.from_bytes(after) if flags & 2 else None,
    )


def _xing_frames(data: mmap.mmap, start: int) -> list[tuple[int, int]]:
    """Where frames with a Xing header begin, and where that header is in them."""
    found = []
    for mark in (b"Xing", b"Info"):
        at = data.find(mark, start)
        while at >= 0:
            for side_info in (32, 17, 9):  # stereo, mono or low rate, mono of a low rate
                frame = at - side_info - 4
                if frame >= start and _MPEG_FRAME.match(data, frame):
                    if not any(data[frame + 6 : at]):  # but for a checksum, side info is empty
                        found.append((frame, at))
                    break
            at = data.find(mark, at + 4)
    return sorted(found)


def _ogg_links(data: mmap.mmap, start: int) -> list[int]:
    """Where the links of a chain begin: at a first page that follows no first page."""
    found: list[int] = []
    group_end = -1
    at = data.find(b"OggS\x00\x02", start)
    while at >= 0:
        lacing = data[at + 27 : at + 27 + data[at + 26]] if at + 27 <= len(data) else b""
        if at != group_end:
            found.append(at)
        group_end = at + 27 + len(lacing) + sum(lacing)
        at = data.find(b"OggS\x00\x02", at + 6)
    return found or [start]


def _repeats(magic: bytes) -> Callable[[mmap.mmap, int], list[int]]:
    """Finds where files begin that start with ``magic``, a text too long to be met by chance."""

    def starts(data: mmap.mmap, start: int) -> list[int]:
        found = [start]
        while (at := data.find(magic, found[-1] + len(magic))) >= 0:
            found.append(at)
        return found

    return starts


def _mpeg4s(data: mmap.mmap, start: int) -> list[int]:
    """Where MPEG-4 files begin in a file: a chain of boxes with a second ``ftyp`` in it."""
    found, at = [start], start
    for _ in range(100_000):
        size = int.from_bytes(data[at : at + 4])
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16])
        if size < 8 or at + size >= len(data):
            break
        at += size
        if data[at + 4 : at + 8] == b"ftyp":
            found.append(at)
    return found


def _waves(data: mmap.mmap, start: int) -> list[int]:
    """Where WAV files begin in a file: one right after the end of another."""
    found = [start]
    order = "little" if data[start : start + 4] == b"RIFF" else "big"
    while len(found) < MAX_PARTS:
        at = found[-1]
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], order)  # type: ignore[arg-type]
        end += end % 2 if data[end : end + 1] == b"\0" else 0
        if end <= at + 12 or data[end : end + 4] != data[at : at + 4]:
            break
        if data[end + 8 : end + 12] != b"WAVE":
            break
        found.append(end)
    return found


_FINDERS: dict[str, Callable[[mmap.mmap, int], list[int]]] = {
    "OGG": _ogg_links,
    "FLAC": _repeats(b"fLaC\x00\x00\x00\x22"),
    "WAV": _waves,
    "MPEG-4": _mpeg4s,
    "WMA": _repeats(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")),
}


class Window(io.RawIOBase):
    """One part as a file of its own.

    While it is being opened, an endless one pretends to be longer than any file, so that nothing
    is guessed from its size; then it ends where it ends.
    """

    def __init__(self, path: Path, part: Part) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._part = part
        self._length = part.end - part.start
        self._at = 0
        self.opening = part.endless

    @property
    def unread(self) -> int:
        """Bytes after the place that was reached."""
        return max(0, self._length - self._at)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        end = self._length + (_ENDLESS if self._part.endless else 0)
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: end}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        left = max(0, self._length - self._at)
        start = self._part.start + self._at
        self._file.seek(min(start, self._part.end))
        data = bytearray(self._file.read(min(left, len(buffer))))
        for at, patch in self._part.patches:
            for offset, byte in enumerate(patch, at - start):
                if 0 <= offset < len(data):
                    data[offset] = byte
        if self.opening:
            data = data.ljust(len(buffer), b"\0")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def read(self, size: int = -1, /) -> bytes:
        buffer = bytearray(max(0, self._length - self._at) if size < 0 else size)
        return bytes(buffer[: self.readinto(buffer)])

    def close(self) -> None:
        self._file.close()
        super().close()
