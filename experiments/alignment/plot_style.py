"""Colours, panels and titles of a study's plots."""

from __future__ import annotations

import math
import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"  # Okabe & Ito 2008
KIND_COLOURS = {"none": "#8a8a8a", "linear": BLUE, "curved": RED}
GREY, PALE = "#8a8a8a", "#e3e3e3"
PANEL_TITLE_SIZE, FIGURE_TITLE_SIZE = 8, 10  # points
CHARACTER_WIDTH = 0.55  # of the font size, on average
POINTS_PER_INCH = 72
TICK_LABEL_WIDTH = 0.9  # inches left of a panel
MIN_FIGURE_WIDTH = 5.6  # inches, so that a title of two lines fits


def make_panels(
    count: int, max_columns: int, panel_width: float, panel_height: float, *, extra_height: float = 0.9
) -> tuple[Figure, list[Axes]]:
    """A figure of `count` axes in rows of at most `max_columns`; sizes in inches.

    extra_height: for the title, and a legend below
    """
    columns = min(max_columns, count)
    rows = math.ceil(count / columns)
    size = (max(MIN_FIGURE_WIDTH, panel_width * columns + 0.6), panel_height * rows + extra_height)
    figure = Figure(figsize=size, layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels[:count]


def set_figure_title(figure: Figure, title: str) -> None:
    """Write a title above all panels, in as many lines as its width needs."""
    lines = [_wrap(line, figure.get_figwidth() - 0.1, FIGURE_TITLE_SIZE) for line in title.split("\n")]
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=FIGURE_TITLE_SIZE)


def style_axes(axes: Axes, title: str) -> None:
    """Write the title of a panel, in as many lines as its width needs; no frame, a pale grid."""
    grid = axes.get_gridspec()
    columns = 1 if grid is None else grid.ncols
    figure_width = float(axes.figure.get_window_extent().width) / axes.figure.dpi
    width = figure_width / columns - TICK_LABEL_WIDTH
    axes.set_title(_wrap(title, width, PANEL_TITLE_SIZE), fontsize=PANEL_TITLE_SIZE, loc="left")
    axes.tick_params(labelsize=7)
    axes.grid(color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _wrap(text: str, width: float, font_size: float) -> str:
    characters = max(10, int(width * POINTS_PER_INCH / (font_size * CHARACTER_WIDTH)))
    return textwrap.fill(text, characters)
