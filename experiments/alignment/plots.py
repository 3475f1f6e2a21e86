"""Plots of a study: disparities, learning curves, point clouds before and after, null distributions."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from encoders import write_atomically
from experiments.alignment.pairs import Floats
from experiments.alignment.set_result import MapResult, SetResult
from spaces.alignment import run_procrustes

BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"  # Okabe & Ito 2008
KIND_COLOURS = {"none": "#8a8a8a", "linear": BLUE, "curved": RED}
LINE_STYLES = ("-", "--", ":", "-.")
MARKERS = ("o", "x", "s")
GREY, PALE = "#8a8a8a", "#e3e3e3"
DPI = 130
MAX_PAIRS_DRAWN = 120  # pairs of a point cloud
MAX_DISPARITY_SHOWN = 1.6  # greater disparities are drawn on the edge of the axes

Panel = tuple[str, Floats, Floats]
"""Title, source (m, 2) and target (m, 2) of a point cloud."""


def save_plots(folder: Path, results: Mapping[str, SetResult]) -> list[Path]:
    """Write maps.png, curves.png, and for every set its point clouds and its null distributions."""
    figures = {"maps.png": plot_disparities(results), "curves.png": plot_learning_curves(results)}
    for name, result in results.items():
        slug = "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")
        figures[f"{slug}-clouds.png"] = plot_point_clouds(name, result)
        figures[f"{slug}-nulls.png"] = plot_null_distributions(name, result)
    for name, figure in figures.items():
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI)
        write_atomically(folder / name, stream.getvalue())
    return [folder / name for name in figures]


def plot_disparities(results: Mapping[str, SetResult]) -> Figure:
    """The held-out disparity of every map on every set with its interval."""
    figure, panels = _make_panels(len(results), 3, 3.2, 2.9)
    for axes, (name, result) in zip(panels, results.items(), strict=False):
        for row, map_result in enumerate(result.maps):
            _plot_disparity(axes, row, map_result)
        axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
        names = [map_result.name for map_result in result.maps]
        axes.set_yticks(range(len(names)), names, fontsize=7)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, MAX_DISPARITY_SHOWN)
        _style_axes(axes, name)
    figure.suptitle(
        "Held-out disparity with 95 % intervals: 0 perfect, 1 no better than the mean\n"
        "| on shuffled pairs; grey uses no pairs, blue is linear, red is curved",
        x=0.01, ha="left", fontsize=10,
    )  # fmt: skip
    return figure


def _plot_disparity(axes: Axes, row: int, map_result: MapResult) -> None:
    colour = KIND_COLOURS[map_result.kind]
    disparity = map_result.disparity
    value = min(disparity.value, MAX_DISPARITY_SHOWN)
    axes.plot(value, row, "o", color=colour, markersize=4, clip_on=False)
    if disparity.low is not None and disparity.high is not None:
        interval = [min(disparity.low, MAX_DISPARITY_SHOWN), min(disparity.high, MAX_DISPARITY_SHOWN)]
        axes.plot(interval, [row, row], color=colour, linewidth=1.2)
    null_mean = min(map_result.null_disparity[0], MAX_DISPARITY_SHOWN)
    axes.plot(null_mean, row, "|", color=GREY, markersize=9)


def plot_learning_curves(results: Mapping[str, SetResult]) -> Figure:
    """Disparity by the number of anchors."""
    figure, panels = _make_panels(len(results), 3, 3.4, 2.6)
    for axes, (name, result) in zip(panels, results.items(), strict=False):
        _plot_set_curves(axes, result)
        _style_axes(axes, name)
    handles: dict[str, Artist] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(
        list(handles.values()), list(handles), loc="outside lower center", ncols=7, fontsize=7, frameon=False
    )
    figure.suptitle("Held-out disparity by number of anchors", x=0.01, ha="left", fontsize=10)
    return figure


def _plot_set_curves(axes: Axes, result: SetResult) -> None:
    count_by_kind = dict.fromkeys(KIND_COLOURS, 0)
    for map_result in result.maps:
        if not map_result.learning_curve:
            continue
        sizes, values = zip(*map_result.learning_curve, strict=True)
        count = count_by_kind[map_result.kind]
        count_by_kind[map_result.kind] += 1
        axes.plot(
            sizes, [min(value, 1.1 * MAX_DISPARITY_SHOWN) for value in values],
            LINE_STYLES[count % len(LINE_STYLES)], color=KIND_COLOURS[map_result.kind], linewidth=1.1,
            marker=MARKERS[count // len(LINE_STYLES) % len(MARKERS)], markersize=3.5, label=map_result.name,
        )  # fmt: skip
    axes.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    ticks = sorted({size for map_result in result.maps for size, _ in map_result.learning_curve})
    axes.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=7)
    axes.minorticks_off()
    axes.set_ylim(0, MAX_DISPARITY_SHOWN)


def plot_point_clouds(name: str, result: SetResult) -> Figure:
    """Source and target before and after, a line a pair; wide targets along their first principal axes."""
    pairs = result.data.pairs
    panels = _list_point_clouds(result)
    columns = pairs.columns if result.data.target.shape[1] == 2 else ("first axis", "second axis")
    figure = Figure(figsize=(3.3 * len(panels), 3.7), layout="constrained")
    drawn = np.unique(np.linspace(0, len(result.data.pair_rows) - 1, MAX_PAIRS_DRAWN).astype(int))
    for at, (axes, (title, source, target)) in enumerate(
        zip(figure.subplots(1, len(panels), squeeze=False).ravel(), panels, strict=True)
    ):
        for start, end in zip(source[drawn], target[drawn], strict=True):
            axes.plot(*zip(start, end, strict=True), color=GREY, linewidth=0.4, alpha=0.6, zorder=1)
        axes.scatter(*source[drawn].T, s=9, color=BLUE, label=pairs.modalities[0], zorder=2)
        axes.scatter(*target[drawn].T, s=9, color=ORANGE, marker="s", label=pairs.modalities[1], zorder=2)
        axes.set_xlabel(columns[0], fontsize=8)
        if at == 0:
            axes.set_ylabel(columns[1], fontsize=8)
        axes.set_aspect("equal", adjustable="datalim")
        _style_axes(axes, title)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.suptitle(f"{name}: pairs before and after", x=0.01, ha="left", fontsize=10)
    return figure


def _list_point_clouds(result: SetResult) -> list[Panel]:
    """The readings, Procrustes analysis of all of them, and the best maps, as far as there are any."""
    source, target = result.data.source, result.data.target
    is_plane = target.shape[1] == 2
    principal_axes = np.eye(2) if is_plane else _compute_principal_axes(target)
    centre = np.zeros(2) if is_plane else target.mean(axis=0)
    projected_target = (target - centre) @ principal_axes
    panels: list[Panel] = []
    if source.shape[1] == target.shape[1]:
        panels.append(("before", (source - centre) @ principal_axes, projected_target))
    if source.shape == target.shape and source.shape[1] == 2 and result.protest is not None:
        fit = run_procrustes(source, target)
        panels.append((f"Procrustes as in the report, M² {fit.disparity:.2f}", fit.source, fit.target))
    for best in (result.find_best("linear"), result.find_best("curved")):
        if best is not None:
            mapped = (result.outcomes[best.name].mapped - centre) @ principal_axes
            panels.append((f"{best.name}, held out, {best.disparity.value:.2f}", mapped, projected_target))
    return panels


def plot_null_distributions(name: str, result: SetResult) -> Figure:
    """Null distributions and the observed statistics: of PROTEST, then of every map."""
    count = len(result.maps) + (result.protest is not None)
    figure, panels = _make_panels(count, 5, 2.5, 1.7)
    map_panels = panels
    if result.protest is not None:
        axes, *map_panels = panels
        axes.hist(result.protest.null_correlations, bins=30, color=PALE)
        axes.axvline(result.protest.correlation, color=RED, linewidth=1.4)
        _style_axes(axes, f"PROTEST t {result.protest.correlation:.2f}, p {result.protest.p_value:.3f}")
    for axes, map_result in zip(map_panels, result.maps, strict=False):
        outcome = result.outcomes[map_result.name]
        axes.hist(outcome.permuted_disparities, bins=30, color=PALE)
        axes.axvline(outcome.half_disparity, color=KIND_COLOURS[map_result.kind], linewidth=1.4)
        _style_axes(axes, f"{map_result.name}, p {map_result.p:.3f}")
    figure.suptitle(
        f"{name}: disparity on one half of the groups, its pairs shuffled (grey) and as they are (line)",
        x=0.01, ha="left", fontsize=10,
    )  # fmt: skip
    return figure


def _make_panels(
    count: int, max_columns: int, panel_width: float, panel_height: float
) -> tuple[Figure, list[Axes]]:
    """A figure of `count` axes in rows of at most `max_columns`; sizes in inches."""
    columns = min(max_columns, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(panel_width * columns + 0.6, panel_height * rows + 0.9), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels[:count]


def _style_axes(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=8, loc="left")
    axes.tick_params(labelsize=7)
    axes.grid(color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _compute_principal_axes(points: Floats) -> Floats:
    """(q, 2) the first two principal axes of points (m, q)."""
    return np.asarray(np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][:2].T)
