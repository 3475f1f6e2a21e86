"""The pictures of a study: clouds before and after, disparities, learning curves, null histograms."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from encoders.files import write_atomically
from experiments.alignment.pairs import Floats
from experiments.alignment.statistics import MapResult, SetResult
from spaces.alignment.procrustes import run_procrustes

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"  # Okabe & Ito 2008
KIND_COLOURS = {"none": "#8a8a8a", "linear": BLUE, "curved": RED}
LINE_STYLES = ("-", "--", ":", "-.")
MARKERS = ("o", "x", "s")
GREY, PALE = "#8a8a8a", "#e3e3e3"
DPI = 130
MAX_PAIRS_DRAWN = 120  # pairs drawn, at most
MAX_DISPARITY_SHOWN = 1.6  # disparities beyond it lie on the edge of the picture


def save_plots(folder: Path, results: Mapping[str, SetResult]) -> list[Path]:
    """Write maps.png, curves.png, and of every set its clouds and its null histograms."""
    made = {"maps.png": plot_disparities(results), "curves.png": plot_learning_curves(results)}
    for name, one in results.items():
        slug = "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")
        made[f"{slug}-clouds.png"] = plot_point_clouds(name, one)
        made[f"{slug}-nulls.png"] = plot_null_distributions(name, one)
    for name, figure in made.items():
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI)
        write_atomically(folder / name, stream.getvalue())
    return [folder / name for name in made]


def plot_disparities(results: Mapping[str, SetResult]) -> Figure:
    """The held-out disparity of every map on every set with its interval."""
    figure, panels = _make_panels(len(results), 3, 3.2, 2.9)
    for axes, (name, one) in zip(panels, results.items(), strict=False):
        for at, row in enumerate(one.maps):
            low, high = row.disparity.low, row.disparity.high
            value = min(row.disparity.value, MAX_DISPARITY_SHOWN)
            axes.plot(value, at, "o", color=KIND_COLOURS[row.kind], markersize=4, clip_on=False)
            if low is not None and high is not None:
                axes.plot(
                    [min(low, MAX_DISPARITY_SHOWN), min(high, MAX_DISPARITY_SHOWN)],
                    [at, at],
                    color=KIND_COLOURS[row.kind],
                    linewidth=1.2,
                )
            axes.plot(min(row.null_disparity[0], MAX_DISPARITY_SHOWN), at, "|", color=GREY, markersize=9)
        axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(one.maps)), [row.name for row in one.maps], fontsize=7)
        axes.set_ylim(len(one.maps) - 0.4, -0.6)
        axes.set_xlim(0, MAX_DISPARITY_SHOWN)
        _style_axes(axes, name)
    figure.suptitle(
        "Held-out disparity with 95 % intervals: 0 perfect, 1 no better than the mean\n"
        "| on shuffled pairs; grey uses no pairs, blue is linear, red is curved",
        x=0.01, ha="left", fontsize=10,
    )  # fmt: skip
    return figure


def plot_learning_curves(results: Mapping[str, SetResult]) -> Figure:
    """Disparity by the number of anchors."""
    figure, panels = _make_panels(len(results), 3, 3.4, 2.6)
    for axes, (name, one) in zip(panels, results.items(), strict=False):
        seen = dict.fromkeys(KIND_COLOURS, 0)
        for row in one.maps:
            if not row.learning_curve:
                continue
            sizes, values = zip(*row.learning_curve, strict=True)
            style = LINE_STYLES[seen[row.kind] % len(LINE_STYLES)]
            mark = MARKERS[seen[row.kind] // len(LINE_STYLES) % len(MARKERS)]
            seen[row.kind] += 1
            shown = [min(value, 1.1 * MAX_DISPARITY_SHOWN) for value in values]
            axes.plot(
                sizes, shown, style, color=KIND_COLOURS[row.kind], linewidth=1.1, marker=mark, markersize=3.5,
                label=row.name,
            )  # fmt: skip
        axes.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        ticks = sorted({size for row in one.maps for size, _ in row.learning_curve})
        axes.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=7)
        axes.minorticks_off()
        axes.set_ylim(0, MAX_DISPARITY_SHOWN)
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


def plot_point_clouds(name: str, result: SetResult) -> Figure:
    """Source and target before and after, a line a pair; wide targets along their first principal axes."""
    known = result.data
    axes_of = _compute_principal_axes(known.target) if known.target.shape[1] != 2 else np.eye(2)
    middle = known.target.mean(axis=0) if known.target.shape[1] != 2 else np.zeros(2)
    panels: list[tuple[str, Floats, Floats]] = []
    if known.source.shape[1] == known.target.shape[1]:
        panels.append(("before", (known.source - middle) @ axes_of, (known.target - middle) @ axes_of))
    if known.source.shape == known.target.shape and known.source.shape[1] == 2 and result.protest is not None:
        both = run_procrustes(known.source, known.target)
        title = f"Procrustes as in the report, M² {both.disparity:.2f}"
        panels.append((title, both.source, both.target))
    for row in (result.find_best("linear"), result.find_best("curved")):
        if row is not None:
            mapped = (result.outcomes[row.name].mapped - middle) @ axes_of
            title = f"{row.name}, held out, {row.disparity.value:.2f}"
            panels.append((title, mapped, (known.target - middle) @ axes_of))
    figure = Figure(figsize=(3.3 * len(panels), 3.7), layout="constrained")
    drawn = np.unique(np.linspace(0, len(known.pair_rows) - 1, MAX_PAIRS_DRAWN).astype(int))
    for at, (axes, (title, source, target)) in enumerate(
        zip(figure.subplots(1, len(panels), squeeze=False).ravel(), panels, strict=True)
    ):
        for start, end in zip(source[drawn], target[drawn], strict=True):
            axes.plot(*zip(start, end, strict=True), color=GREY, linewidth=0.4, alpha=0.6, zorder=1)
        labels = known.pairs.modalities
        axes.scatter(*source[drawn].T, s=9, color=BLUE, label=labels[0], zorder=2)
        axes.scatter(*target[drawn].T, s=9, color=ORANGE, marker="s", label=labels[1], zorder=2)
        names = known.pairs.columns if known.target.shape[1] == 2 else ("first axis", "second axis")
        axes.set_xlabel(names[0], fontsize=8)
        if at == 0:
            axes.set_ylabel(names[1], fontsize=8)
        axes.set_aspect("equal", adjustable="datalim")
        _style_axes(axes, title)
    handles, told = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, told, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.suptitle(f"{name}: pairs before and after", x=0.01, ha="left", fontsize=10)
    return figure


def plot_null_distributions(name: str, result: SetResult) -> Figure:
    """What shuffled pairs give, and what the pairs themselves do: PROTEST, then every map."""
    count = len(result.maps) + (result.protest is not None)
    figure, panels = _make_panels(count, 5, 2.5, 1.7)
    rest = iter(panels)
    if result.protest is not None:
        axes = next(rest)
        axes.hist(result.protest.null_correlations, bins=30, color=PALE)
        axes.axvline(result.protest.correlation, color=RED, linewidth=1.4)
        _style_axes(axes, f"PROTEST t {result.protest.correlation:.2f}, p {result.protest.p_value:.3f}")
    for axes, row in zip(rest, result.maps, strict=False):
        outcome = result.outcomes[row.name]
        axes.hist(outcome.permuted_disparities, bins=30, color=PALE)
        axes.axvline(outcome.half_disparity, color=KIND_COLOURS[row.kind], linewidth=1.4)
        _style_axes(axes, _format_p_value(row))
    figure.suptitle(
        f"{name}: disparity on one half of the groups, its pairs shuffled (grey) and as they are (line)",
        x=0.01, ha="left", fontsize=10,
    )  # fmt: skip
    return figure


def _format_p_value(map_result: MapResult) -> str:
    return f"{map_result.name}, p {map_result.p:.3f}"


def _make_panels(
    count: int, column_count: int, panel_width: float, panel_height: float
) -> tuple[Figure, list[Axes]]:
    column_count = min(column_count, count)
    down = math.ceil(count / column_count)
    figure = Figure(
        figsize=(panel_width * column_count + 0.6, panel_height * down + 0.9), layout="constrained"
    )
    panels = list(figure.subplots(down, column_count, squeeze=False).ravel())
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
    """(q, 2) the first two principal axes."""
    return np.asarray(np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][:2].T)
