"""The pictures of a run: every row with its intervals, and how every space learnt."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from encoders.files import write_atomically
from experiments.ablation.results import AblationResults, RowResult
from experiments.ablation.row_statistics import DIRECTIONS, RECALL_DEPTHS
from experiments.ablation.table_rows import SpaceSpec
from experiments.ablation.tables import format_row_name
from spaces.joint.training import EpochResult, TrainingHistory

COLOURS = ("#0072B2", "#E69F00", "#009E73")  # Okabe & Ito 2008: told apart by colour-blind people
MARKERS = ("o", "s", "D")
GREY = "#8a8a8a"
DIRECTION_TITLES = {"T2V": "Words find items (T2V)", "V2T": "Items find words (V2T)"}
DPI = 130
PANELS_PER_ROW = 4  # panels side by side


def save_plots(folder: Path, dataset_name: str, results: AblationResults) -> list[Path]:
    """Write rows.png, and learning-rsum.png and learning-loss.png where something was trained."""
    made = {"rows.png": plot_recalls(dataset_name, results.rows)}
    if results.histories:
        made["learning-rsum.png"] = plot_learning_curves(
            results,
            f"{dataset_name}: rsum of the dev part by epoch, one line a seed; the dot is the epoch kept",
            lambda epoch: epoch.score,
        )
        made["learning-loss.png"] = plot_learning_curves(
            results,
            f"{dataset_name}: mean training loss a batch by epoch, a line a seed; "
            "log scale, with the warm-up",
            lambda epoch: epoch.loss,
            share_y=False,
            y_scale="log",
        )
    for name, figure in made.items():
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI)
        write_atomically(folder / name, stream.getvalue())
    return [folder / name for name in made]


def plot_recalls(dataset_name: str, rows: Sequence[RowResult]) -> Figure:
    """Recalls of every row in both directions with their 95 % intervals, and rsum."""
    figure = Figure(figsize=(14, 1.6 + 0.34 * len(rows)), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True, width_ratios=(1, 1, 0.8))
    for axes, side in zip(panels, DIRECTIONS, strict=False):
        for k, colour, mark in zip(RECALL_DEPTHS, COLOURS, MARKERS, strict=True):
            _plot_intervals(axes, rows, f"{side} R@{k}", colour, mark, f"R@{k}")
        axes.set_title(DIRECTION_TITLES[side], fontsize=10, loc="left")
        axes.set_xlabel("recall in %, 95 % interval over queries")
    _plot_intervals(panels[2], rows, "rsum", "black", "o", "rsum")
    panels[2].set_title("Sum of the six recalls", fontsize=10, loc="left")
    panels[2].set_xlabel("rsum, 95 % interval over queries")
    for axes in panels:
        _separate_groups(axes, rows)
        axes.set_xlim(left=0)
    panels[0].set_yticks(range(len(rows)), [format_row_name(line) for line in rows], fontsize=9)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3, frameon=False)
    figure.suptitle(f"Ablation on {dataset_name}", x=0.01, ha="left", fontsize=12)
    return figure


def _plot_intervals(
    axes: Axes, rows: Sequence[RowResult], metric: str, colour: str, marker: str, label: str
) -> None:
    found = [line.estimates[metric] for line in rows]
    means = np.array([figure.mean for figure in found])
    reach = np.array([[f.mean - f.low for f in found], [f.high - f.mean for f in found]])
    axes.errorbar(
        means, range(len(rows)), xerr=np.maximum(reach, 0), fmt=marker, color=colour, label=label,
        markersize=5, elinewidth=1.2, capsize=2,
    )  # fmt: skip


def _separate_groups(axes: Axes, rows: Sequence[RowResult]) -> None:
    groups = [line.name.split()[0] for line in rows]
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
    """One small panel a space; with `share_y` all have the same axis of values."""
    count = len(results.histories)
    across = min(PANELS_PER_ROW, count)
    down = math.ceil(count / across)
    figure = Figure(figsize=(3.4 * across + 0.3, 2.1 * down + 0.7), layout="constrained")
    panels = figure.subplots(down, across, sharey=share_y, sharex=True, squeeze=False).ravel()
    for axes, (space, seeds) in zip(panels, results.histories.items(), strict=False):
        _plot_learning_curve(axes, space, list(seeds.values()), get_value)
        axes.set_yscale(y_scale)
    for axes in panels[count:]:
        axes.set_axis_off()
    for axes in panels[max(0, count - across) : count]:
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
        values = [math.nan if (one := get_value(epoch)) is None else one for epoch in history.epochs]
        axes.plot(range(1, len(values) + 1), values, color=COLOURS[0], linewidth=1.0, alpha=0.8)
        axes.plot(history.best, values[history.best - 1], MARKERS[0], color=COLOURS[1], markersize=4)
    fallen = sum(history.collapsed for history in histories)
    axes.set_title(f"{space}{f' ({fallen} collapsed)' if fallen else ''}", fontsize=8, loc="left")
    axes.grid(color="#e3e3e3", linewidth=0.6)
    axes.tick_params(labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
