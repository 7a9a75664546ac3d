"""MP3 files that do not say how long they are: counted, and handed on with a header that does.

libsndfile guesses the length of such a file from its first frame. With a bit rate that varies the
guess can be a third of the truth, and it then stops reading there without a word.

Source: ISO 11172-3 for frames; the Xing header as LAME writes it.
"""

import io
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBPS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MONO = 3
_RESYNC = 64 * 1024  # how far to look for the next frame after a fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """What a frame header of MPEG layer III says."""

    version: int  # 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
    rate_index: int
    kbps: int
    padding: int
    mono: bool

    @property
    def size(self) -> int:
        """Bytes from this header to the next."""
        per_second = 144_000 if self.version == 3 else 72_000
        return per_second * self.kbps // _RATES_HZ[self.version][self.rate_index] + self.padding

    @property
    def side_info(self) -> int:
        """Bytes between the header and what a Xing header takes the place of."""
        if self.version == 3:
            return 17 if self.mono else 32
        return 9 if self.mono else 17


def with_length(path: Path) -> io.RawIOBase | None:
    """An MP3 file that lacks its length, opened with one; None for all other files."""
    if path.stat().st_size < 1_000:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = _after_id3(data)
        first = parse(data[start : start + 4])
        if first is None or parse(data[start + first.size :][:4]) is None:
            return None  # no MP3, or one that begins in an odd way: libsndfile's business
        tag = data[start + 4 : start + 4 + 64]
        if b"Xing" in tag or b"Info" in tag or b"VBRI" in tag:
            return None
        frames = _count(data, start)
        head = _xing(data[start : start + 4], first, frames, len(data) - start)
    return _Headed(path, head, start)


def parse(header: bytes) -> Frame | None:
    """The frame header in 4 bytes; None where there is none of layer III with a bit rate."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    kbps_index, rate_index = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer != 1 or kbps_index in (0, 15) or rate_index == 3:
        return None
    return Frame(
        version=version,
        rate_index=rate_index,
        kbps=_KBPS[version == 3][kbps_index],
        padding=header[2] >> 1 & 1,
        mono=header[3] >> 6 == _MONO,
    )


def _after_id3(data: mmap.mmap) -> int:
    """Where the sound begins: after an ID3v2 tag, if there is one."""
    if data[:3] != b"ID3":
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if data[5] & 0x10 else 0)


def _count(data: mmap.mmap, start: int) -> int:
    """Frames from ``start`` on, faults skipped."""
    count, at = 0, start
    while at + 4 <= len(data):
        frame = parse(data[at : at + 4])
        if frame is not None:
            count += 1
            at += frame.size
            continue
        found = data.find(b"\xff", at + 1, at + _RESYNC)
        if found < 0:
            break
        at = found
    return count


def _xing(header: bytes, first: Frame, frames: int, size: int) -> bytes:
    """A frame without sound that says how many frames and bytes follow."""
    version_1 = first.version == 3
    kbps = 128 if version_1 else 64
    index = _KBPS[version_1].index(kbps)
    flags = bytes([header[0], header[1] | 1, index << 4 | first.rate_index << 2, header[3]])
    empty = parse(flags)
    assert empty is not None
    body = b"\0" * empty.side_info + b"Xing" + struct.pack(">III", 3, frames, size + empty.size)
    return (flags + body).ljust(empty.size, b"\0")


class _Headed(io.RawIOBase):
    """A file from ``start`` on, with other bytes before it."""

    def __init__(self, path: Path, head: bytes, start: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._head = head
        self._start = start
        self._size = len(head) + path.stat().st_size - start
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self._size - self._at)
        size = left if size < 0 else min(size, left)
        data = self._head[self._at : self._at + size]
        if len(data) < size:
            self._file.seek(self._start + self._at + len(data) - len(self._head))
            data += self._file.read(size - len(data))
        self._at += len(data)
        return data

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
