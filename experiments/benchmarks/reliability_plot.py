"""Reliability curves by modality as a figure."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.statistics.reliability_curve import ReliabilityCurve
from retrieval.report.modality_style import MODALITY_PLURALS, get_colour
from retrieval.report.output_file import write_output

PANEL_INCHES = 2.9
DPI = 96
MIN_POINT, MAX_POINT = 12.0, 140.0  # areas of points, in square points


def save_reliability_plot(curves: Mapping[str, ReliabilityCurve], path: Path) -> None:
    """One panel a modality: the share of matches over the mean score of each bin, and the diagonal.

    Points are as large as their bin's share of the pairs. Raises AffectError where the file can't be written.
    """
    figure = Figure(figsize=(PANEL_INCHES * len(curves), PANEL_INCHES + 0.3), layout="constrained")
    panels = figure.subplots(1, len(curves), squeeze=False, sharey=True)[0]
    for axes, (modality, curve) in zip(panels, curves.items(), strict=True):
        _draw_curve(axes, modality, curve)
    panels[0].set_ylabel("share that matches", fontsize=9)
    stream = io.BytesIO()
    figure.savefig(stream, format=path.suffix.removeprefix(".") or "png", dpi=DPI)
    write_output(path, stream.getvalue())


def _draw_curve(axes: Axes, modality: str, curve: ReliabilityCurve) -> None:
    colour = get_colour(modality)
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--")
    axes.plot(curve.mean_scores, curve.match_shares, color=colour, linewidth=1.2)
    areas = MIN_POINT + (MAX_POINT - MIN_POINT) * curve.weights**0.5
    axes.scatter(curve.mean_scores, curve.match_shares, s=areas, color=colour, zorder=3)
    axes.set_title(
        f"{MODALITY_PLURALS[modality]}: error {curve.expected_calibration_error:.3f}", fontsize=9, loc="left"
    )
    axes.set_xlabel("score", fontsize=9)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
