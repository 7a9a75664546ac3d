"""What libsndfile does not tell about a WAV or AIFF file: comments of any length, lost ends.

A RIFF or FORM file is a list of chunks: four letters, a length of 32 bits, the bytes, and one
byte of padding after an odd length. Source: EA IFF 85; Microsoft RIFF MCI, 1991.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_COMMENT_BYTES = 4_000_000  # strangers' files must not fill the memory
_MAX_CHUNKS = 10_000
_UNKNOWN_LENGTH = 0xFFFFFFFF  # written by programs that stream and never come back to the header


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """One chunk of a file: where its bytes start, and how many it says there are."""

    name: bytes
    start: int
    length: int


def chunks(file: BinaryIO, size: int) -> Iterator[Chunk]:
    """The chunks of a RIFF, RIFX or FORM file of ``size`` bytes; nothing for other files."""
    file.seek(0)
    head = file.read(12)
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RIFX", b"FORM"):
        return
    layout = "<4sI" if head[:4] == b"RIFF" else ">4sI"
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


def lost_bytes(path: Path) -> int:
    """How many bytes of sound the header promises and the file does not have; 0 when whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for chunk in chunks(file, size):
            if chunk.name in (b"data", b"SSND") and chunk.length != _UNKNOWN_LENGTH:
                return max(0, chunk.start + chunk.length - size)
    return 0


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
