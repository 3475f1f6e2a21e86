"""Item labels and landmark words on a valence-arousal plot, placed without overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from encoders import to_printable
from spaces.circumplex import LANDMARKS, distance

TEXT_COLOUR = "#1d2433"
MAX_LABELS, MAX_LABELS_TRIED = 40, 400  # labels drawn at most, and items tried for them
MAX_LABEL_LENGTH = 24  # characters of a label
MIN_SIDE_SPACING, MIN_TOP_SPACING = 0.09, 0.24  # axis units between words on one edge


def place_rim_words() -> list[tuple[str, float, float]]:
    """Landmark words projected onto the frame of the plane, as (word, x, y), without overlap."""
    placed: list[tuple[str, float, float]] = []
    for word, (valence, arousal) in LANDMARKS.items():
        norm = max(abs(valence), abs(arousal))
        if norm == 0:
            continue
        x, y = valence / norm, arousal / norm
        on_horizontal_edge = abs(y) == 1
        if all(
            abs(x - other_x) >= MIN_TOP_SPACING
            if on_horizontal_edge
            else abs(y - other_y) >= MIN_SIDE_SPACING
            for _, other_x, other_y in placed
            if (abs(other_y) == 1) == on_horizontal_edge
            and (y == other_y if on_horizontal_edge else x == other_x)
        ):
            placed.append((word, x, y))
    return placed


def draw_labels(
    figure: Figure, axes: Axes, points: npt.NDArray[np.float64], labels: Sequence[str],
    drawn_points: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Annotate points (n, 2 or more) with labels (n,) that overlap no other label and no `drawn_points`.

    Points farthest from the origin are labelled first.
    """
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    frame = axes.get_window_extent(renderer)
    point_pixels = axes.transData.transform(drawn_points[:, :2])
    placed_boxes: list[Bbox] = []
    for index in np.argsort(-distance(points, np.zeros(2)), kind="stable")[:MAX_LABELS_TRIED]:
        if len(placed_boxes) == MAX_LABELS:
            return
        for side in (1, -1):
            text = axes.annotate(
                shorten_label(to_printable(labels[index])), (points[index, 0], points[index, 1]),
                xytext=(5 * side, 0), textcoords="offset points", fontsize=7, color=TEXT_COLOUR, zorder=4,
                ha="left" if side > 0 else "right", va="center",
            )  # fmt: skip
            box = text.get_window_extent(renderer).padded(1)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            covered = (point_pixels > box.min).all(axis=1) & (point_pixels < box.max).all(axis=1)
            if inside and not covered.any() and not any(box.overlaps(other) for other in placed_boxes):
                placed_boxes.append(box)
                break
            text.remove()


def shorten_label(text: str, max_length: int = MAX_LABEL_LENGTH) -> str:
    """Text of at most `max_length` characters, its dollar signs escaped: matplotlib reads them as math."""
    text = text if len(text) <= max_length else f"{text[: max_length - 1]}…"
    return text.replace("$", r"\$")
