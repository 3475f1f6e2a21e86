"""Growth of latency, opening and memory with the number of items, as a figure."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from retrieval.report.output_file import write_output

PANEL_INCHES, DPI = 3.2, 110
LINE_COLOURS = ("#1b6ca8", "#c05621", "#2f855a")


def save_growth_plot(
    item_counts: Sequence[int], series: Mapping[str, Mapping[str, Sequence[float]]], path: Path
) -> None:
    """One panel for each unit, with a line for each of its series, over the number of items; both axes log.

    series: values (len(item_counts),) by name, by unit. Raises AffectError where the file can't be written.
    """
    figure = Figure(figsize=(PANEL_INCHES * len(series), PANEL_INCHES), layout="constrained")
    panels = figure.subplots(1, len(series), squeeze=False)[0]
    for axes, (unit, lines) in zip(panels, series.items(), strict=True):
        for colour, (name, values) in zip(LINE_COLOURS, lines.items(), strict=False):
            axes.plot(item_counts, values, marker="o", markersize=4, color=colour, label=name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(*_find_decades(lines))
        for axis_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            axis_formatter(FuncFormatter(_format_tick))
        axes.set_xlabel("items")
        axes.set_ylabel(unit)
        axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
        axes.legend(fontsize=8, frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format=path.suffix.removeprefix(".") or "png", dpi=DPI)
    write_output(path, stream.getvalue())


def _find_decades(lines: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """The powers of ten around all values: within less than one decade an axis has hardly a tick."""
    logs = np.log10(np.concatenate([np.asarray(values, np.float64) for values in lines.values()]))
    return 10 ** np.floor(logs.min()), 10 ** np.ceil(logs.max())


def _format_tick(value: float, _: int) -> str:
    """Values that begin with 1, 2 or 5 alone: more do not fit beside a short axis."""
    digits = f"{value:g}"
    return digits if digits.strip("0.")[:1] in ("1", "2", "5") else ""
