"""The catalogue of a library in Milvus: its files, items and settings, with the methods of `Catalog`.

Milvus has no transactions. Each write can be repeated, and the order of writes is such that what is cut off
in the middle shows nowhere and is mended by the next index run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path

from retrieval.cluster.records import (
    FILE_FIELDS,
    ITEM_FIELDS,
    PLACE_FIELDS,
    Place,
    encode_path,
    find_best_places,
    is_below,
    make_file_key,
    make_file_record,
    read_file,
    read_item,
    read_listed_item,
    read_path,
)
from retrieval.cluster.schema import (
    FILES,
    ITEMS,
    KEY,
    SEGMENTS,
    VECTOR,
    make_segment_key,
)
from retrieval.cluster.settings import SettingsTable
from retrieval.cluster.store import STRONG
from retrieval.storage import (
    MODALITIES,
    FileRecord,
    FileStamp,
    FileUpdate,
    ItemRecord,
    ListedItem,
    is_missing,
    to_stored_nanoseconds,
)


class MilvusCatalog(SettingsTable):
    """Files, items and settings of a library."""

    def transaction(self) -> nullcontext[None]:
        """Nothing: each write stands for itself, see above."""
        return nullcontext()

    @contextmanager
    def read_transaction(self) -> Iterator[None]:
        """Nothing: a snapshot keeps what it has read."""
        yield

    def load_files(self) -> dict[Path, FileRecord]:
        """Records of all files, by path."""
        return {read_path(record): read_file(record) for record in self._store.iterate(FILES, FILE_FIELDS)}

    def find_file(self, path: Path) -> FileRecord | None:
        """The record of a path; None where it is not in the library."""
        records = self._store.get(FILES, [make_file_key(path)], FILE_FIELDS)
        return read_file(records[0]) if records else None

    def find_item_ids(
        self, folder: Path | None, since: datetime | None, until: datetime | None, limit: int
    ) -> list[str]:
        """Ids, at most `limit`, of items with a file below a folder that was changed since and before."""
        conditions = ['item != ""']
        if folder is not None:
            path = encode_path(folder).rstrip("/")
            conditions.append(f"(path == {json.dumps(path)} or path like {json.dumps(path + '/%')})")
        for comparison, moment in (("mtime_ns >=", since), ("mtime_ns <", until)):
            if moment is not None:
                conditions.append(f"{comparison} {to_stored_nanoseconds(moment)}")
        records = self._store.query(FILES, " and ".join(conditions), ["path", "item"], limit=limit)
        return [record["item"] for record in records if folder is None or is_below(read_path(record), folder)]

    def has_item(self, item_id: str) -> bool:
        """Whether an item is in the library; False for one that was added some seconds ago may be wrong."""
        return bool(self._store.get(ITEMS, [item_id], []))

    def record_files(self, updates: Sequence[FileUpdate]) -> set[Path]:
        """Record files; paths from which an item has moved are removed and returned."""
        items = sorted({update.item_id for update in updates if update.item_id})
        paths_by_item: dict[str, list[Path]] = {}
        for record in self._store.get(FILES, items, ["path", "item"], key_field="item", consistency=STRONG):
            paths_by_item.setdefault(record["item"], []).append(read_path(record))
        moved_paths: set[Path] = set()
        for update in updates:
            paths = paths_by_item.get(update.item_id or "", [])
            if update.path not in paths:
                moved_paths.update(path for path in paths if is_missing(path))
        self.write_files(updates)
        self._store.delete(FILES, [make_file_key(path) for path in moved_paths])
        self.change_version()
        return moved_paths

    def write_files(self, updates: Sequence[FileUpdate]) -> None:
        """Insert or replace records of files; of one path given twice the last is written."""
        by_path = {
            update.path: make_file_record(
                update.path, update.stamp, item_id=update.item_id, error=update.error
            )
            for update in updates
        }
        self._store.upsert(FILES, list(by_path.values()))

    def remove_paths_and_orphans(self, paths: Iterable[Path]) -> None:
        """Delete paths, and items that have none left, with all their rows."""
        keys = [make_file_key(path) for path in paths]
        self._store.delete(FILES, keys)
        orphans = self.find_orphans()
        if keys or orphans:
            self._remove_items(orphans)
            self.change_version()

    def find_orphans(self) -> dict[str, int]:
        """Number of segments of each item that has no file."""
        with_file = {record["item"] for record in self._store.iterate(FILES, ["item"])}
        return {
            record[KEY]: int(record["segments"])
            for record in self._store.iterate(ITEMS, ["segments"])
            if record[KEY] not in with_file
        }

    def _remove_items(self, segment_counts: Mapping[str, int]) -> None:
        """Delete items, their rows first: an item that is still there is an orphan for the next run."""
        keys = [
            make_segment_key(item_id, number)
            for item_id, count in segment_counts.items()
            for number in range(count)
        ]
        collections = [SEGMENTS, *self.list_row_collections().values()]
        self._store.connection.call_each(
            partial(self._store.delete, collection, keys) for collection in collections
        )
        self._store.delete(ITEMS, list(segment_counts))

    def list_items(self) -> list[ItemRecord]:
        """Every item that has a file, in order of path."""
        places = self._find_all_places()
        records = self._store.iterate(ITEMS, ITEM_FIELDS)
        items = [read_item(record, places[record[KEY]]) for record in records if record[KEY] in places]
        return sorted(items, key=lambda item: item.path)

    def find_item(self, item_id: str) -> ItemRecord | None:
        """An item by its id; None if it is not in the library, or has no file."""
        records = self._store.get(ITEMS, [item_id], ITEM_FIELDS)
        places = find_best_places(self._store.get(FILES, [item_id], PLACE_FIELDS, key_field="item"))
        return read_item(records[0], places[item_id]) if records and places else None

    def iterate_listed_items(self) -> Iterator[ListedItem]:
        """Every item that has a file, in order of path."""
        places = self._find_all_places()
        records = self._store.iterate(ITEMS, ["modality", "duration"])
        items = [read_listed_item(record, places[record[KEY]]) for record in records if record[KEY] in places]
        yield from sorted(items, key=lambda item: item.path)

    def _find_all_places(self) -> dict[str, Place]:
        return find_best_places(self._store.iterate(FILES, PLACE_FIELDS, 'item != ""'))

    def find_best_paths(self, item_ids: Sequence[str]) -> dict[str, str]:
        """The best path of items by id; those without a file are left out."""
        places = find_best_places(self._store.get(FILES, item_ids, PLACE_FIELDS, key_field="item"))
        return {item_id: place.path for item_id, place in places.items()}

    def list_paths(self, item_id: str) -> list[Path]:
        """Every path of an item."""
        return [read_path(record) for record in self._store.get(FILES, [item_id], ["path"], key_field="item")]

    def list_unreadable(self) -> list[tuple[str, str]]:
        """(path, reason) of files that could not be read."""
        records = self._store.iterate(FILES, ["path", "error"], 'error != ""')
        return sorted((str(read_path(record)), record["error"]) for record in records)

    def list_copies(self) -> dict[str, list[Path]]:
        """The paths of each item that has more than one."""
        paths: dict[str, list[Path]] = {}
        for record in self._store.iterate(FILES, ["path", "item"], 'item != ""'):
            paths.setdefault(record["item"], []).append(read_path(record))
        return {item_id: places for item_id, places in paths.items() if len(places) > 1}

    def list_missing_paths(self) -> set[Path]:
        """Paths that were missing at the last check."""
        return {read_path(record) for record in self._store.iterate(FILES, ["path"], "missing == 1")}

    def mark_missing(self, paths: Iterable[Path], *, is_missing: bool) -> None:
        """Record whether a file is at these paths."""
        records = self._store.get(FILES, [make_file_key(path) for path in paths], [*FILE_FIELDS, VECTOR])
        self._store.upsert(FILES, [{**record, "missing": int(is_missing)} for record in records])

    def add_ctimes(self, stamps: Mapping[Path, FileStamp]) -> None:
        """Nothing: every file has its ctime."""

    def count_files_and_items(self) -> tuple[int, int]:
        """Number of readable files, and of distinct items among them."""
        counts = Counter(record["item"] for record in self._store.iterate(FILES, ["item"], 'item != ""'))
        return counts.total(), len(counts)

    def count_items_by_modality(self) -> dict[str, int]:
        """Number of items by modality, in order of name."""
        counts = {name: self._store.count(ITEMS, f'modality == "{name}"') for name in sorted(MODALITIES)}
        return {name: count for name, count in counts.items() if count}

    def count_incomplete_items(self) -> int:
        """Number of items that could only be decoded in part."""
        return self._store.count(ITEMS, 'incomplete != ""')

    def count_segments(self) -> int:
        """Number of segments of all items."""
        return self._store.count(SEGMENTS)
