"""Plots of the pairs of a set before and after alignment: point clouds, or, of one column, a scatter plot."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.alignment.pairs import Floats
from experiments.alignment.plot_style import (
    BLUE,
    GREY,
    MIN_FIGURE_WIDTH,
    ORANGE,
    set_figure_title,
    style_axes,
)
from experiments.alignment.set_result import SetResult
from experiments.statistics.markdown import format_value
from spaces.alignment import run_procrustes

MAX_PAIRS_DRAWN = 120  # pairs of a plot
PANEL_WIDTH, PANEL_HEIGHT = 3.3, 3.7  # inches
BEFORE = "before"  # title of the readings as they are

Panel = tuple[str, Floats, Floats]
"""Title, source (m, k) and target (m, k) in the same coordinates, k = 1 or 2."""


def plot_point_clouds(name: str, result: SetResult) -> Figure:
    """Source and target before and after; wide targets along their first principal axes.

    In the plane a line joins each pair; of one column the target is drawn over the source.
    """
    panels = _list_panels(result)
    figure = Figure(
        figsize=(max(MIN_FIGURE_WIDTH, PANEL_WIDTH * len(panels)), PANEL_HEIGHT), layout="constrained"
    )
    row_count = len(result.data.pair_rows)
    drawn = np.unique(np.linspace(0, row_count - 1, MAX_PAIRS_DRAWN).astype(int))
    all_axes = figure.subplots(1, len(panels), squeeze=False).ravel()
    for at, (axes, (title, source, target)) in enumerate(zip(all_axes, panels, strict=True)):
        if result.data.target.shape[1] == 1:
            _scatter_pairs(axes, source[drawn, 0], target[drawn, 0], result, is_mapped=title != BEFORE)
        else:
            _join_pairs(axes, source[drawn], target[drawn], result, is_first=at == 0)
        style_axes(axes, title)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    shown = f", {len(drawn)} of {row_count} pairs" if len(drawn) < row_count else ""
    set_figure_title(figure, f"{name}: pairs before and after{shown}")
    return figure


def _scatter_pairs(axes: Axes, source: Floats, target: Floats, result: SetResult, *, is_mapped: bool) -> None:
    """The target (m,) over the source (m,), with the line on which both are equal."""
    pairs = result.data.pairs
    axes.scatter(source, target, s=9, color=BLUE)
    axes.axline(
        (float(target.mean()), float(target.mean())), slope=1, color=GREY, linewidth=0.8, linestyle=":"
    )
    column = pairs.columns[0]
    axes.set_xlabel(f"{pairs.modalities[0]}, mapped" if is_mapped else pairs.modalities[0], fontsize=8)
    axes.set_ylabel(f"{pairs.modalities[1]}: {column}", fontsize=8)


def _join_pairs(axes: Axes, source: Floats, target: Floats, result: SetResult, *, is_first: bool) -> None:
    """Both clouds (m, 2), a line for each pair."""
    pairs = result.data.pairs
    columns = pairs.columns if result.data.target.shape[1] == 2 else ("first axis", "second axis")
    for start, end in zip(source, target, strict=True):
        axes.plot(*zip(start, end, strict=True), color=GREY, linewidth=0.4, alpha=0.6, zorder=1)
    axes.scatter(source[:, 0], source[:, 1], s=9, color=BLUE, label=pairs.modalities[0], zorder=2)
    axes.scatter(
        target[:, 0], target[:, 1], s=9, color=ORANGE, marker="s", label=pairs.modalities[1], zorder=2
    )
    axes.set_xlabel(columns[0], fontsize=8)
    if is_first:
        axes.set_ylabel(columns[1], fontsize=8)
    axes.set_aspect("equal", adjustable="datalim")


def _list_panels(result: SetResult) -> list[Panel]:
    """The readings, Procrustes analysis of all of them, and the best maps, as far as there are any."""
    source, target = result.data.source, result.data.target
    width = target.shape[1]
    axes = np.eye(width) if width <= 2 else _compute_principal_axes(target)
    centre = np.zeros(width) if width <= 2 else target.mean(axis=0)
    projected_target = (target - centre) @ axes
    panels: list[Panel] = []
    if source.shape[1] == width:
        panels.append((BEFORE, (source - centre) @ axes, projected_target))
    if source.shape[1] == width == 2 and result.protest is not None:
        fit = run_procrustes(source, target)
        disparity = format_value(fit.disparity, ".2f")
        panels.append((f"Procrustes as in the report, M² {disparity}", fit.source, fit.target))
    for best in (result.find_best("linear"), result.find_best("curved")):
        if best is not None:
            mapped = (result.outcomes[best.name].mapped - centre) @ axes
            disparity = format_value(best.disparity.value, ".2f")
            panels.append((f"{best.name}, held out, disparity {disparity}", mapped, projected_target))
    if not panels:  # the identity alone, between spaces of two widths
        identity = result.maps[0]
        mapped = (result.outcomes[identity.name].mapped - centre) @ axes
        panels.append((f"{identity.name}, held out", mapped, projected_target))
    return panels


def _compute_principal_axes(points: Floats) -> Floats:
    """(q, 2) the first two principal axes of points (m, q)."""
    return np.asarray(np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][:2].T)
