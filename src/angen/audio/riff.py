"""What libsndfile does not tell of files made of chunks: comments, wrong lengths, lost ends.

A RIFF or FORM file is a list of chunks: four letters, a length of 32 bits, the bytes, and one
byte of padding after an odd length. Sources: EA IFF 85;
Microsoft RIFF MCI, 1991; EBU Tech 3306 (RF64), ITU-R BS.2088 (BW64), Sony W64, Apple CAF, Sun AU.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_COMMENT_BYTES = 4_000_000  # strangers' files must not fill the memory
_MAX_CHUNKS = 10_000
_CHUNKED = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM")
_UNKNOWN_LENGTH = 0xFFFFFFFF  # written by programs that stream and never come back to the header
_UNKNOWN = {"CAF": -1, "RF64": 0xFFFFFFFFFFFFFFFF}  # the same in formats of longer lengths


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """One chunk of a file: where its bytes start, and how many it says there are."""

    name: bytes
    start: int
    length: int


def chunks(file: BinaryIO | mmap.mmap, size: int) -> Iterator[Chunk]:
    """The chunks of a RIFF, RF64 or FORM file of ``size`` bytes; nothing for other files."""
    file.seek(0)
    head = file.read(12)
    if len(head) < 12 or head[:4] not in _CHUNKED:
        return
    layout = ">4sI" if head[:4] in (b"RIFX", b"FORM") else "<4sI"
    at = 12
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return
        name, length = struct.unpack(layout, header)
        yield Chunk(name=name, start=at + 8, length=length)
        at += 8 + length + length % 2
        if at >= size:
            return


@dataclass(frozen=True, kw_only=True, slots=True)
class Mended:
    """What a decoder should read in place of a header that is wrong."""

    patches: tuple[tuple[int, bytes], ...] = ()  # position in the file, bytes
    unfinished: bool = False  # whoever wrote the file never came back to its header
    lost: int = 0  # bytes of sound that the header promises and the file does not have


def mended(data: mmap.mmap, kind: str) -> Mended:
    """How to read a WAV, RF64, BW64, W64, AIFF, AU or CAF file whose lengths are wrong."""
    found = _sound_chunk(data, kind)
    if found is None:
        return Mended()
    chunk, field = found
    rest = len(data) - chunk.start
    unknown = chunk.length == _UNKNOWN.get(kind, 0xFFFFFFFF)
    unfinished = chunk.length == 0 and rest > 0 and not _chain(data, kind, chunk.start)
    lost = 0 if unknown else max(0, chunk.length - rest)
    patches: dict[int, bytes] = {}
    if kind == "RF64":
        if data[:4] == b"BW64":
            patches[0] = b"RF64"
        if unfinished or unknown:
            sizes = struct.pack("<QQ", len(data) - 8, rest)
            patches |= {field - 8: sizes, chunk.start - 4: b"\xff" * 4}
    elif kind == "CAF" and (unfinished or unknown or lost):
        patches[field] = struct.pack(">q", rest)
    elif kind == "WAV" and unfinished:
        patches |= {4: b"\x08\0\0\0" if data[:4] == b"RIFF" else b"\0\0\0\x08", field: b"\xff" * 4}
    elif kind == "AU" and unfinished:
        patches[field] = b"\xff" * 4
    return Mended(patches=tuple(patches.items()), unfinished=unfinished, lost=lost)


def _sound_chunk(data: mmap.mmap, kind: str) -> tuple[Chunk, int] | None:
    """The chunk that holds the sound, its length as it is written, and where that is written."""
    if kind == "AU" and len(data) >= 24:
        start, length = struct.unpack(">II", data[4:12])
        return Chunk(name=b"data", start=start, length=length), 8
    if kind in ("CAF", "W64"):
        return _wide_chunk(data, kind)
    wide: tuple[int, int] | None = None
    for chunk in chunks(data, len(data)):
        if chunk.name == b"ds64" and chunk.start + 16 <= len(data):
            at = chunk.start + 8
            wide = struct.unpack("<Q", data[at : at + 8])[0], at
        if chunk.name in (b"data", b"SSND"):
            if wide and chunk.length in (0, _UNKNOWN_LENGTH):
                return Chunk(name=chunk.name, start=chunk.start, length=wide[0]), wide[1]
            return chunk, chunk.start - 4
    return None


def _wide_chunk(data: mmap.mmap, kind: str) -> tuple[Chunk, int] | None:
    """The same of formats whose lengths have 64 bits."""
    at, layout, head = (8, ">4sq", 12) if kind == "CAF" else (40, "<4s12xq", 24)
    for _ in range(_MAX_CHUNKS):
        if at + head > len(data):
            return None
        name, length = struct.unpack(layout, data[at : at + head])
        if kind == "W64":  # there it counts the header, and chunks begin at multiples of 8
            length = max(0, length - head)
        if name == b"data":
            # CAF: a counter of edits goes before the sound, and is part of the chunk
            return Chunk(name=name, start=at + head, length=length), at + head - 8
        if length < 0:
            return None
        at += head + length
        at += -at % 8 if kind == "W64" else 0
    return None


def _chain(data: mmap.mmap, kind: str, start: int) -> bool:
    """Whether other chunks, and nothing else, follow at ``start``: a file without sound."""
    layout = ">4sI" if kind == "AIFF" or data[:4] == b"RIFX" else "<4sI"
    while start + 8 <= len(data):
        name, length = struct.unpack(layout, data[start : start + 8])
        if not name.isascii() or not name.decode().isprintable():
            return False
        start += 8 + length + length % 2
    return start in (len(data), len(data) + 1)


def with_comment(wav: bytes, comment: str) -> bytes:
    """The bytes of a WAV file with ``comment`` in a LIST/INFO/ICMT chunk at the end."""
    text = comment.encode() + b"\0"
    if len(text) > MAX_COMMENT_BYTES:
        raise ValueError(f"a comment of {len(text)} bytes is over {MAX_COMMENT_BYTES}")
    entry = b"ICMT" + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
    tail = b"LIST" + struct.pack("<I", 4 + len(entry)) + b"INFO" + entry
    body = wav[8:] + b"\0" * (len(wav) % 2) + tail
    return b"RIFF" + struct.pack("<I", len(body)) + body


def comment_of(path: Path) -> str | None:
    """The comment of a WAV file, or None where there is none, or one too long to be honest."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for chunk in chunks(file, size):
            if chunk.name == b"LIST" and chunk.length <= MAX_COMMENT_BYTES + 64:
                file.seek(chunk.start)
                found = _icmt(file.read(chunk.length))
                if found is not None:
                    return found
    return None


def _icmt(info: bytes) -> str | None:
    """The ICMT entry of the bytes of a LIST chunk."""
    if info[:4] != b"INFO":
        return None
    at = 4
    while at + 8 <= len(info):
        name, length = struct.unpack("<4sI", info[at : at + 8])
        if name == b"ICMT":
            return info[at + 8 : at + 8 + length].rstrip(b"\0").decode(errors="replace")
        at += 8 + length + length % 2
    return None
