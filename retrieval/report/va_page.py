"""A library on the valence-arousal plane as a page to explore: one file that needs nothing beside itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment

from encoders import to_printable
from retrieval.report.modality_style import MODALITY_PLURALS, format_count, get_colour, sort_modalities
from retrieval.report.output_file import write_output
from spaces.circumplex import LANDMARKS, find_confident_landmark, is_uncertain


@dataclass(frozen=True, kw_only=True)
class PlottedItem:
    """One item on the map: its mood and the SDs of both dimensions, NaN where it abstains.

    path is what a click copies; thumb a picture as a data URI.
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
        """valence, arousal and their SDs."""
        return self.valence, self.arousal, self.valence_sd, self.arousal_sd


def write_va_page(path: Path, items: Iterable[PlottedItem], title: str = "affect map") -> None:
    """Write a page with the items on the plane: hover, click, filter, zoom; no network, one file.

    Raises AffectError if the file can't be written.
    """
    every = list(items)
    here = [one for one in every if not any(map(math.isnan, one.estimate))]
    kinds = sort_modalities({one.modality for one in here})
    template = (files("retrieval") / "plane.html").read_text(encoding="utf-8")
    page = Environment(autoescape=True).from_string(template)
    html = page.render(
        title=title,
        subtitle=_format_subtitle(here, len(every) - len(here), kinds),
        uninformative_count=sum(map(_is_uninformative, here)),
        modalities=[
            {"name": kind, "plural": MODALITY_PLURALS.get(kind, kind), "colour": get_colour(kind)}
            for kind in kinds
        ],
        items=list(map(_item_to_json, here)),
        words=[{"word": word, "at": place} for word, place in LANDMARKS.items()],
    )
    write_output(path, html.encode())


def _item_to_json(plotted_item: PlottedItem) -> dict[str, Any]:
    """As the page has it: "little" where there is little to go by, "word" where it is sure of one."""
    item = {
        "path": plotted_item.path,
        "name": to_printable(plotted_item.name),
        "kind": plotted_item.modality,
        "thumb": plotted_item.thumbnail,
        "at": [round(number, 4) for number in plotted_item.estimate],
    }
    if _is_uninformative(plotted_item):
        return {**item, "little": True}
    word = find_confident_landmark(plotted_item.estimate)
    return {**item, "word": word} if word else item


def _is_uninformative(item: PlottedItem) -> bool:
    return bool(is_uncertain(item.estimate))


def _format_subtitle(items: Sequence[PlottedItem], missing_count: int, modalities: Sequence[str]) -> str:
    """ "12 photos, 3 sounds; 2 without a mood" """
    counts = [format_count(sum(one.modality == kind for one in items), kind) for kind in modalities]
    return (", ".join(counts) or "nothing") + (f"; {missing_count} without a mood" if missing_count else "")
