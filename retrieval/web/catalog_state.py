"""One committed state of a library's catalogue: its items, counts, folders and map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from encoders import Rows, is_missing_row
from retrieval.features import affect_to_json
from retrieval.report import compute_item_affect
from retrieval.search import open_snapshot
from retrieval.storage import MODALITIES, AnyLibrary, AnySnapshot, ItemRecord, Snapshot
from retrieval.web.top_folders import find_top_folders

MAX_FOLDERS = 50
ROUNDING = 4  # decimals of points on the map


@dataclass(frozen=True, kw_only=True)
class ListedItem:
    """An item as lists show it.

    affect: (4,) valence, arousal and their SDs, NaN where they are unknown
    changed: when its file was changed, in seconds since 1970; None where that is unknown
    """

    record: ItemRecord
    affect: Rows
    changed: float | None

    def to_json(self) -> dict[str, Any]:
        """As the API lists it."""
        return {
            "id": self.record.id,
            "path": self.record.path,
            "modality": self.record.modality,
            "duration": self.record.duration,
            "affect": affect_to_json(self.affect),
            "date": format_date(self.changed),
        }


_state_numbers = count(1)


class CatalogState:
    """One committed state of a library; what is read of it is kept.

    number: of its own in this process
    """

    def __init__(self, library: AnyLibrary) -> None:
        self._library = library
        self.snapshot: AnySnapshot = open_snapshot(library)
        self.number = next(_state_numbers)
        self._sorted_items: dict[str, Sequence[ListedItem]] = {}

    @cached_property
    def items(self) -> Sequence[ListedItem]:
        """Every item that has a file, in order of path."""
        catalog = self._library.catalog
        changed = {str(path): record.stamp.mtime_ns / 1e9 for path, record in catalog.load_files().items()}
        affect = self._load_item_affect()
        unknown = np.full(4, np.nan, np.float32)
        return [
            ListedItem(record=record, affect=affect.get(record.id, unknown), changed=changed.get(record.path))
            for record in catalog.list_items()
        ]

    def sort_items(self, order: str) -> Sequence[ListedItem]:
        """Every item, in an order of SORT_KEYS."""
        if order not in self._sorted_items:
            self._sorted_items[order] = sorted(self.items, key=SORT_KEYS[order])
        return self._sorted_items[order]

    @cached_property
    def items_by_id(self) -> Mapping[str, ListedItem]:
        """The same, by id."""
        return {item.record.id: item for item in self.items}

    @cached_property
    def counts(self) -> dict[str, Any]:
        """Counts of items, files and segments, and the top folders."""
        catalog = self._library.catalog
        paths = [item.record.path for item in self.items]
        return {
            "items": catalog.count_items_by_modality(),
            "files": catalog.count_files_and_items()[0],
            "segments": catalog.count_segments(),
            "unreadable": len(catalog.list_unreadable()),
            "missing": len(catalog.list_missing_paths()),
            "folders": [
                {"path": folder, "items": item_count}
                for folder, item_count in find_top_folders(paths, MAX_FOLDERS)
            ],
        }

    @cached_property
    def map_columns(self) -> dict[str, Any]:
        """The items whose affect is known, column by column."""
        items = [item for item in self.items if not is_missing_row(item.affect[None])[0]]
        points = np.array([item.affect for item in items], np.float64).reshape(-1, 4)
        columns = zip(
            ("valence", "arousal", "valence_sd", "arousal_sd"),
            points.T.round(ROUNDING).tolist(),
            strict=True,
        )
        return {
            "ids": [item.record.id for item in items],
            "modalities": [MODALITIES.index(item.record.modality) for item in items],
            "modality_names": list(MODALITIES),
            **dict(columns),
            "names": [Path(item.record.path).name for item in items],
        }

    def _load_item_affect(self) -> dict[str, Rows]:
        """Affect (4,) by item; empty for a library in Milvus, whose estimates are not read all at once."""
        snapshot = self.snapshot
        if not isinstance(snapshot, Snapshot):
            return {}
        affect = compute_item_affect(snapshot)
        shown = np.flatnonzero(snapshot.is_shown).tolist()
        return {snapshot.get_item_id(item): affect[item] for item in shown}


def _by_path(item: ListedItem) -> Any:
    return item.record.path


def _by_valence(item: ListedItem) -> Any:
    return _last_if_unknown(item.affect[0]), item.record.path


def _by_arousal(item: ListedItem) -> Any:
    return _last_if_unknown(item.affect[1]), item.record.path


def _by_date(item: ListedItem) -> Any:
    return item.changed is None, item.changed or 0.0, item.record.path


SORT_KEYS = {"path": _by_path, "valence": _by_valence, "arousal": _by_arousal, "date": _by_date}
"""Keys of the orders of a list; what is unknown comes last."""


def _last_if_unknown(value: np.floating[Any]) -> tuple[bool, float]:
    return bool(np.isnan(value)), float(np.nan_to_num(value))


def format_date(seconds: float | None) -> str | None:
    """A moment in ISO 8601, in universal time; None where it is unknown or no date."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return None
