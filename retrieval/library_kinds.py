"""The one table of what keeps a library: a folder, or Milvus where a URL names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.cluster import MilvusLibrary, MilvusUrl
from retrieval.cluster import find_problems as find_milvus_problems
from retrieval.cluster import update_index as update_milvus_index
from retrieval.features import PipelineConfig
from retrieval.library_location import Location, parse_location
from retrieval.previews import find_preview_problems
from retrieval.search import find_index_problems, measure_recalls, update_index
from retrieval.storage import AnyLibrary, Library, find_problems


@dataclass(frozen=True, kw_only=True)
class LibraryKind:
    """A kind of library; see `Library` for what the functions do.

    update_index: builds the indexes that the number of rows asks for, in a library; tells of progress
    find_problems: what is wrong with a library, a line each
    measure_recalls: recall of index files, by name, where there are any
    """

    exists: Callable[[Any], bool]
    create: Callable[[Any, PipelineConfig, float], AnyLibrary]
    open: Callable[[Any], AnyLibrary]
    open_unchecked: Callable[[Any], AnyLibrary]
    update_index: Callable[[Any, Callable[[str], None]], None]
    find_problems: Callable[[Any], list[str]]
    measure_recalls: Callable[[Any], dict[str, float]]


def _find_folder_problems(library: Library) -> list[str]:
    # index files are checked against an undamaged catalogue
    problems = find_problems(library) or find_index_problems(library)
    return [*problems, *find_preview_problems(library)]


FOLDER = LibraryKind(
    exists=Library.exists,
    create=Library.create,
    open=Library.open,
    open_unchecked=Library.open_unchecked,
    update_index=update_index,
    find_problems=_find_folder_problems,
    measure_recalls=measure_recalls,
)
MILVUS = LibraryKind(
    exists=MilvusLibrary.exists,
    create=MilvusLibrary.create,
    open=MilvusLibrary.open,
    open_unchecked=MilvusLibrary.open_unchecked,
    update_index=update_milvus_index,
    find_problems=find_milvus_problems,
    measure_recalls=lambda library: {},
)
KIND_BY_LOCATION: Mapping[type[Any], LibraryKind] = {Path: FOLDER, MilvusUrl: MILVUS}


def get_library_kind(location: Location) -> LibraryKind:
    """The kind of the library at a location."""
    return KIND_BY_LOCATION[MilvusUrl if isinstance(location, MilvusUrl) else Path]


def open_library(location: str | Location) -> AnyLibrary:
    """Open the library in a folder or at a URL, to be searched or added to. Raises as `Library.open` does."""
    location = parse_location(location) if isinstance(location, str) else location
    return get_library_kind(location).open(location)
