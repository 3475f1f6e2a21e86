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

from encoders.onnx_runtime import write_whole
from experiments.alignment.pairs import Floats
from experiments.alignment.statistics import Found, Row
from spaces.alignment.procrustes import standard

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"  # Okabe & Ito 2008
KINDS = {"none": "#8a8a8a", "linear": BLUE, "curved": RED}
STYLES = ("-", "--", ":", "-.")
MARKS = ("o", "x", "s")
GREY, PALE = "#8a8a8a", "#e3e3e3"
DPI = 130
LINES = 120  # pairs drawn, at most
WORST = 1.6  # disparities beyond it lie on the edge of the picture


def draw(folder: Path, found: Mapping[str, Found]) -> list[Path]:
    """Write maps.png, curves.png, and of every set its clouds and its null histograms."""
    made = {"maps.png": maps_chart(found), "curves.png": curves_chart(found)}
    for name, one in found.items():
        slug = "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")
        made[f"{slug}-clouds.png"] = clouds_chart(name, one)
        made[f"{slug}-nulls.png"] = nulls_chart(name, one)
    for name, figure in made.items():
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI)
        write_whole(folder / name, stream.getvalue())
    return [folder / name for name in made]


def maps_chart(found: Mapping[str, Found]) -> Figure:
    """The held-out disparity of every map on every set with its interval."""
    figure, panels = _panels(len(found), 3, 3.2, 2.9)
    for axes, (name, one) in zip(panels, found.items(), strict=False):
        for at, row in enumerate(one.rows):
            low, high = row.disparity.low, row.disparity.high
            value = min(row.disparity.value, WORST)
            axes.plot(value, at, "o", color=KINDS[row.kind], markersize=4, clip_on=False)
            if low is not None and high is not None:
                axes.plot([min(low, WORST), min(high, WORST)], [at, at], color=KINDS[row.kind], linewidth=1.2)
            axes.plot(min(row.null[0], WORST), at, "|", color=GREY, markersize=9)
        axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(one.rows)), [row.name for row in one.rows], fontsize=7)
        axes.set_ylim(len(one.rows) - 0.4, -0.6)
        axes.set_xlim(0, WORST)
        _plain(axes, name)
    figure.suptitle(
        "Held-out disparity with 95 % intervals: 0 perfect, 1 no better than the mean\n"
        "| on shuffled pairs; grey uses no pairs, blue is linear, red is curved",
        x=0.01, ha="left", fontsize=10,
    )  # fmt: skip
    return figure


def curves_chart(found: Mapping[str, Found]) -> Figure:
    """Disparity by the number of anchors."""
    figure, panels = _panels(len(found), 3, 3.4, 2.6)
    for axes, (name, one) in zip(panels, found.items(), strict=False):
        seen = dict.fromkeys(KINDS, 0)
        for row in one.rows:
            if not row.curve:
                continue
            sizes, values = zip(*row.curve, strict=True)
            style = STYLES[seen[row.kind] % len(STYLES)]
            mark = MARKS[seen[row.kind] // len(STYLES) % len(MARKS)]
            seen[row.kind] += 1
            shown = [min(value, 1.1 * WORST) for value in values]
            axes.plot(
                sizes, shown, style, color=KINDS[row.kind], linewidth=1.1, marker=mark, markersize=3.5,
                label=row.name,
            )  # fmt: skip
        axes.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        ticks = sorted({size for row in one.rows for size, _ in row.curve})
        axes.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=7)
        axes.minorticks_off()
        axes.set_ylim(0, WORST)
        _plain(axes, name)
    handles: dict[str, Artist] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(
        list(handles.values()), list(handles), loc="outside lower center", ncols=7, fontsize=7, frameon=False
    )
    figure.suptitle("Held-out disparity by number of anchors", x=0.01, ha="left", fontsize=10)
    return figure


