"""A TensorFlow checkpoint written by hand, after the format's description, for the reader."""

import struct

import numpy as np
from numpy.typing import NDArray

MAGIC = 0xDB4775248B80FB57
Tensor = NDArray[np.float32]


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(tensor: Tensor, offset: int, dtype: int = 1) -> bytes:
    """A BundleEntryProto: dtype, shape, offset, size, and a checksum that nobody reads."""
    shape = b"".join(field(2, field(1, size)) for size in tensor.shape)
    message = field(1, dtype) + field(2, shape)
    message += field(4, offset) if offset else b""
    return message + field(5, tensor.nbytes) + varint(6 << 3 | 5) + b"\1\2\3\4"


def block(entries: list[tuple[bytes, bytes]], *, shorten: bool, compressed: bool = False) -> bytes:
    """A block with its trailer. shorten: leave out what a key shares with the one before."""
    out, last = b"", b""
    for key, value in entries:
        shared = 0
        while shorten and shared < min(len(key), len(last)) and key[shared] == last[shared]:
            shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        last = key
    return out + struct.pack("<II", 0, 1) + bytes([compressed]) + b"\0\0\0\0"


def checkpoint(
    tensors: dict[str, Tensor], *, per_block: int = 3, dtype: int = 1, compressed: bool = False
) -> tuple[bytes, bytes]:
    """Index and numbers of float32 tensors."""
    entries, numbers = [(b"", field(1, 1))], b""
    for name in sorted(tensors):
        entries.append((name.encode(), entry(tensors[name], len(numbers), dtype)))
        numbers += tensors[name].astype("<f4").tobytes()
    table, places = b"", []
    for first in range(0, len(entries), per_block):
        some = entries[first : first + per_block]
        made = block(some, shorten=True, compressed=compressed)
        places.append((some[-1][0] + b"~", varint(len(table)) + varint(len(made) - 5)))
        table += made
    nothing, index = block([], shorten=False), block(places, shorten=False)
    footer = varint(len(table)) + varint(len(nothing) - 5)
    footer += varint(len(table) + len(nothing)) + varint(len(index) - 5)
    table += nothing + index + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)
    return table, numbers
