"""Names of items and words of moods on a drawn map, as far as there is room for them."""

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
MAX_LABELS, MAX_LABELS_TRIED = 40, 400  # items with names, at most, and how many are tried for room
MAX_LABEL_LENGTH = 24  # characters of a label
MIN_SIDE_SPACING, MIN_TOP_SPACING = 0.09, 0.24  # words at the rim: at the sides, at top and bottom


def place_rim_words() -> list[tuple[str, float, float]]:
    """Words and where they stand on the frame of the square, in their direction, none on another."""
    placed: list[tuple[str, float, float]] = []
    for word, (valence, arousal) in LANDMARKS.items():
        reach = max(abs(valence), abs(arousal))
        if reach == 0:
            continue
        x, y = valence / reach, arousal / reach
        above = abs(y) == 1
        if all(
            abs(x - other_x) >= MIN_TOP_SPACING if above else abs(y - other_y) >= MIN_SIDE_SPACING
            for _, other_x, other_y in placed
            if (abs(other_y) == 1) == above and (y == other_y if above else x == other_x)
        ):
            placed.append((word, x, y))
    return placed


def draw_labels(
    figure: Figure, axes: Axes, points: npt.NDArray[np.float64], labels: Sequence[str],
    drawn_points: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Write names (n,) beside their points (n, 2 or more), as far as they cover no name and no point
    `drawn_points`.

    Those farthest from the middle first.
    """
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    frame = axes.get_window_extent(renderer)
    dots = axes.transData.transform(drawn_points[:, :2])
    taken: list[Bbox] = []
    for at in np.argsort(-distance(points, np.zeros(2)), kind="stable")[:MAX_LABELS_TRIED]:
        if len(taken) == MAX_LABELS:
            return
        for side in (1, -1):
            text = axes.annotate(
                shorten_label(to_printable(labels[at])), (points[at, 0], points[at, 1]), xytext=(5 * side, 0),
                textcoords="offset points", fontsize=7, color=TEXT_COLOUR, zorder=4,
                ha="left" if side > 0 else "right", va="center",
            )  # fmt: skip
            box = text.get_window_extent(renderer).padded(1)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            under = (dots > box.min).all(axis=1) & (dots < box.max).all(axis=1)
            if inside and not under.any() and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()


def shorten_label(text: str, max_length: int = MAX_LABEL_LENGTH) -> str:
    """Text of at most so many characters, as matplotlib writes it: a dollar would begin a formula."""
    text = text if len(text) <= max_length else f"{text[: max_length - 1]}…"
    return text.replace("$", r"\$")
