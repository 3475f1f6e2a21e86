"""Metadata of libraries, as plain rows for printing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from encoders import to_printable
from retrieval.previews import count_previews
from retrieval.report.library_content import count_labels, count_sound_events, describe_other_sounds
from retrieval.search import IndexSettings
from retrieval.storage import AnyLibrary, Library, list_custom_heads


def get_library_info(library: AnyLibrary) -> dict[str, Any]:
    """Counts, frequent events and labels, sizes in bytes, encoders and unreadable files of a library."""
    file_count, item_count = library.catalog.count_files_and_items()
    return {
        "library": library.name,
        "items": library.catalog.count_items_by_modality(),
        "files": file_count,
        "duplicates": file_count - item_count,
        "missing": len(library.catalog.list_missing_paths()),
        "incomplete": library.catalog.count_incomplete_items(),
        "segments": library.catalog.count_segments(),
        "unreadable": len(library.catalog.list_unreadable()),
        "heard": count_sound_events(library),
        "seen": count_labels(library),
        "other_sounds": describe_other_sounds(library),
        "rows": library.count_rows(),
        "bytes": library.measure_bytes(),
        "previews": count_previews(library) if isinstance(library, Library) else {},
        "segment": library.segment_seconds,
        "encoders": json.loads(library.config.to_json()),
        "own": dict(list_custom_heads(library.catalog)),
        "index": IndexSettings.load(library).choice,
    }


def list_library_items(library: AnyLibrary, modalities: Sequence[str]) -> list[dict[str, Any]]:
    """Items of these modalities, in order of path; `missing` as of the last index run."""
    return [asdict(item) for item in library.catalog.list_items() if item.modality in modalities]


def make_rows_printable(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with terminal-safe strings; `incomplete` and `missing` are dropped where no row sets them."""
    flags_in_use = {name for name in ("incomplete", "missing") if any(row.get(name) for row in rows)}
    return [
        {
            name: to_printable(value) if isinstance(value, str) else value
            for name, value in row.items()
            if name in flags_in_use or name not in ("incomplete", "missing")
        }
        for row in rows
    ]


def list_unreadable_files(library: AnyLibrary) -> list[dict[str, Any]]:
    """Path and reason of each file that could not be read."""
    return [{"path": path, "reason": reason} for path, reason in library.catalog.list_unreadable()]
