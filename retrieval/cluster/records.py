"""Files, items and segments as records of Milvus, and back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

import numpy as np

from encoders import Rows, is_missing_row, to_printable
from encoders.media import Probe
from retrieval.cluster.schema import (
    FAR_AWAY,
    KEY,
    MAX_TEXT_LENGTH,
    NO_VECTOR,
    UNKNOWN,
    VECTOR,
)
from retrieval.cluster.store import Record
from retrieval.storage import FileRecord, FileStamp, ItemRecord, ListedItem
from spaces.circumplex import combine_with_prior

ITEM_FIELDS = ("modality", "duration", "width", "height", "segments", "incomplete")
PLACE_FIELDS = ("path", "item", "missing", "mtime_ns")  # of a file
FILE_FIELDS = ("path", "size", "mtime_ns", "ctime_ns", "item", "error", "missing")
AFFECT_FIELDS = ("valence", "arousal", "valence_sd", "arousal_sd")
SEGMENT_FIELDS = ("start", "stop", *AFFECT_FIELDS)
NO_TIME = -1  # in a field of nanoseconds


def make_file_key(path: Path) -> str:
    """The primary key of a path."""
    return blake2b(os.fsencode(path), digest_size=16).hexdigest()


def encode_path(path: Path) -> str:
    """A path as text: bytes that are not printable ASCII, and % and _ and quotes, are percent-encoded."""
    return quote_from_bytes(os.fsencode(path), safe="/ ,:;=+@()[]{}!&~$#").replace("_", "%5F")


def is_below(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or below it."""
    return folder in (path, *path.parents)


def make_file_record(
    path: Path, stamp: FileStamp, *, item_id: str | None, error: str | None, is_missing: bool = False
) -> Record:
    """The record of a file."""
    return {
        KEY: make_file_key(path),
        VECTOR: NO_VECTOR,
        "path": encode_path(path),
        "size": stamp.size,
        "mtime_ns": stamp.mtime_ns,
        "ctime_ns": NO_TIME if stamp.ctime_ns is None else stamp.ctime_ns,
        "item": item_id or "",
        "error": _shorten(error),
        "missing": int(is_missing),
    }


def read_path(record: Record) -> Path:
    """The path of a file's record."""
    return Path(os.fsdecode(unquote_to_bytes(record["path"])))


def read_file(record: Record) -> FileRecord:
    """The stamp, and the item or error, of a file's record."""
    ctime_ns = int(record["ctime_ns"])
    return FileRecord(
        stamp=FileStamp(
            size=int(record["size"]),
            mtime_ns=int(record["mtime_ns"]),
            ctime_ns=None if ctime_ns == NO_TIME else ctime_ns,
        ),
        item_id=record["item"] or None,
        error=record["error"] or None,
    )


class Place(NamedTuple):
    """Where an item's file is, by the last index run; that of the smaller is better."""

    is_missing: bool
    path: str
    mtime_ns: int


def find_best_places(files: Iterable[Record]) -> dict[str, Place]:
    """By item, of records of its files the first path that is not missing, else the first."""
    places: dict[str, Place] = {}
    for record in files:
        place = Place(bool(record["missing"]), str(read_path(record)), int(record["mtime_ns"]))
        places[record["item"]] = min(places.get(record["item"], place), place)
    return places


def make_item_record(item_id: str, probe: Probe, segment_count: int) -> Record:
    """The record of an item."""
    return {
        KEY: item_id,
        VECTOR: NO_VECTOR,
        "modality": probe.modality,
        "duration": UNKNOWN if probe.duration is None else float(probe.duration),
        "width": int(UNKNOWN) if probe.width is None else probe.width,
        "height": int(UNKNOWN) if probe.height is None else probe.height,
        "format": probe.format[:MAX_TEXT_LENGTH],
        "segments": segment_count,
        "incomplete": _shorten(probe.incomplete_reason),
        "added": time.time(),
    }


def read_item(record: Record, place: Place) -> ItemRecord:
    """An item from its record, with its best place."""
    width, height = record["width"], record["height"]
    return ItemRecord(
        id=record[KEY],
        modality=record["modality"],
        duration=_read_duration(record),
        width=None if width == UNKNOWN else int(width),
        height=None if height == UNKNOWN else int(height),
        segments=int(record["segments"]),
        incomplete=record["incomplete"] or None,
        missing=place.is_missing,
        path=place.path,
    )


def read_listed_item(record: Record, place: Place) -> ListedItem:
    """What lists show of an item from its record, with its best place."""
    return ListedItem(
        record[KEY], record["modality"], _read_duration(record), place.path, place.mtime_ns, position=None
    )


def _read_duration(record: Record) -> float | None:
    return None if record["duration"] == UNKNOWN else float(record["duration"])


def make_segment_records(
    keys: Sequence[str], spans: Sequence[tuple[float | None, float | None]], affect: Rows
) -> list[Record]:
    """Records of segments (n,) with times in seconds and affect (n, 4), NaN where it is unknown.

    Their vectors are the posterior means, by which a mood finds them, see `spaces.circumplex.affinity`.
    """
    is_known = ~is_missing_row(affect)
    means = np.tile(np.array(FAR_AWAY, np.float32), (len(affect), 1))
    means[is_known] = combine_with_prior(affect[is_known])[:, :2]
    stored = np.where(is_known[:, None], affect, UNKNOWN)
    return [
        {
            KEY: key,
            VECTOR: mean,
            "start": UNKNOWN if start is None else float(start),
            "stop": UNKNOWN if stop is None else float(stop),
            **dict(zip(AFFECT_FIELDS, map(float, row), strict=True)),
        }
        for key, (start, stop), mean, row in zip(keys, spans, means, stored, strict=True)
    ]


def read_segment(record: Record) -> list[float]:
    """(6,) start and end in seconds, valence, arousal and their SDs; NaN where one is unknown."""
    is_known = record["valence_sd"] != UNKNOWN
    affect = [record[name] if is_known else np.nan for name in AFFECT_FIELDS]
    return [np.nan if time < 0 else time for time in (record["start"], record["stop"])] + affect


def _shorten(reason: str | None) -> str:
    """A reason of at most MAX_TEXT_LENGTH bytes; empty for None."""
    return to_printable(reason or "").encode()[:MAX_TEXT_LENGTH].decode(errors="ignore")
