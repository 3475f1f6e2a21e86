"""A library on the valence-arousal plane as a PNG image."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from retrieval.report.modality_style import format_count, get_colour, sort_modalities
from retrieval.report.output_file import write_output
from retrieval.report.plot_labels import TEXT_COLOUR, draw_labels, place_rim_words, shorten_label
from spaces.circumplex import is_uncertain

MUTED_COLOUR, LINE_COLOUR = "#667085", "#d0d5dd"
DPI = 150


def write_va_plot(
    path: Path, estimates: npt.ArrayLike, labels: Sequence[str], modalities: Sequence[str], title: str, *,
    show_ellipses: bool = False,
) -> None:  # fmt: skip
    """Write a PNG of items on the plane, coloured by modality; uncertain items are hollow.

    estimates: (n, 4) valence, arousal and their SDs; missing ones are counted in the legend, not drawn;
        those no more certain than the prior lie at its mean and are unlabelled hollow rings below the others
    show_ellipses: draw an ellipse of one SD around each item that is not hollow
    labels, modalities: (n,) names, and modalities such as "image"; for the placement see `draw_labels`

    Raises AffectError if the file can't be written, ValueError for lengths that do not fit.
    """
    rows = np.asarray(estimates, np.float64).reshape(-1, 4)
    if not len(rows) == len(labels) == len(modalities):
        raise ValueError(f"{len(rows)} points, {len(labels)} labels and {len(modalities)} kinds do not fit")
    figure = Figure(figsize=(9.6, 9.6))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.08, 0.8, 0.8))
    _draw_axes(axes)
    has_affect: npt.NDArray[np.bool_] = np.asarray(~np.isnan(rows).any(axis=1))
    is_uninformative: npt.NDArray[np.bool_] = has_affect & is_uncertain(rows)
    for mask, is_hollow in ((is_uninformative, True), (has_affect & ~is_uninformative, False)):
        if show_ellipses and not is_hollow:
            _draw_ellipses(axes, rows[mask], _select(modalities, mask))
        _draw_points(axes, rows[mask], _select(modalities, mask), is_hollow=is_hollow, item_count=len(rows))
    _draw_legend(axes, modalities, has_affect, is_uninformative)
    figure.text(0.1, 0.965, shorten_label(title, 90), fontsize=13, color=TEXT_COLOUR, weight="bold", va="top")
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # characters missing from the font are drawn as boxes
        draw_labels(
            figure,
            axes,
            rows[has_affect & ~is_uninformative],
            _select(labels, has_affect & ~is_uninformative),
            rows[has_affect],
        )
        figure.savefig(stream, format="png", dpi=DPI)
    write_output(path, stream.getvalue())


def _draw_axes(axes: Axes) -> None:
    axes.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[], yticks=[], aspect="equal")
    for spine in axes.spines.values():
        spine.set_color(LINE_COLOUR)
    axes.axhline(0, color=LINE_COLOUR, linewidth=0.8, zorder=0)
    axes.axvline(0, color=LINE_COLOUR, linewidth=0.8, zorder=0)
    for tick in (-0.5, 0.5):
        axes.text(tick, -0.012, f"{tick:g}", color=MUTED_COLOUR, fontsize=7, ha="center", va="top", zorder=0)
        axes.text(
            -0.012, tick, f"{tick:g}", color=MUTED_COLOUR, fontsize=7, ha="right", va="center", zorder=0
        )
    axes.text(0.99, 0.012, "valence", color=MUTED_COLOUR, fontsize=8, ha="right", style="italic")
    axes.text(0.012, 0.99, "arousal", color=MUTED_COLOUR, fontsize=8, va="top", style="italic")
    for word, x, y in place_rim_words():
        is_horizontal = abs(y) == 1
        axes.text(
            x if is_horizontal else 1.015 * x, 1.015 * y if is_horizontal else y, word,
            color=MUTED_COLOUR, fontsize=9,
            ha="center" if is_horizontal else ("left" if x > 0 else "right"),
            va=("bottom" if y > 0 else "top") if is_horizontal else "center", clip_on=False,
        )  # fmt: skip


def _select(values: Sequence[str], mask: npt.NDArray[np.bool_]) -> list[str]:
    return [value for value, is_selected in zip(values, mask, strict=True) if is_selected]


def _draw_ellipses(axes: Axes, estimates: npt.NDArray[np.float64], modalities: Sequence[str]) -> None:
    colours = [get_colour(modality) for modality in modalities]
    fade = min(1.0, 5 / max(len(estimates), 1))  # many opaque ellipses would hide the dots
    sizes = 2 * estimates[:, 2], 2 * estimates[:, 3], np.zeros(len(estimates))
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
            EllipseCollection(
                *sizes, units="xy", offsets=estimates[:, :2], transOffset=axes.transData, **style
            )
        )


def _draw_points(
    axes: Axes,
    estimates: npt.NDArray[np.float64],
    modalities: Sequence[str],
    *,
    is_hollow: bool,
    item_count: int,
) -> None:
    """Draw dots, or rings if `is_hollow`; their size falls with the number of items on the map."""
    colours = [get_colour(modality) for modality in modalities]
    size = max(26 * min(1.0, (300 / max(item_count, 1)) ** 0.5), 4)
    style: dict[str, Any] = (
        {"facecolors": "none", "edgecolors": colours, "linewidths": 0.8, "alpha": 0.6, "zorder": 2.5}
        if is_hollow
        else {"c": colours, "edgecolors": "white", "linewidths": 0.6 * (size / 26) ** 0.5, "zorder": 3}
    )
    axes.scatter(estimates[:, 0], estimates[:, 1], s=size, clip_on=False, **style)


def _draw_legend(
    axes: Axes,
    modalities: Sequence[str],
    has_affect: npt.NDArray[np.bool_],
    is_uninformative: npt.NDArray[np.bool_],
) -> None:
    drawn = _select(modalities, has_affect)
    handles = [
        Line2D(
            [], [], marker="o", linestyle="", color=get_colour(modality), markeredgecolor="white", label=text
        )
        for modality in sort_modalities(set(drawn))
        for text in [format_count(drawn.count(modality), modality)]
    ]
    if hollow_count := int(is_uninformative.sum()):
        hollow_label = f"{hollow_count} with little to go by"
        handles.append(
            Line2D([], [], marker="o", linestyle="", color=MUTED_COLOUR, fillstyle="none", label=hollow_label)
        )
    if missing_count := int((~has_affect).sum()):
        handles.append(Line2D([], [], linestyle="", label=f"{missing_count} without a mood"))
    if handles:
        axes.legend(
            handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.035), ncols=len(handles),
            frameon=False, labelcolor=TEXT_COLOUR, handletextpad=0.1,
        )  # fmt: skip