def clouds_chart(name: str, one: Found) -> Figure:
    """Source and target before and after, a line a pair; wide targets along their first principal axes."""
    known = one.known
    axes_of = _principal(known.target) if known.target.shape[1] != 2 else np.eye(2)
    middle = known.target.mean(axis=0) if known.target.shape[1] != 2 else np.zeros(2)
    panels: list[tuple[str, Floats, Floats]] = []
    if known.source.shape[1] == known.target.shape[1]:
        panels.append(("before", (known.source - middle) @ axes_of, (known.target - middle) @ axes_of))
    if known.source.shape == known.target.shape and known.source.shape[1] == 2 and one.analysis is not None:
        both = standard(known.source, known.target)
        title = f"Procrustes as in the report, M² {both.disparity:.2f}"
        panels.append((title, both.source, both.target))
    for row in (one.best("linear"), one.best("curved")):
        if row is not None:
            mapped = (one.outcomes[row.name].mapped - middle) @ axes_of
            title = f"{row.name}, held out, {row.disparity.value:.2f}"
            panels.append((title, mapped, (known.target - middle) @ axes_of))
    figure = Figure(figsize=(3.3 * len(panels), 3.7), layout="constrained")
    drawn = np.unique(np.linspace(0, len(known.rows) - 1, LINES).astype(int))
    for at, (axes, (title, source, target)) in enumerate(
        zip(figure.subplots(1, len(panels), squeeze=False).ravel(), panels, strict=True)
    ):
        for start, end in zip(source[drawn], target[drawn], strict=True):
            axes.plot(*zip(start, end, strict=True), color=GREY, linewidth=0.4, alpha=0.6, zorder=1)
        labels = known.pairs.senses
        axes.scatter(*source[drawn].T, s=9, color=BLUE, label=labels[0], zorder=2)
        axes.scatter(*target[drawn].T, s=9, color=ORANGE, marker="s", label=labels[1], zorder=2)
        names = known.pairs.columns if known.target.shape[1] == 2 else ("first axis", "second axis")
        axes.set_xlabel(names[0], fontsize=8)
        if at == 0:
            axes.set_ylabel(names[1], fontsize=8)
        axes.set_aspect("equal", adjustable="datalim")
        _plain(axes, title)
    handles, told = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, told, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.suptitle(f"{name}: pairs before and after", x=0.01, ha="left", fontsize=10)
    return figure


def nulls_chart(name: str, one: Found) -> Figure:
    """What shuffled pairs give, and what the pairs themselves do: PROTEST, then every map."""
    count = len(one.rows) + (one.analysis is not None)
    figure, panels = _panels(count, 5, 2.5, 1.7)
    rest = iter(panels)
    if one.analysis is not None:
        axes = next(rest)
        axes.hist(one.analysis.null, bins=30, color=PALE)
        axes.axvline(one.analysis.t, color=RED, linewidth=1.4)
        _plain(axes, f"PROTEST t {one.analysis.t:.2f}, p {one.analysis.p:.3f}")
    for axes, row in zip(rest, one.rows, strict=False):
        outcome = one.outcomes[row.name]
        axes.hist(outcome.permuted, bins=30, color=PALE)
        axes.axvline(outcome.halved, color=KINDS[row.kind], linewidth=1.4)
        _plain(axes, _p(row))
    figure.suptitle(
        f"{name}: disparity on one half of the groups, its pairs shuffled (grey) and as they are (line)",
        x=0.01, ha="left", fontsize=10,
    )  # fmt: skip
    return figure


def _p(row: Row) -> str:
    return f"{row.name}, p {row.p:.3f}"


def _panels(count: int, across: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    across = min(across, count)
    down = math.ceil(count / across)
    figure = Figure(figsize=(width * across + 0.6, height * down + 0.9), layout="constrained")
    panels = list(figure.subplots(down, across, squeeze=False).ravel())
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels[:count]


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=8, loc="left")
    axes.tick_params(labelsize=7)
    axes.grid(color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _principal(rows: Floats) -> Floats:
    """(q, 2) the first two principal axes."""
    return np.asarray(np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)[2][:2].T)
