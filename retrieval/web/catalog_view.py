"""What the page asks of a library beside searches: lists of items, single ones, and their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from encoders import AffectError
from retrieval.features import affect_to_json, compute_duration_weights
from retrieval.library_kinds import get_library_kind
from retrieval.library_location import Location
from retrieval.report import list_item_events, list_item_labels
from retrieval.storage import AnyLibrary, FileStamp, round_span
from retrieval.web.catalog_state import CatalogState
from retrieval.web.errors import NotFoundError
from retrieval.web.item_listing import format_date
from spaces.affect_regression import average_estimates

MAX_DESCRIBED_SEGMENTS = 64  # of an item, in which labels and events are looked for


class CatalogView:
    """Answers what is asked of a library's catalogue, as last committed."""

    def __init__(self, library: AnyLibrary) -> None:
        self.library = library
        self._state: CatalogState | None = None

    @property
    def state(self) -> CatalogState:
        """The last committed state."""
        if self._state is None or not self._state.snapshot.is_current():
            self._state = CatalogState(self.library)
        return self._state

    def list_items(
        self, *, offset: int, limit: int, modalities: Sequence[str], folder: Path | None, sort: str
    ) -> dict[str, Any]:
        """A page of the items of these modalities below a folder, by path, valence, arousal or date."""
        listing = self.state.listing
        items = listing.filter(self.state.sort_items(sort), modalities, folder)
        return {
            "total": len(items),
            "items": [listing.to_json(item) for item in items[offset : offset + limit].tolist()],
        }

    def describe_item(self, item_id: str) -> dict[str, Any]:
        """An item with its paths and the affect of its segments. Raises NotFoundError for an unknown id."""
        snapshot, catalog = self.state.snapshot, self.library.catalog
        position, item = snapshot.find_item(item_id), catalog.find_item(item_id)
        file = None if item is None else catalog.find_file(Path(item.path))
        if position is None or item is None or file is None:
            raise make_unknown_item_error(item_id)
        segments = snapshot.list_segments(position)
        affect, spans = snapshot.select_affect(segments), snapshot.select_spans(segments)
        whole = average_estimates(affect, compute_duration_weights(spans))
        return {
            "id": item.id,
            "path": item.path,
            "modality": item.modality,
            "duration": item.duration,
            "affect": affect_to_json(np.asarray(whole, np.float32)),
            "date": format_date(file.stamp.mtime_ns / 1e9),
            "paths": [str(path) for path in catalog.list_paths(item_id)],
            "width": item.width,
            "height": item.height,
            "segments": [
                {"start": start, "end": end, "affect": affect_to_json(row)}
                for (start, end), row in zip(map(round_span, spans), affect, strict=True)
            ],
            "labels": list_item_labels(self.library, snapshot, segments[:MAX_DESCRIBED_SEGMENTS]),
            "events": list_item_events(self.library, snapshot, segments[:MAX_DESCRIBED_SEGMENTS]),
            "incomplete": item.incomplete,
            "missing": item.missing,
        }

    def find_file(self, item_id: str) -> tuple[Path, str, FileStamp]:
        """(path, modality, stamp when it was indexed) of an item. Raises NotFoundError for an unknown id."""
        position = self.state.snapshot.find_item(item_id)
        path = self.library.catalog.find_best_paths([item_id]).get(item_id)
        record = None if path is None else self.library.catalog.find_file(Path(path))
        if position is None or path is None or record is None:
            raise make_unknown_item_error(item_id)
        return Path(path), self.state.snapshot.get_modality(position), record.stamp

    def list_unreadable(self) -> list[dict[str, str]]:
        """Path and reason of each file that could not be read."""
        return [{"path": path, "reason": reason} for path, reason in self.library.catalog.list_unreadable()]


def make_unknown_item_error(item_id: str) -> NotFoundError:
    """Says that a library has no such item."""
    return NotFoundError(f"item {item_id[:64]!r}: not in this library")


@contextmanager
def open_catalog_view(location: Location) -> Iterator[CatalogView]:
    """Open a library to look at it, even if its encoders are not installed. Raises AffectError."""
    kind = get_library_kind(location)
    if not kind.exists(location):
        raise AffectError(f"{location}: there is no library at this place now")
    with closing(kind.open_unchecked(location)) as library:
        yield CatalogView(library)
