"""A library on the mood plane: a picture, and a page to look around in that needs nothing beside itself."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from jinja2 import Environment
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from encoders.base import AffectError, printable
from encoders.onnx_runtime import write_whole
from retrieval.report.plot_labels import INK, place_labels, rim_words, shorten
from spaces.circumplex import WORDS, find_sure_word, knows_little

COLOURS = {"image": "#0072B2", "video": "#D55E00", "audio": "#009E73", "text": "#CC79A7"}
"""Okabe and Ito (2008): told apart by colour-blind people."""
PLURALS = {"image": "photos", "video": "videos", "audio": "sounds", "text": "texts"}
OTHER = "#7f7f7f"
SOFT, FAINT = "#667085", "#d0d5dd"
DPI = 150


@dataclass(frozen=True, kw_only=True)
class Placed:
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
    thumb: str | None = None

    @property
    def point(self) -> tuple[float, float, float, float]:
        """valence, arousal and their SDs."""
        return self.valence, self.arousal, self.valence_sd, self.arousal_sd


def draw(
    file: Path, points: npt.ArrayLike, labels: Sequence[str], kinds: Sequence[str], title: str, *,
    ellipses: bool = False,
) -> None:  # fmt: skip
    """Write a PNG of items on the plane, coloured by kind; hollow where there is little to go by.

    points: (n, 4) valence, arousal and their SDs; missing ones are counted in the legend, not drawn. Those no
            surer than the prior are hollow rings below the others, without a name: they lie where the prior
            does because nothing is known of them
    ellipses: of one SD around each item that is not hollow
    labels, kinds: (n,) names, and modalities such as "image". Names are written where there is room, those
                   farthest from the middle first. Words of the plane stand at the rim, in their direction.

    Raises AffectError if the file can't be written, ValueError for lengths that do not fit.
    """
    rows = np.asarray(points, np.float64).reshape(-1, 4)
    if not len(rows) == len(labels) == len(kinds):
        raise ValueError(f"{len(rows)} points, {len(labels)} labels and {len(kinds)} kinds do not fit")
    figure = Figure(figsize=(9.6, 9.6))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.08, 0.8, 0.8))
    _plane(axes)
    known: npt.NDArray[np.bool_] = np.asarray(~np.isnan(rows).any(axis=1))
    little: npt.NDArray[np.bool_] = known & knows_little(rows)
    for some, hollow in ((little, True), (known & ~little, False)):
        if ellipses and not hollow:
            _ellipses(axes, rows[some], _chosen(kinds, some))
        _dots(axes, rows[some], _chosen(kinds, some), hollow=hollow, count=len(rows))
    _legend(axes, kinds, known, little)
    figure.text(0.1, 0.965, shorten(title, 90), fontsize=13, color=INK, weight="bold", va="top")
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # names in other scripts than the font's show as boxes
        place_labels(figure, axes, rows[known & ~little], _chosen(labels, known & ~little), rows[known])
        figure.savefig(stream, format="png", dpi=DPI)
    _write(file, stream.getvalue())


def write_map(file: Path, items: Iterable[Placed], title: str = "affect map") -> None:
    """Write a page with the items on the plane: hover, click, filter, zoom; no network, one file.

    Raises AffectError if the file can't be written.
    """
    every = list(items)
    here = [one for one in every if not any(map(math.isnan, one.point))]
    kinds = _in_order({one.modality for one in here})
    template = (files("retrieval") / "plane.html").read_text(encoding="utf-8")
    page = Environment(autoescape=True).from_string(template)
    html = page.render(
        title=title,
        subtitle=_told(here, len(every) - len(here), kinds),
        little=sum(map(_little, here)),
        kinds=[{"name": kind, "many": PLURALS.get(kind, kind), "colour": _colour(kind)} for kind in kinds],
        items=list(map(_item, here)),
        words=[{"word": word, "at": place} for word, place in WORDS.items()],
    )  # fmt: skip
    _write(file, html.encode())


def _item(one: Placed) -> dict[str, Any]:
    """As the page has it: "little" where there is little to go by, "word" where it is sure of one."""
    item = {
        "path": one.path, "name": printable(one.name), "kind": one.modality, "thumb": one.thumb,
        "at": [round(number, 4) for number in one.point],
    }  # fmt: skip
    if _little(one):
        return {**item, "little": True}
    word = find_sure_word(one.point)
    return {**item, "word": word} if word else item


def _little(one: Placed) -> bool:
    return bool(knows_little(one.point))


def _plane(axes: Axes) -> None:
    axes.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[], yticks=[], aspect="equal")
    for spine in axes.spines.values():
        spine.set_color(FAINT)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
    for tick in (-0.5, 0.5):
        axes.text(tick, -0.012, f"{tick:g}", color=SOFT, fontsize=7, ha="center", va="top", zorder=0)
        axes.text(-0.012, tick, f"{tick:g}", color=SOFT, fontsize=7, ha="right", va="center", zorder=0)
    axes.text(0.99, 0.012, "valence", color=SOFT, fontsize=8, ha="right", style="italic")
    axes.text(0.012, 0.99, "arousal", color=SOFT, fontsize=8, va="top", style="italic")
    for word, x, y in rim_words():
        above = abs(y) == 1
        axes.text(
            x if above else 1.015 * x, 1.015 * y if above else y, word, color=SOFT, fontsize=9,
            ha="center" if above else ("left" if x > 0 else "right"),
            va=("bottom" if y > 0 else "top") if above else "center", clip_on=False,
        )  # fmt: skip


def _chosen(values: Sequence[str], which: npt.NDArray[np.bool_]) -> list[str]:
    return [value for value, here in zip(values, which, strict=True) if here]


def _ellipses(axes: Axes, rows: npt.NDArray[np.float64], kinds: Sequence[str]) -> None:
    colours = [_colour(kind) for kind in kinds]
    fade = min(1.0, 5 / max(len(rows), 1))  # many would hide all dots
    sizes = 2 * rows[:, 2], 2 * rows[:, 3], np.zeros(len(rows))
    for style in (
        {"facecolors": colours, "edgecolors": "none", "alpha": 0.22 * fade, "zorder": 1},
        {
            "facecolors": "none",
            "edgecolors": colours,
            "linewidths": 0.6,
            "alpha": 0.6 * fade**0.5,
            "zorder": 2,
        },
    ):
        axes.add_collection(
            EllipseCollection(*sizes, units="xy", offsets=rows[:, :2], transOffset=axes.transData, **style)
        )


def _dots(
    axes: Axes, rows: npt.NDArray[np.float64], kinds: Sequence[str], *, hollow: bool, count: int
) -> None:  # fmt: skip
    """Dots, or rings where they are `hollow`; smaller the more items (`count`) are on the map."""
    colours = [_colour(kind) for kind in kinds]
    size = max(26 * min(1.0, (300 / max(count, 1)) ** 0.5), 4)
    style: dict[str, Any] = (
        {"facecolors": "none", "edgecolors": colours, "linewidths": 0.8, "alpha": 0.6, "zorder": 2.5}
        if hollow
        else {"c": colours, "edgecolors": "white", "linewidths": 0.6 * (size / 26) ** 0.5, "zorder": 3}
    )
    axes.scatter(rows[:, 0], rows[:, 1], s=size, clip_on=False, **style)


def _legend(
    axes: Axes, kinds: Sequence[str], known: npt.NDArray[np.bool_], little: npt.NDArray[np.bool_]
) -> None:  # fmt: skip
    drawn = _chosen(kinds, known)
    handles = [
        Line2D([], [], marker="o", linestyle="", color=_colour(kind), markeredgecolor="white", label=text)
        for kind in _in_order(set(drawn))
        for text in [_many(drawn.count(kind), kind)]
    ]
    if hollow := int(little.sum()):
        told = f"{hollow} with little to go by"
        handles.append(Line2D([], [], marker="o", linestyle="", color=SOFT, fillstyle="none", label=told))
    if lacking := int((~known).sum()):
        handles.append(Line2D([], [], linestyle="", label=f"{lacking} without a mood"))
    if handles:
        axes.legend(
            handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.035), ncols=len(handles),
            frameon=False, labelcolor=INK, handletextpad=0.1,
        )  # fmt: skip


def _in_order(kinds: Collection[str]) -> list[str]:
    """Those that have a colour first, in its order."""
    return [kind for kind in COLOURS if kind in kinds] + sorted(set(kinds) - set(COLOURS))


def _many(count: int, kind: str) -> str:
    """ "1 photo", "3 photos" """
    name = PLURALS.get(kind, kind)
    return f"{count} {name.removesuffix('s') if count == 1 else name}"


def _colour(kind: str) -> str:
    return COLOURS.get(kind, OTHER)


def _told(here: Sequence[Placed], lacking: int, kinds: Sequence[str]) -> str:
    """ "12 photos, 3 sounds; 2 without a mood" """
    counts = [_many(sum(one.modality == kind for one in here), kind) for kind in kinds]
    return (", ".join(counts) or "nothing") + (f"; {lacking} without a mood" if lacking else "")


def _write(file: Path, content: bytes) -> None:
    try:
        write_whole(file, content)
    except OSError as bad:
        raise AffectError(f"{printable(file)}: {(bad.strerror or str(bad)).lower()}") from bad
