"""The items of a library as lists show them, column by column; a row is made when it is shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row
from retrieval.features import affect_to_json
from retrieval.report import compute_item_affect
from retrieval.storage import ID_DTYPE, MODALITIES, AnyLibrary, AnySnapshot, Snapshot

Positions = npt.NDArray[np.int64]
MAX_MAP_ITEMS = 50_000
"""More are drawn by a sample of them: a map of so many points looks the same, and its JSON has some 3 MB."""
MAP_SEED = 0
ROUNDING = 4  # decimals of points on the map


@dataclass(frozen=True, kw_only=True)
class ItemListing:
    """Items that have a file, in order of path; columns of n rows.

    modality_codes: positions in MODALITIES
    durations: in seconds, NaN without time
    changed: when their files were changed, in seconds since 1970
    affect: (n, 4) valence, arousal and their SDs, NaN where they are unknown
    """

    ids: npt.NDArray[np.bytes_]
    paths: Sequence[str]
    modality_codes: npt.NDArray[np.uint8]
    durations: npt.NDArray[np.float64]
    changed: npt.NDArray[np.float64]
    affect: Rows

    @classmethod
    def load(cls, library: AnyLibrary, snapshot: AnySnapshot) -> ItemListing:
        """Those of a library; their affect is that of a snapshot."""
        paths: list[str] = []
        codes = {modality: code for code, modality in enumerate(MODALITIES)}
        dtype = [("id", ID_DTYPE), ("code", "u1"), ("duration", "f8"), ("changed", "f8"), ("position", "i8")]

        def read_rows() -> Any:
            for item in library.catalog.iterate_listed_items():
                paths.append(item.path)
                duration = np.nan if item.duration is None else item.duration
                position = -1 if item.position is None else item.position
                yield item.id, codes[item.modality], duration, item.mtime_ns / 1e9, position

        rows = np.fromiter(read_rows(), np.dtype(dtype))
        return cls(
            ids=rows["id"],
            paths=paths,
            modality_codes=rows["code"],
            durations=rows["duration"],
            changed=rows["changed"],
            affect=_load_affect(snapshot, rows["position"]),
        )

    def sort(self, key: str) -> Positions:
        """(n,) all items by path, valence, arousal or date; unknown ones come last, ties are by path."""
        columns: dict[str, npt.NDArray[np.floating[Any]]] = {
            "valence": self.affect[:, 0], "arousal": self.affect[:, 1], "date": self.changed
        }  # fmt: skip
        if key not in columns:
            return np.arange(len(self.paths))
        return np.argsort(columns[key], kind="stable")

    def filter(self, items: Positions, modalities: Sequence[str], folder: Path | None) -> Positions:
        """Those of the items that are of these modalities, at or below a folder."""
        kept = np.isin(self.modality_codes, [MODALITIES.index(modality) for modality in modalities])
        if folder is not None:
            below = str(folder).rstrip("/") + "/"
            kept &= np.fromiter(
                (path.startswith(below) or path == str(folder) for path in self.paths),
                np.bool_,
                len(self.paths),
            )
        return items if kept.all() else items[kept[items]]

    def to_json(self, item: int) -> dict[str, Any]:
        """An item as the API lists it."""
        duration = float(self.durations[item])
        return {
            "id": self.ids[item].decode(),
            "path": self.paths[item],
            "modality": MODALITIES[self.modality_codes[item]],
            "duration": None if np.isnan(duration) else duration,
            "affect": affect_to_json(self.affect[item]),
            "date": format_date(float(self.changed[item])),
        }

    def make_map_columns(self) -> dict[str, Any]:
        """The items whose affect is known, or a sample of them, column by column, and how many there are."""
        known = np.flatnonzero(~is_missing_row(self.affect))
        shown = known
        if len(known) > MAX_MAP_ITEMS:
            generator = np.random.default_rng(MAP_SEED)
            shown = np.sort(generator.choice(known, MAX_MAP_ITEMS, replace=False))
        points = self.affect[shown].astype(np.float64).round(ROUNDING)
        names = ("valence", "arousal", "valence_sd", "arousal_sd")
        return {
            "total": len(known),
            "ids": [item_id.decode() for item_id in self.ids[shown]],
            "modalities": self.modality_codes[shown].tolist(),
            "modality_names": list(MODALITIES),
            **dict(zip(names, points.T.tolist(), strict=True)),
            "names": [os.path.basename(self.paths[item]) for item in shown.tolist()],  # noqa: PTH119 - of many paths
        }


def _load_affect(snapshot: AnySnapshot, positions: Positions) -> Rows:
    """(n, 4) affect of items at positions of a snapshot, NaN for those that came later.

    Unknown for a library in Milvus, whose estimates are not read all at once.
    """
    affect = np.full((len(positions), 4), np.nan, np.float32)
    if isinstance(snapshot, Snapshot):
        is_there = positions < len(snapshot.is_shown)
        affect[is_there] = compute_item_affect(snapshot)[positions[is_there]]
    return affect


def format_date(seconds: float | None) -> str | None:
    """A moment in ISO 8601, in universal time; None where it is unknown or no date."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return None
