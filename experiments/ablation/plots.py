"""Plots of a run: every row with its intervals, and the learning curves of every space."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter

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
SEED_COLOURS = (*COLOURS, "#CC79A7", "#D55E00", "#56B4E9", "#000000")
LINE_STYLES = ("-", "--", ":")  # of seeds 0 to 6, 7 to 13, 14 to 20
MARKERS = ("o", "s", "D")
GREY = "#8a8a8a"
DPI = 130
PANELS_PER_ROW = 4
PANEL_WIDTH = 3.4  # inches
CHARACTERS_PER_INCH = 12.5  # of a title of TITLE_SIZE
TITLE_SIZE, PANEL_TITLE_SIZE = 11, 8
MARGINS = (0.22, 0.0, -0.22)  # of the three recalls from their row's line, so that intervals do not overlap


def save_plots(folder: Path, dataset_name: str, results: AblationResults) -> list[Path]:
    """Write rows.png, and learning-rsum.png and learning-loss.png where something was trained."""
    figures = {"rows.png": plot_recalls(dataset_name, results.rows)}
    if results.histories:
        figures["learning-rsum.png"] = plot_learning_curves(
            results,
            f"{dataset_name}: rsum of the dev part by epoch; the dot is the epoch kept",
            lambda epoch: epoch.score,
        )
        figures["learning-loss.png"] = plot_learning_curves(
            results,
            f"{dataset_name}: mean training loss a batch by epoch, with the warm-up, log scale; "
            "a triangle at the bottom is a loss of 0 or below; the dot is the epoch kept",
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
    """Recalls of every row in both directions and rsum: means, 95 % intervals, and the value of each seed."""
    figure = Figure(figsize=(14, 1.8 + 0.4 * len(rows)), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True, width_ratios=(1, 1, 0.8))
    for axes, (direction, title) in zip(panels, DIRECTION_TITLES.items(), strict=False):
        for k, colour, marker, margin in zip(RECALL_DEPTHS, COLOURS, MARKERS, MARGINS, strict=True):
            _plot_intervals(axes, rows, f"{direction} R@{k}", colour, marker, f"R@{k}", margin)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("recall in %, 95 % interval over queries")
        axes.set_xlim(-1, 101)
    _plot_intervals(panels[2], rows, "rsum", "black", "o", "rsum", 0.0)
    panels[2].set_title("Sum of the six recalls", fontsize=10, loc="left")
    panels[2].set_xlabel("rsum, 95 % interval over queries")
    panels[2].set_xlim(left=0)
    for axes in panels:
        _separate_groups(axes, rows)
    panels[0].set_yticks(range(len(rows)), [format_row_name(row) for row in rows], fontsize=9)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    handles, labels = panels[0].get_legend_handles_labels()
    seeds = Line2D([], [], color=GREY, marker="|", linestyle="none", markersize=7)
    figure.legend(
        [*handles, seeds], [*labels, "each seed"], loc="outside upper right", ncols=4, frameon=False
    )
    figure.suptitle(f"Ablation on {dataset_name}", x=0.01, ha="left", fontsize=12)
    return figure


def _plot_intervals(
    axes: Axes, rows: Sequence[RowResult], metric: str, colour: str, marker: str, label: str, margin: float
) -> None:
    estimates = [row.estimates[metric] for row in rows]
    means = np.array([estimate.value for estimate in estimates])
    below = means - [get_lower_bound(estimate) for estimate in estimates]
    above = [get_upper_bound(estimate) for estimate in estimates] - means
    heights = np.arange(len(rows)) - margin
    axes.errorbar(
        means, heights, xerr=np.maximum([below, above], 0), fmt=marker, color=colour, label=label,
        markersize=5, elinewidth=1.2, capsize=2,
    )  # fmt: skip
    by_seed = [(metrics[metric], height) for row, height in zip(rows, heights, strict=True)
               for metrics in row.metrics_by_seed if len(row.metrics_by_seed) > 1]  # fmt: skip
    if by_seed:
        axes.plot(*zip(*by_seed, strict=True), "|", color=colour, markersize=9, alpha=0.7)


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
    width = PANEL_WIDTH * columns + 0.3
    title = textwrap.fill(title, int(width * CHARACTERS_PER_INCH))
    height = 2.3 * rows + 0.5 + 0.2 * title.count("\n")
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=share_y, sharex=True, squeeze=False).ravel()
    for axes, (space, history_by_seed) in zip(panels, results.histories.items(), strict=False):
        axes.set_yscale(y_scale)
        _plot_learning_curve(axes, space, history_by_seed, get_value)
    for axes in panels[count:]:
        axes.set_axis_off()
    for axes in panels[max(0, count - columns) : count]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("epoch", fontsize=8)
    handles = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        list(handles.values()), list(handles), loc="outside lower left", frameon=False, fontsize=8,
        ncols=max(1, int(width / 0.8)),
    )  # fmt: skip
    figure.suptitle(title, x=0.01, ha="left", fontsize=TITLE_SIZE)
    return figure


def _plot_learning_curve(
    axes: Axes,
    space: SpaceSpec,
    history_by_seed: Mapping[int, TrainingHistory],
    get_value: Callable[[EpochResult], float | None],
) -> None:
    for seed, history in history_by_seed.items():
        values = np.array([get_value(epoch) for epoch in history.epochs], np.float64)  # None becomes NaN
        epochs = np.arange(1, len(values) + 1)
        is_hidden = values <= 0 if axes.get_yscale() == "log" else np.zeros(len(values), bool)
        colour = SEED_COLOURS[seed % len(SEED_COLOURS)]
        style = LINE_STYLES[seed // len(SEED_COLOURS) % len(LINE_STYLES)]
        shown = np.where(is_hidden, np.nan, values)
        axes.plot(epochs, shown, style, color=colour, linewidth=1.0, alpha=0.8, label=f"seed {seed}")
        axes.plot(history.best, shown[history.best - 1], MARKERS[0], color=colour, markersize=4)
        edge = np.full(int(is_hidden.sum()), 0.02)
        axes.plot(
            epochs[is_hidden], edge, "v", color=colour, markersize=5, transform=axes.get_xaxis_transform()
        )
    collapsed = sum(history.collapsed for history in history_by_seed.values())
    title = f"{space}{f' ({collapsed} collapsed)' if collapsed else ''}"
    characters = int(PANEL_WIDTH * CHARACTERS_PER_INCH * TITLE_SIZE / PANEL_TITLE_SIZE * 0.8)
    axes.set_title(textwrap.fill(title, characters), fontsize=PANEL_TITLE_SIZE, loc="left")
    axes.grid(color="#e3e3e3", linewidth=0.6)
    axes.tick_params(which="both", labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if axes.get_yscale() == "log":
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}" if _spans_less_than_a_decade(axes) else NullFormatter())
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _spans_less_than_a_decade(axes: Axes) -> bool:
    low, high = axes.get_ylim()
    return high < 10 * low
