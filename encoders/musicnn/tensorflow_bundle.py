"""Variables of a TensorFlow checkpoint (tensor bundle, version 2), read without TensorFlow.

The index file is a table of LevelDB: blocks of keys with shared prefixes, whose values are protocol buffers
(BundleEntryProto) with the place of each variable in the data file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOOTER_BYTES = 48
MAGIC = bytes.fromhex("57fb808b247547db")
FLOAT32 = 1  # DT_FLOAT
DTYPE_FIELD, SHAPE_FIELD, OFFSET_FIELD, SIZE_FIELD = 1, 2, 4, 5
DIMENSION_FIELD, LENGTH_FIELD = 2, 1

Array = npt.NDArray[np.float32]


def read_bundle(index_path: Path, data_path: Path) -> dict[str, Array]:
    """The float32 variables of a checkpoint of one shard, by name; others are left out.

    Raises ValueError where the index is no such table or points outside the data file.
    """
    data = data_path.read_bytes()
    variables = {}
    for name, entry in _read_table(index_path.read_bytes()):
        fields = dict(_read_fields(entry))
        if not name or fields.get(DTYPE_FIELD) != FLOAT32:  # the empty key is the header
            continue
        shape = _read_shape(fields.get(SHAPE_FIELD, b""))
        start, size = fields.get(OFFSET_FIELD, 0), fields.get(SIZE_FIELD, 0)
        if size != 4 * math.prod(shape) or start + size > len(data):
            raise ValueError(f"the variable {name!r} does not lie in {data_path.name}")
        variables[name] = np.frombuffer(data, "<f4", math.prod(shape), start).reshape(shape)
    return variables


def _read_shape(message: bytes) -> tuple[int, ...]:
    dimensions = [content for number, content in _read_fields(message) if number == DIMENSION_FIELD]
    return tuple(dict(_read_fields(dimension)).get(LENGTH_FIELD, 0) for dimension in dimensions)


def _read_table(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Keys and values of all blocks that the table's index block lists."""
    if len(content) < FOOTER_BYTES or not content.endswith(MAGIC):
        raise ValueError("not the index of a TensorFlow checkpoint")
    footer = content[-FOOTER_BYTES:]
    _, position = _read_varint(footer, _read_varint(footer, 0)[1])  # past the handle of the metaindex
    for _, handle in _read_block(content, footer, position):
        for key, value in _read_block(content, handle, 0):
            yield key.decode(), value


def _read_block(content: bytes, handle: bytes, position: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of the block whose offset and size are the two varints of `handle` at `position`."""
    offset, position = _read_varint(handle, position)
    size, _ = _read_varint(handle, position)
    block = content[offset : offset + size]
    if len(block) < size or size < 4 or content[offset + size] != 0:
        raise ValueError("a block of the index is cut short or compressed")
    end = size - 4 - 4 * int.from_bytes(block[-4:], "little")  # restart points and their number
    key, position = b"", 0
    while position < end:
        shared, position = _read_varint(block, position)
        unshared, position = _read_varint(block, position)
        length, position = _read_varint(block, position)
        key = key[:shared] + block[position : position + unshared]
        position += unshared
        yield key, block[position : position + length]
        position += length


def _read_fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers and values of a protocol buffer: integers, bytes of what has a length."""
    value: int | bytes
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            value, position = _read_varint(message, position)
        elif wire_type in (1, 5):
            width = 8 if wire_type == 1 else 4
            value, position = int.from_bytes(message[position : position + width], "little"), position + width
        elif wire_type == 2:
            length, position = _read_varint(message, position)
            value, position = message[position : position + length], position + length
        else:
            raise ValueError("not a protocol buffer")
        yield number, value


def _read_varint(content: bytes, position: int) -> tuple[int, int]:
    """An integer of seven bits a byte, and the position after it. Raises ValueError at the end."""
    value = shift = 0
    while position < len(content):
        byte = content[position]
        position, value, shift = position + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, position
    raise ValueError("an integer is cut short")
