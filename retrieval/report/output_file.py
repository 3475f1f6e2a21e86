"""Files that are written for the user."""

from __future__ import annotations

from pathlib import Path

from encoders import AffectError, to_printable, write_atomically


def write_output(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises AffectError where it can't be written."""
    try:
        write_atomically(path, content)
    except OSError as bad:
        raise AffectError(f"{to_printable(path)}: {(bad.strerror or str(bad)).lower()}") from bad
