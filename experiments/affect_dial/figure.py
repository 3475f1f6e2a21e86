"""The figure of the dial: content found against distance from the mood, one panel a set."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from encoders import write_atomically
from experiments.affect_dial.measurement import DEPTH, MEASURES
from experiments.affect_dial.summary import QueriesSummary

COLOUR = "#0072B2"  # Okabe & Ito 2008: colour-blind safe
PANEL_SIZE = 3.5, 3.3  # inches
DPI = 96
LABELLED_DIALS = ("0.0", "0.3", "0.5", "0.7", "0.8", "1.0")


def save_dial_figure(path: Path, summaries: Mapping[str, QueriesSummary]) -> None:
    """Write the figure as PNG."""
    width, height = PANEL_SIZE
    figure = Figure(figsize=(width * len(summaries), height), layout="constrained")
    panels = figure.subplots(1, len(summaries), squeeze=False)[0]
    for axes, (name, summary) in zip(panels, summaries.items(), strict=True):
        _draw_panel(axes, name, summary)
    panels[0].set_ylabel(f"content found, R@{DEPTH} in %", fontsize=9)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI)
    write_atomically(path, stream.getvalue())


def _draw_panel(axes: Axes, name: str, summary: QueriesSummary) -> None:
    """The curve with its dials; ribbons are 95 % intervals of both measures."""
    content, fit = (
        np.array(
            [[value.value, value.low, value.high] for s in summary.settings if (value := s.means[measure])]
        )
        for measure in MEASURES[1:]
    )
    order = np.argsort(fit[:, 0])
    axes.fill_between(
        fit[order, 0], content[order, 1], content[order, 2], color=COLOUR, alpha=0.18, linewidth=0
    )
    axes.fill_betweenx(content[:, 0], fit[:, 1], fit[:, 2], color=COLOUR, alpha=0.18, linewidth=0)
    axes.plot(fit[:, 0], content[:, 0], "o-", color=COLOUR, markersize=4, linewidth=1.4)
    for setting, x, y in zip(summary.settings, fit[:, 0], content[:, 0], strict=True):
        if setting.setting in LABELLED_DIALS:
            label = setting.setting.removesuffix(".0")
            axes.annotate(label, (x, y), (5, 4), textcoords="offset points", fontsize=8)
    axes.invert_xaxis()  # to the right: nearer to the mood
    axes.margins(x=0.08, y=0.1)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(f"distance of the first {DEPTH} from the mood", fontsize=9)
    axes.set_title(f"{name}: {summary.count} searches, {summary.group_count} groups", fontsize=9, loc="left")
    axes.grid(alpha=0.25)
    axes.tick_params(labelsize=8)
