"""Text files: the encoding by the byte order mark, and lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

# the longer mark first: UTF-32's begins with UTF-16's
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    """The text of a file, decoded by `decode_text`. Raises OSError, ValueError."""
    return decode_text(path.read_bytes())


def decode_text(content: bytes) -> str:
    """Decode UTF-8, or the encoding of a byte order mark, without the mark. Raises ValueError otherwise."""
    encoding = detect_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"not {encoding.removesuffix('-sig').upper()} text: {error.reason} at byte {error.start}"
        ) from error
    if "\0" in text:
        raise ValueError("not text: it has zero bytes, as UTF-16 without a byte order mark; save it as UTF-8")
    return text


def detect_encoding(content: bytes) -> str:
    """Name of the encoding that a byte order mark at the beginning stands for; UTF-8 without one."""
    return next((encoding for mark, encoding in BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")


def split_lines(text: str) -> list[str]:
    r"""Lines ended by \n, \r\n or \r, without their ends; no other line separator of `str.splitlines`.

    Blank lines are kept. Nothing follows the end of the last line.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def iterate_lines(stream: Iterable[str | bytes]) -> Iterator[str | bytes]:
    """Lines as they come from an open file, without their ends.

    Only a stream that begins with the mark of UTF-16 or UTF-32 is read to the end first; bytes of it that
    can't be decoded become U+FFFD.
    """
    lines = iter(stream)
    first = next(lines, b"")
    if isinstance(first, bytes) and (encoding := detect_encoding(first)) in ("utf-16", "utf-32"):
        rest = (line if isinstance(line, bytes) else line.encode() for line in lines)
        lines = iter(split_lines(b"".join((first, *rest)).decode(encoding, "replace")))
    else:
        lines = chain([first], lines)
    for line in lines:
        yield from (line.splitlines() if isinstance(line, bytes) else split_lines(line)) or [line]
