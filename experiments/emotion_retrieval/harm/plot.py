"""A forest plot of what each variant changes, by query set."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from retrieval.evaluation import Estimate

COLOUR, LOSS_COLOUR, GAIN_COLOUR = "#555555", "#D55E00", "#0072B2"  # Okabe & Ito 2008: colour-blind safe
DPI = 130
ROW_INCHES = 0.3


def draw_forest(
    names: Sequence[str], panels: Mapping[str, Sequence[Estimate | None]], title: str, axis_label: str
) -> bytes:
    """A PNG with a row for each name and a panel for each title.

    panels: by title, the difference of each name, None where there is none. One whose interval is all below
            zero is orange, all above blue
    """
    figure = Figure(figsize=(4 + 3 * len(panels), 1.4 + ROW_INCHES * len(names)), layout="constrained")
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (panel, differences) in zip(all_axes, panels.items(), strict=True):
        _draw_panel(axes, differences)
        axes.set_title(panel, fontsize=10, loc="left")
        axes.set_xlabel(axis_label, fontsize=9)
    all_axes[0].set_yticks(range(len(names)), names, fontsize=9)
    all_axes[0].set_ylim(len(names) - 0.5, -0.5)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI)
    return stream.getvalue()


def _draw_panel(axes: Axes, differences: Sequence[Estimate | None]) -> None:
    axes.axvline(0, color="black", linewidth=0.8)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    for row, difference in enumerate(differences):
        if difference is None:
            continue
        low = difference.value if difference.low is None else difference.low
        high = difference.value if difference.high is None else difference.high
        colour = LOSS_COLOUR if high < 0 else GAIN_COLOUR if low > 0 else COLOUR
        axes.plot([low, high], [row, row], color=colour, linewidth=2)
        axes.plot(difference.value, row, marker="o", markersize=5, color=colour)
