"""Plots of a run: every row with its intervals, and the learning curves of every space."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from encoders import write_atomically
from experiments.ablation.results import AblationResults, RowResult
from experiments.ablation.row_ranks import DIRECTION_TITLES
from experiments.ablation.space_spec import SpaceSpec
from experiments.ablation.tables import format_row_name
from experiments.statistics.intervals import get_lower_bound, get_upper_bound
from retrieval.evaluation.rules import RECALL_DEPTHS
from spaces.joint import TrainingHistory
from spaces.joint.training import EpochResult

COLOURS = ("#0072B2", "#E69F00", "#009E73")  # Okabe & Ito 2008: colour-blind safe
MARKERS = ("o", "s", "D")
GREY = "#8a8a8a"
DPI = 130
PANELS_PER_ROW = 4


def save_plots(folder: Path, dataset_name: str, results: AblationResults) -> list[Path]:
    """Write rows.png, and learning-rsum.png and learning-loss.png where something was trained."""
    figures = {"rows.png": plot_recalls(dataset_name, results.rows)}
    if results.histories:
        figures["learning-rsum.png"] = plot_learning_curves(
            results,
            f"{dataset_name}: rsum of the dev part by epoch, one line a seed; the dot is the epoch kept",
            lambda epoch: epoch.score,
        )
        figures["learning-loss.png"] = plot_learning_curves(
            results,
            f"{dataset_name}: mean training loss a batch by epoch, a line a seed; "
            "log scale, with the warm-up",
            lambda epoch: epoch.loss,
            share_y=False,
            y_scale="log",
        )
    for name, figure in figures.items():
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI)
        write_atomically(folder / name, stream.getvalue())
    return [folder / name for name in figures]


def plot_recalls(dataset_name: str, rows: Sequence[RowResult]) -> Figure:
    """Recalls of every row in both directions with their 95 % intervals, and rsum."""
    figure = Figure(figsize=(14, 1.6 + 0.34 * len(rows)), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True, width_ratios=(1, 1, 0.8))
    for axes, (direction, title) in zip(panels, DIRECTION_TITLES.items(), strict=False):
        for k, colour, marker in zip(RECALL_DEPTHS, COLOURS, MARKERS, strict=True):
            _plot_intervals(axes, rows, f"{direction} R@{k}", colour, marker, f"R@{k}")
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("recall in %, 95 % interval over queries")
    _plot_intervals(panels[2], rows, "rsum", "black", "o", "rsum")
    panels[2].set_title("Sum of the six recalls", fontsize=10, loc="left")
    panels[2].set_xlabel("rsum, 95 % interval over queries")
    for axes in panels:
        _separate_groups(axes, rows)
        axes.set_xlim(left=0)
    panels[0].set_yticks(range(len(rows)), [format_row_name(row) for row in rows], fontsize=9)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3, frameon=False)
    figure.suptitle(f"Ablation on {dataset_name}", x=0.01, ha="left", fontsize=12)
    return figure


def _plot_intervals(
    axes: Axes, rows: Sequence[RowResult], metric: str, colour: str, marker: str, label: str
) -> None:
    estimates = [row.estimates[metric] for row in rows]
    means = np.array([estimate.value for estimate in estimates])
    below = means - [get_lower_bound(estimate) for estimate in estimates]
    above = [get_upper_bound(estimate) for estimate in estimates] - means
    axes.errorbar(
        means, range(len(rows)), xerr=np.maximum([below, above], 0), fmt=marker, color=colour, label=label,
        markersize=5, elinewidth=1.2, capsize=2,
    )  # fmt: skip


def _separate_groups(axes: Axes, rows: Sequence[RowResult]) -> None:
    groups = [row.group for row in rows]
    for at in range(1, len(groups)):
        if groups[at] != groups[at - 1]:
            axes.axhline(at - 0.5, color=GREY, linewidth=0.6)
    axes.grid(axis="x", color="#e3e3e3", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def plot_learning_curves(
    results: AblationResults,
    title: str,
    get_value: Callable[[EpochResult], float | None],
    *,
    share_y: bool = True,
    y_scale: str = "linear",
) -> Figure:
    """A panel for each space, a line for each seed; with `share_y` all have the same y axis."""
    count = len(results.histories)
    columns = min(PANELS_PER_ROW, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(3.4 * columns + 0.3, 2.1 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=share_y, sharex=True, squeeze=False).ravel()
    for axes, (space, history_by_seed) in zip(panels, results.histories.items(), strict=False):
        _plot_learning_curve(axes, space, list(history_by_seed.values()), get_value)
        axes.set_yscale(y_scale)
    for axes in panels[count:]:
        axes.set_axis_off()
    for axes in panels[max(0, count - columns) : count]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("epoch", fontsize=8)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


def _plot_learning_curve(
    axes: Axes,
    space: SpaceSpec,
    histories: Sequence[TrainingHistory],
    get_value: Callable[[EpochResult], float | None],
) -> None:
    for history in histories:
        values = [math.nan if (value := get_value(epoch)) is None else value for epoch in history.epochs]
        axes.plot(range(1, len(values) + 1), values, color=COLOURS[0], linewidth=1.0, alpha=0.8)
        axes.plot(history.best, values[history.best - 1], MARKERS[0], color=COLOURS[1], markersize=4)
    collapsed = sum(history.collapsed for history in histories)
    axes.set_title(f"{space}{f' ({collapsed} collapsed)' if collapsed else ''}", fontsize=8, loc="left")
    axes.grid(color="#e3e3e3", linewidth=0.6)
    axes.tick_params(labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
