"""A TensorFlow checkpoint read without TensorFlow: a table of names and places, and raw numbers.

The index is a table as LevelDB writes it, uncompressed: blocks of entries sorted by key, then a
block that says where those are, then a footer. Each entry is a tensor: a small protobuf with its
shape and its place among the numbers. Nothing in it can name code.

Source: tensorflow/core/protobuf/tensor_bundle.proto and leveldb/doc/table_format.md, read in 2026.
"""

import math
import struct
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from angen.errors import Incompatible

Tensors = dict[str, NDArray[np.float32]]

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_TRAILER_BYTES = 5  # of a block: compression, checksum
_FLOAT = 1  # TensorFlow's DT_FLOAT
_MOST_TENSORS = 10_000
_MOST_AXES = 8
_BITS = 64  # of a whole number
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # kinds of protobuf fields
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE = 1, 2, 3, 4, 5  # fields of a tensor's entry
_DIM, _DIM_SIZE = 2, 1  # fields of a shape and of an axis
_EPSILON = 1e-3  # of a batch normalisation in TensorFlow


def read_checkpoint(index: bytes, numbers: bytes) -> Tensors:
    """The float32 tensors of a checkpoint by name; those of other types are passed over.

    index: of ``<prefix>.index``; numbers: of ``<prefix>.data-00000-of-00001``, the only shard.

    Raises Incompatible for what is damaged, compressed or of several shards.
    """
    found: Tensors = {}
    try:
        for count, (key, value) in enumerate(_entries(index)):
            if count > _MOST_TENSORS:
                raise ValueError(f"more than {_MOST_TENSORS:,} entries")
            if key and (tensor := _tensor(value, numbers)) is not None:
                found[key.decode("utf-8")] = tensor
    except (ValueError, IndexError, struct.error) as fault:
        raise Incompatible(
            f"The TensorFlow checkpoint is damaged, or of a kind that is not read here ({fault}). "
            "Fetch it again."
        ) from fault
    return found


def for_torch(
    stored: Mapping[str, NDArray[np.float32]], layers: Mapping[str, Sequence[str]], of: str
) -> Tensors:
    """The tensors of Keras layers under names and in the shapes of torch.

    layers: by kind of layer, our names in the order in which TensorFlow numbered them; an empty
    one is passed over. A batch normalisation becomes a weight and a bias for each channel, the
    kernel of a (transposed) convolution (height, width, in, out) becomes (out, in, height, width).

    Raises Incompatible for a checkpoint that lacks one, and is none ``of`` what was expected.
    """
    ours: Tensors = {}
    try:
        for kind, names in layers.items():
            for i, name in enumerate(names):
                if name:
                    weight, bias = _layer(stored, kind, f"{kind}_{i}" if i else kind)
                    ours[f"{name}.weight"] = np.ascontiguousarray(weight)
                    ours[f"{name}.bias"] = np.ascontiguousarray(bias)
    except (KeyError, ValueError) as fault:
        raise Incompatible(f"The checkpoint is none of {of} ({fault}).") from fault
    return ours


def _layer(
    stored: Mapping[str, NDArray[np.float32]], kind: str, name: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight and bias of one layer, in torch's shapes."""
    if kind == "batch_normalization":
        scale = stored[f"{name}/gamma"] / np.sqrt(stored[f"{name}/moving_variance"] + _EPSILON)
        return scale, stored[f"{name}/beta"] - stored[f"{name}/moving_mean"] * scale
    kernel = stored[f"{name}/kernel"]
    return kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T, stored[f"{name}/bias"]


def _entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a table, in order."""
    footer = table[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ValueError("no table: its last bytes are others")
    _, at = _place(footer, 0)  # of a block that TensorFlow leaves empty
    place, _ = _place(footer, at)
    for _, value in _block(table, *place):
        yield from _block(table, *_place(value, 0)[0])


def _place(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Where a block begins and how long it is, and where to read on."""
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The entries of one block: each key leaves out what it begins with like the one before."""
    if offset + size + _TRAILER_BYTES > len(table):
        raise ValueError("a block lies beyond the end")
    if table[offset + size]:
        raise ValueError("a block is compressed")
    block = table[offset : offset + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    end = size - 4 - 4 * restarts
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or at + fresh + length > end:
            raise ValueError("an entry goes beyond its block")
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length


def _tensor(entry: bytes, numbers: bytes) -> NDArray[np.float32] | None:
    """The tensor that an entry describes, or None when it is not of float32."""
    fields = dict(_fields(entry))
    if fields.get(_DTYPE) != _FLOAT:
        return None
    if fields.get(_SHARD, 0) != 0:
        raise ValueError("it has several shards")
    shape = _shape(_bytes(fields.get(_SHAPE, b"")))
    offset, size = _whole(fields.get(_OFFSET, 0)), _whole(fields.get(_SIZE, 0))
    if size != 4 * math.prod(shape) or offset + size > len(numbers):
        raise ValueError(f"a tensor of shape {list(shape)} does not fit its {size:,} bytes")
    flat = np.frombuffer(numbers, "<f4", size // 4, offset)
    return flat.reshape(shape).astype(np.float32)


def _shape(message: bytes) -> tuple[int, ...]:
    axes = [_bytes(value) for number, value in _fields(message) if number == _DIM]
    if len(axes) > _MOST_AXES:
        raise ValueError(f"a tensor of {len(axes):,} axes")
    return tuple(_whole(dict(_fields(axis)).get(_DIM_SIZE, 0)) for axis in axes)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protobuf message."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind, value = tag & 7, b""
        if kind == _VARINT:
            whole, at = _varint(message, at)
            yield tag >> 3, whole
            continue
        if kind == _BYTES:
            length, at = _varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"a field of kind {kind}")
        value = message[at : at + length]
        if len(value) < length:
            raise ValueError("a field goes beyond its message")
        yield tag >> 3, value
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, lowest first, and where to read on."""
    value = 0
    for shift in range(0, _BITS, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number does not end")


def _whole(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise ValueError("bytes where a number belongs")
    return value


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a number where bytes belong")
    return value
