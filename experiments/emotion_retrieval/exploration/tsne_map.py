"""Texts and videos in one t-SNE, and its picture: a panel for each emotion and one of all."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from encoders import AffectError, Rows
from encoders.lexicon import EMOTIONS
from experiments.emotion_retrieval.exploration.emotion_clusters import LABELS, NO_EMOTION, Ints, Purity

Points = npt.NDArray[np.float64]

# Okabe & Ito 2008, colour-blind safe; grey for no emotion
COLOURS = dict(
    zip(
        EMOTIONS,
        ("#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000", "#0072B2", "#8C6D1F", "#D55E00"),
        strict=True,
    )
)
REST_COLOUR = "#c4c4c4"
TEXT_MARKER, VIDEO_MARKER = "o", "^"
DPI = 130


def embed(rows: Rows, *, perplexity: float, seed: int) -> Points:
    """(n, 2) t-SNE (van der Maaten and Hinton 2008) of rows (n, d), from their principal components.

    Raises AffectError for a perplexity that the number of rows does not allow.
    """
    from sklearn.manifold import TSNE

    if perplexity >= len(rows):
        raise AffectError(
            f"a perplexity of {perplexity:g} needs more than {len(rows)} points; give a lower one"
        )
    points: Points = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(rows)
    return points.astype(np.float64)


def draw_map(
    texts: Points, videos: Points, text_labels: Ints, video_labels: Ints, *,
    limits: tuple[tuple[float, float], tuple[float, float]], title: str, purities: Mapping[str, Purity],
) -> bytes:  # fmt: skip
    """A PNG of nine panels: each emotion against all the rest, and all together.

    limits:   (lowest, highest) of x and of y, the same for the models that are compared
    purities: by emotion, of texts and videos together, for the titles
    """
    figure = Figure(figsize=(12, 12.6), layout="constrained")
    panels = figure.subplots(3, 3, sharex=True, sharey=True).ravel()
    for axes, name in zip(panels, EMOTIONS, strict=False):
        number = LABELS.index(name)
        _scatter(axes, texts, videos, REST_COLOUR, 7, 0.6)
        chosen_texts, chosen_videos = text_labels == number, video_labels == number
        _scatter(axes, texts[chosen_texts], videos[chosen_videos], COLOURS[name], 22, 0.9)
        counts = f"{chosen_texts.sum()} texts, {chosen_videos.sum()} videos"
        axes.set_title(f"{name}: {counts}\n{_describe(purities[name])}", fontsize=10, loc="left")
    _draw_all(panels[-1], texts, videos, text_labels, video_labels)
    for axes in panels:
        axes.set_xlim(limits[0])
        axes.set_ylim(limits[1])
        axes.set_xticks([])
        axes.set_yticks([])
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    figure.legend(handles=_make_legend(), loc="outside lower center", ncols=6, fontsize=10, frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI)
    return stream.getvalue()


def _scatter(axes: Axes, texts: Points, videos: Points, colour: str, size: float, alpha: float) -> None:
    """Discs for texts; open triangles for videos, so that a text under its video is seen."""
    axes.scatter(texts[:, 0], texts[:, 1], s=size, c=colour, marker=TEXT_MARKER, alpha=alpha, linewidths=0)
    axes.scatter(
        videos[:, 0], videos[:, 1], s=1.4 * size, facecolors="none", edgecolors=colour, marker=VIDEO_MARKER,
        alpha=alpha, linewidths=0.9,
    )  # fmt: skip


def _draw_all(axes: Axes, texts: Points, videos: Points, text_labels: Ints, video_labels: Ints) -> None:
    none = LABELS.index(NO_EMOTION)
    for number in (none, *range(len(EMOTIONS))):  # those without an emotion below
        colour = REST_COLOUR if number == none else COLOURS[LABELS[number]]
        _scatter(axes, texts[text_labels == number], videos[video_labels == number], colour, 14, 0.8)
    counts = f"{(text_labels == none).sum()} texts, {(video_labels == none).sum()} videos"
    axes.set_title(f"all; {NO_EMOTION}: {counts}\n", fontsize=10, loc="left")


def _describe(purity: Purity) -> str:
    if purity.value is None:
        return "no points"
    return f"neighbours alike {purity.value:.2f}, by chance {purity.chance:.2f}"


def _make_legend() -> list[Line2D]:
    def make(colour: str, marker: str, label: str, fill: Literal["full", "none"] = "full") -> Line2D:
        return Line2D([], [], linestyle="", marker=marker, color=colour, label=label, fillstyle=fill)

    kinds = [make("#555555", TEXT_MARKER, "text"), make("#555555", VIDEO_MARKER, "video", "none")]
    labels = [make(colour, "s", name) for name, colour in COLOURS.items()]
    return [*kinds, *labels, make(REST_COLOUR, "s", f"{NO_EMOTION}, the rest")]
