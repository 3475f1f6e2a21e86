"""Checkpoints as TensorFlow writes them, of random variables."""

import numpy as np


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number, content):
    """A field of a protocol buffer: an integer, or bytes with their length."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def make_block(entries):
    """A block of LevelDB with prefixes shared, one restart point, no compression."""
    block, before = b"", b""
    for key, value in entries:
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b),
            min(len(key), len(before)),
        )
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return block + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")


def write_bundle(folder, variables, block_size=3):
    """Paths of the index and the data file of float32 variables."""
    data, entries = b"", [(b"", field(1, 1))]
    for name, array in sorted(variables.items()):
        content = np.asarray(array, "<f4").tobytes()
        shape = b"".join(field(2, field(1, size)) for size in array.shape)
        entry = field(1, 1) + field(2, shape) + field(4, len(data)) + field(5, len(content))
        entries.append((name.encode(), entry + bytes([6 << 3 | 5]) + b"\0\0\0\0"))
        data += content
    table, handles = b"", []
    for start in range(0, len(entries), block_size):
        part = entries[start : start + block_size]
        block = make_block(part)
        handles.append((part[-1][0] + b"~", varint(len(table)) + varint(len(block))))
        table += block + bytes(5)
    footer = b""
    for block in (make_block([]), make_block(handles)):
        footer += varint(len(table)) + varint(len(block))
        table += block + bytes(5)
    (folder / ".index").write_bytes(table + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db"))
    (folder / ".data").write_bytes(data)
    return folder / ".index", folder / ".data"
