"""Ranges of bytes that a request asks for (RFC 9110, sections 13.1 and 14)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import Headers

ByteRange = tuple[int, int]
"""Positions of the first and the last byte."""
UNIT = "bytes"
_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18})")


def is_unchanged(request: Headers, etag: str) -> bool:
    """Whether a client has the current version already, by If-None-Match."""
    known = [tag.strip().removeprefix("W/") for tag in request.get("if-none-match", "").split(",")]
    return "*" in known or etag in known


def select_ranges(request: Headers, file: Headers, size: int) -> Sequence[ByteRange] | None:
    """The ranges of a file of so many bytes that a request asks for; none if the file has none of them.

    file: headers of the whole file, with its version

    None for the whole file: without Range, with one that is invalid, or one of another version (If-Range).
    """
    header = request.get("range")
    version = request.get("if-range")
    if header is None or version not in (None, file["etag"], file["last-modified"]):
        return None
    return parse_ranges(header, size)


def parse_ranges(header: str, size: int) -> Sequence[ByteRange] | None:
    """The ranges of a header Range that a file of so many bytes has; None where the header is invalid."""
    unit, _, texts = header.partition("=")
    found = [_RANGE.fullmatch(text.strip()) for text in texts.split(",") if text.strip()]
    if unit.strip().lower() != UNIT or not found:
        return None
    ranges = []
    for match in found:
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            return None
        first = max(size - int(match[3]), 0) if match[3] else int(match[1])
        ranges.append((first, min(int(match[2]), size - 1) if match[2] else size - 1))
    return [(first, last) for first, last in ranges if first < size]


def format_ranges(ranges: Sequence[ByteRange]) -> str:
    """As a header Range."""
    return f"{UNIT}={','.join(f'{first}-{last}' for first, last in ranges)}"
