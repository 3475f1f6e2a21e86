"""A library on the valence-arousal plane, as an image and as an HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from encoders import AffectError, Rows, is_missing_row, to_printable
from retrieval.features import compute_duration_weights
from retrieval.report.thumbnails import ItemMoment, load_thumbnails
from retrieval.report.va_page import PlottedItem, write_va_page
from retrieval.report.va_plot import write_va_plot
from retrieval.storage import Library, Snapshot
from spaces.affect_regression import average_estimates
from spaces.circumplex import is_uncertain

MAX_THUMBNAILS = 400  # thumbnails on a page; further items have none


def write_va_map(
    library: Library, snapshot: Snapshot, out_path: Path, *, show_ellipses: bool = False
) -> dict[str, Any]:
    """Write `out_path`.png and `out_path`.html: every item of a library at the mean affect of its segments.

    show_ellipses: draw ellipses of one SD in the image; the page can switch them on

    Returns the counts of drawn, uncertain ("little_known") and abstaining items, and the file names.
    Raises AffectError if no item has an affect, or if a file can't be written.
    """
    picture_path, page_path = _make_output_paths(out_path)
    affect = compute_item_affect(snapshot)
    item_indices = np.flatnonzero(~is_missing_row(affect))
    if not len(item_indices):
        raise AffectError(
            f"{to_printable(library.folder)}: nothing in it has a mood; index pictures, videos or sound"
        )
    items = make_plotted_items(library, snapshot, affect, item_indices.tolist(), MAX_THUMBNAILS)
    title = f"{len(items)} items of {to_printable(library.folder)}"
    names, modalities = [item.name for item in items], [item.modality for item in items]
    write_va_plot(picture_path, affect[item_indices], names, modalities, title, show_ellipses=show_ellipses)
    write_va_page(page_path, items, title)
    return {
        "items": len(items),
        "little_known": int(is_uncertain(affect[item_indices]).sum()),
        "abstained": snapshot.item_count - len(items),
        "files": [to_printable(path) for path in (picture_path, page_path)],
    }


def _make_output_paths(out_path: Path) -> tuple[Path, Path]:
    """Paths of the image and of the page; a .png or .html suffix of `out_path` is replaced."""
    if not out_path.name:
        raise AffectError(f"{to_printable(out_path)}: name a file to write, such as map")
    stem = out_path.stem if out_path.suffix.lower() in (".png", ".html") else out_path.name
    return out_path.with_name(f"{stem}.png"), out_path.with_name(f"{stem}.html")


def make_plotted_items(
    library: Library, snapshot: Snapshot, affect: Rows, indices: Sequence[int], max_thumbnails: int
) -> list[PlottedItem]:
    """Items by index, with their affect (items, 4), the first with thumbnails; without a file: left out."""
    paths = snapshot.load_paths(np.array(indices))
    moments = [
        ItemMoment(path=Path(paths[i]), item_id=snapshot.get_item_id(i))
        for i in indices[:max_thumbnails]
        if i in paths
    ]
    thumbnails = load_thumbnails(library, moments)
    return [
        PlottedItem(
            path=to_printable(paths[i]),
            name=to_printable(Path(paths[i]).name),
            modality=snapshot.get_modality(i),
            valence=float(affect[i, 0]), arousal=float(affect[i, 1]),
            valence_sd=float(affect[i, 2]), arousal_sd=float(affect[i, 3]),
            thumbnail=thumbnails.get((Path(paths[i]), 0.0)),
        )
        for i in indices
        if i in paths
    ]  # fmt: skip


def compute_item_affect(snapshot: Snapshot) -> Rows:
    """(items, 4) affect of each item: the duration-weighted mean of its segments.

    NaN where all abstain, and for removed items.
    """
    item_count = len(snapshot.is_shown)
    if not item_count:
        return np.empty((0, 4), np.float32)
    bounds = np.searchsorted(snapshot.item_by_segment, np.arange(item_count + 1))
    counts, weights = np.diff(bounds), compute_duration_weights(snapshot.spans)
    affect = np.full((item_count, 4), np.nan, np.float32)
    affect[counts == 1] = snapshot.affect[bounds[:-1][counts == 1]]  # the mean of one
    affect[is_missing_row(affect)] = np.nan
    for item in np.flatnonzero(counts > 1):
        segments = slice(bounds[item], bounds[item + 1])
        affect[item] = average_estimates(snapshot.affect[segments], weights[segments])
    return np.where(snapshot.is_shown[:, None], affect, np.float32(np.nan))
