"""Plots of a study: disparities, learning curves, point clouds before and after, null distributions."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from encoders import write_atomically
from experiments.alignment.cloud_plots import plot_point_clouds
from experiments.alignment.pairs import Floats
from experiments.alignment.plot_style import (
    GREY,
    KIND_COLOURS,
    PALE,
    RED,
    make_panels,
    set_figure_title,
    style_axes,
)
from experiments.alignment.set_result import MapResult, SetResult
from experiments.statistics.markdown import format_value

LINE_STYLES = ("-", "--", ":", "-.")
MARKERS = ("o", "x", "s")
DPI = 130
LEGEND_ROW_HEIGHT = 0.17  # inches
MAX_DISPARITY_SHOWN = 1.6  # greater disparities are drawn as arrows on the edge of the axes


def save_plots(folder: Path, results: Mapping[str, SetResult]) -> list[Path]:
    """Write maps.png, curves.png, and for every set its point clouds and its null distributions."""
    figures = {"maps.png": plot_disparities(results)}
    if any(len(_list_curve_sizes(result)) > 1 for result in results.values()):
        figures["curves.png"] = plot_learning_curves(results)
    for slug, (name, result) in zip(make_slugs(list(results)), results.items(), strict=True):
        figures[f"{slug}-clouds.png"] = plot_point_clouds(name, result)
        figures[f"{slug}-nulls.png"] = plot_null_distributions(name, result)
    for name, figure in figures.items():
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI)
        write_atomically(folder / name, stream.getvalue())
    return [folder / name for name in figures]


def make_slugs(names: Sequence[str]) -> list[str]:
    """File names of sets: letters and digits, with a number where two sets would get the same."""
    slugs: dict[str, None] = {}
    for name in names:
        slug = "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")
        taken = {other.casefold() for other in slugs}  # some file systems don't tell A from a
        candidates = (slug, *(f"{slug}-{number}" for number in range(2, len(names) + 2)))
        slugs[next(candidate for candidate in candidates if candidate.casefold() not in taken)] = None
    return list(slugs)


def plot_disparities(results: Mapping[str, SetResult]) -> Figure:
    """The held-out disparity of every map on every set with its interval."""
    figure, panels = make_panels(len(results), 3, 3.2, 2.9)
    for axes, (name, result) in zip(panels, results.items(), strict=False):
        for row, map_result in enumerate(result.maps):
            _plot_disparity(axes, row, map_result)
        axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
        names = [map_result.name for map_result in result.maps]
        axes.set_yticks(range(len(names)), names, fontsize=7)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, MAX_DISPARITY_SHOWN)
        style_axes(axes, name)
    set_figure_title(
        figure,
        "Held-out disparity with 95 % intervals: 0 perfect, 1 no better than the mean\n"
        "| on shuffled pairs; grey uses no pairs, blue is linear, red is curved; "
        f"▶ more than {MAX_DISPARITY_SHOWN:g}, with its value",
    )
    return figure


def _plot_disparity(axes: Axes, row: int, map_result: MapResult) -> None:
    colour, disparity = KIND_COLOURS[map_result.kind], map_result.disparity
    value = disparity.value
    if value > MAX_DISPARITY_SHOWN:
        axes.plot(MAX_DISPARITY_SHOWN, row, ">", color=colour, markersize=5, clip_on=False)
        axes.annotate(
            format_value(value, ".1f"), (MAX_DISPARITY_SHOWN, row), xytext=(-5, 0), ha="right", va="center",
            textcoords="offset points", fontsize=6, color=colour,
        )  # fmt: skip
    else:
        axes.plot(value, row, "o", color=colour, markersize=4, clip_on=False)
        if disparity.low is not None and disparity.high is not None:
            high = min(disparity.high, MAX_DISPARITY_SHOWN)
            axes.plot([disparity.low, high], [row, row], color=colour, linewidth=1.2)
            if disparity.high > MAX_DISPARITY_SHOWN:  # the interval goes on
                axes.plot(high, row, ">", color=colour, markersize=3, clip_on=False)
    if map_result.null_disparity[0] <= MAX_DISPARITY_SHOWN:
        axes.plot(map_result.null_disparity[0], row, "|", color=GREY, markersize=9)


def plot_learning_curves(results: Mapping[str, SetResult]) -> Figure:
    """Disparity by the number of anchors."""
    map_count = max(len(result.maps) for result in results.values())
    legend_columns = max(3, min(len(results), 3) * 2)
    legend_height = LEGEND_ROW_HEIGHT * math.ceil(map_count / legend_columns)
    figure, panels = make_panels(len(results), 3, 3.4, 2.6, extra_height=0.7 + legend_height)
    for axes, (name, result) in zip(panels, results.items(), strict=False):
        _plot_set_curves(axes, result)
        style_axes(axes, name)
    handles: dict[str, Artist] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(
        list(handles.values()), list(handles), loc="outside lower center", ncols=legend_columns, fontsize=7,
        frameon=False,
    )  # fmt: skip
    set_figure_title(figure, f"Held-out disparity by number of anchors; ▲ more than {MAX_DISPARITY_SHOWN:g}")
    return figure


def _plot_set_curves(axes: Axes, result: SetResult) -> None:
    count_by_kind = dict.fromkeys(KIND_COLOURS, 0)
    for map_result in result.maps:
        if not map_result.learning_curve:
            continue
        sizes, values = zip(*map_result.learning_curve, strict=True)
        count = count_by_kind[map_result.kind]
        count_by_kind[map_result.kind] += 1
        colour = KIND_COLOURS[map_result.kind]
        axes.plot(
            sizes, np.minimum(values, MAX_DISPARITY_SHOWN), LINE_STYLES[count % len(LINE_STYLES)],
            color=colour, linewidth=1.1, marker=MARKERS[count // len(LINE_STYLES) % len(MARKERS)],
            markersize=3.5, label=map_result.name,
        )  # fmt: skip
        if clipped := [size for size, value in map_result.learning_curve if value > MAX_DISPARITY_SHOWN]:
            edge = [MAX_DISPARITY_SHOWN] * len(clipped)
            axes.plot(clipped, edge, "^", color=colour, markersize=6, clip_on=False)
    axes.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    ticks = _list_curve_sizes(result)
    if ticks:
        axes.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=7)
        axes.set_xlim(ticks[0] * 0.8, ticks[-1] * 1.25)
    else:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "too few anchors for a curve", fontsize=7, ha="center", transform=axes.transAxes)
    axes.minorticks_off()
    axes.set_ylim(0, MAX_DISPARITY_SHOWN)


def _list_curve_sizes(result: SetResult) -> list[int]:
    return sorted({size for map_result in result.maps for size, _ in map_result.learning_curve})


def plot_null_distributions(name: str, result: SetResult) -> Figure:
    """Null distributions and the observed statistics: of PROTEST, then of every map."""
    count = len(result.maps) + (result.protest is not None)
    figure, panels = make_panels(count, 5, 2.5, 1.7)
    map_panels = panels
    if result.protest is not None:
        axes, *map_panels = panels
        protest = result.protest
        _plot_null(axes, protest.null_correlations, protest.correlation, RED)
        style_axes(axes, f"PROTEST t {protest.correlation:.2f}, p {protest.p_value:.3f}")
    for axes, map_result in zip(map_panels, result.maps, strict=False):
        outcome = result.outcomes[map_result.name]
        colour = KIND_COLOURS[map_result.kind]
        _plot_null(axes, outcome.permuted_disparities, outcome.half_disparity, colour)
        style_axes(axes, f"{map_result.name}, p {map_result.p:.3f}")
    set_figure_title(
        figure,
        f"{name}: disparity on one half of the groups, its pairs shuffled (grey) and as they are (line)",
    )
    return figure


def _plot_null(axes: Axes, null_values: Floats, observed: float, colour: str) -> None:
    axes.hist(null_values, bins=30, color=PALE)
    axes.axvline(observed, color=colour, linewidth=1.4)
