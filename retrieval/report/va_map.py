"""A library drawn on the mood plane, as a picture and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from encoders.base import AffectError, Rows, missing, printable
from retrieval.features.affect import lengths
from retrieval.report.thumbnails import Moment, thumbnails
from retrieval.report.va_plot import Placed, draw, write_map
from retrieval.storage.library import Library
from retrieval.storage.snapshot import Snapshot
from spaces.affect_regression import average
from spaces.circumplex import knows_little

MOST = 400  # thumbnails on a page; items beyond have none


def draw_map(library: Library, snapshot: Snapshot, out: Path, *, ellipses: bool = False) -> dict[str, Any]:
    """Write `out`.png and `out`.html: every item of a library at the mean of its segments.

    ellipses: of one SD in the picture; the page shows them when asked

    Returns how many items were drawn, are little known and abstained, and the files.
    Raises AffectError where nothing can be drawn or written.
    """
    rows = item_rows(snapshot)
    here = np.flatnonzero(~missing(rows))
    if not len(here):
        raise AffectError(
            f"{printable(library.folder)}: nothing in it has a mood; index pictures, videos or sound"
        )
    moments: list[Moment] = [(Path(snapshot.paths[at]), 0.0) for at in here[:MOST]]
    pictures = thumbnails(moments, library.segment)
    items = [
        Placed(
            path=printable(snapshot.paths[at]),
            name=printable(Path(snapshot.paths[at]).name),
            modality=str(snapshot.modality[at]),
            valence=float(rows[at, 0]), arousal=float(rows[at, 1]),
            valence_sd=float(rows[at, 2]), arousal_sd=float(rows[at, 3]),
            thumb=pictures.get((Path(snapshot.paths[at]), 0.0)),
        )
        for at in here
    ]  # fmt: skip
    if not out.name:
        raise AffectError(f"{printable(out)}: name a file to write, such as map")
    stem = out.stem if out.suffix.lower() in (".png", ".html") else out.name
    files = out.with_name(f"{stem}.png"), out.with_name(f"{stem}.html")
    title = f"{len(items)} items of {printable(library.folder)}"
    names, kinds = [one.name for one in items], [one.modality for one in items]
    draw(files[0], rows[here], names, kinds, title, ellipses=ellipses)
    write_map(files[1], items, title)
    return {
        "items": len(items),
        "little_known": int(knows_little(rows[here]).sum()),
        "abstained": len(snapshot.ids) - len(items),
        "files": [printable(file) for file in files],
    }


def item_rows(snapshot: Snapshot) -> Rows:
    """(items, 4) the affect of each item: the mean of its segments, NaN where all abstain."""
    ends = np.searchsorted(snapshot.item_of, np.arange(1, len(snapshot.ids)))
    if not len(snapshot.ids):
        return np.empty((0, 4), np.float32)
    parts = zip(np.split(snapshot.affect, ends), np.split(lengths(snapshot.spans), ends), strict=True)
    return np.array([average(rows, weights) for rows, weights in parts], np.float32)
