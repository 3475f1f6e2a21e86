"""Atomic writing of the user's output files."""

from __future__ import annotations

from pathlib import Path

from encoders import AffectError, describe_os_error, to_printable, write_atomically


def write_output(path: Path, content: bytes) -> None:
    """Write a file atomically. Raises AffectError if it can't be written."""
    try:
        write_atomically(path, content)
    except OSError as error:
        raise AffectError(f"{to_printable(path)}: {describe_os_error(error)}") from error
