"""Where a library is: in a folder, or in Milvus at a URL."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from encoders import AffectError, to_printable
from retrieval.cluster import MilvusUrl
from retrieval.storage import find_on_disk

Location: TypeAlias = Path | MilvusUrl
SCHEME_MARK = "://"
LIBRARY_VARIABLE = "AFFECT_LIBRARY"  # of the environment, which names the library of commands


def parse_location(text: str) -> Location:
    """A folder, or a URL. Raises AffectError for a URL that names no library."""
    return MilvusUrl.parse(text) if SCHEME_MARK in text else find_on_disk(Path(text))


def require_folder(location: Location, command: str) -> Path:
    """The folder of a library. Raises AffectError for one that is kept elsewhere."""
    if isinstance(location, Path):
        return location
    raise AffectError(
        f"{to_printable(str(location))}: {command} works on a library in a folder, and this one is in Milvus"
    )
