"""A library on the valence-arousal plane as an interactive, self-contained HTML page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoders import to_printable
from retrieval.report.modality_style import MODALITY_PLURALS, format_count, get_colour, sort_modalities
from retrieval.report.output_file import write_output
from retrieval.report.templates import render_template
from spaces.circumplex import LANDMARKS, find_confident_landmark, is_uncertain


@dataclass(frozen=True, kw_only=True)
class PlottedItem:
    """One item on the map: valence, arousal and their SDs, NaN where it abstains.

    path: copied to the clipboard by a click
    thumbnail: an image as a data URI
    """

    path: str
    name: str
    modality: str
    valence: float
    arousal: float
    valence_sd: float
    arousal_sd: float
    thumbnail: str | None = None

    @property
    def estimate(self) -> tuple[float, float, float, float]:
        """Valence, arousal and their SDs."""
        return self.valence, self.arousal, self.valence_sd, self.arousal_sd

    @property
    def has_affect(self) -> bool:
        """Whether it has a place on the plane."""
        return not any(map(math.isnan, self.estimate))


def write_va_page(
    path: Path, items: Iterable[PlottedItem], title: str = "affect map", *, has_gallery: bool = False
) -> None:
    """Write a page of the items on the plane with hovering, clicking, filtering and zooming, in one file.

    has_gallery: show all items below the plane too, also those that abstain

    Raises AffectError if the file can't be written.
    """
    all_items = list(items)
    located_items = [item for item in all_items if item.has_affect]
    unplaced_items = [item for item in all_items if not item.has_affect]
    present_modalities = sort_modalities(
        {item.modality for item in all_items if has_gallery or item.has_affect}
    )
    html = render_template(
        "plane.html",
        title=title,
        subtitle=_format_subtitle(located_items, len(unplaced_items), present_modalities),
        uninformative_count=sum(map(_is_uninformative, located_items)),
        modalities=[
            {
                "name": modality,
                "plural": MODALITY_PLURALS.get(modality, modality),
                "colour": get_colour(modality),
            }
            for modality in present_modalities
        ],
        items=list(map(_item_to_json, located_items)),
        has_gallery=has_gallery,
        unplaced_items=list(map(_describe_item, unplaced_items)),
        words=[{"word": word, "at": point} for word, point in LANDMARKS.items()],
    )
    write_output(path, html.encode())


def _item_to_json(plotted_item: PlottedItem) -> dict[str, Any]:
    """An item in the page's JSON: "little" marks an uninformative one, "word" its certain landmark."""
    item = {**_describe_item(plotted_item), "at": [round(number, 4) for number in plotted_item.estimate]}
    if _is_uninformative(plotted_item):
        return {**item, "little": True}
    word = find_confident_landmark(plotted_item.estimate)
    return {**item, "word": word} if word else item


def _describe_item(item: PlottedItem) -> dict[str, Any]:
    """An item in the page's JSON without its place."""
    return {
        "path": item.path,
        "name": to_printable(item.name),
        "kind": item.modality,
        "thumb": item.thumbnail,
    }


def _is_uninformative(item: PlottedItem) -> bool:
    return bool(is_uncertain(item.estimate))


def _format_subtitle(items: Sequence[PlottedItem], missing_count: int, modalities: Sequence[str]) -> str:
    """Item counts, such as "12 photos, 3 sounds; 2 without a mood"."""
    counts = [
        format_count(sum(item.modality == modality for item in items), modality) for modality in modalities
    ]
    return (", ".join(counts) or "nothing") + (f"; {missing_count} without a mood" if missing_count else "")
