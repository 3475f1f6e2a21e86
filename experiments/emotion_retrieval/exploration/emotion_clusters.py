"""Whether features cluster by emotion: the purity of nearest neighbours against permuted labels.

Measured on the features themselves: distances in a t-SNE picture depend on perplexity and seed (Wattenberg et
al. 2016, How to use t-SNE effectively).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows
from encoders.lexicon import EMOTIONS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NO_EMOTION = "no emotion"
LABELS = (*EMOTIONS, NO_EMOTION)
NONE = len(EMOTIONS)  # number of NO_EMOTION
TEXT, VIDEO, TOGETHER = "text", "video", "text and video"
QUANTILES = (0.025, 0.975)


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledSet:
    """Captions and videos with emotions.

    emotions:     (captions, 8) counts in the order of EMOTIONS
    item_by_text: (captions,) the video of each
    videos:       number of videos
    """

    emotions: Rows
    item_by_text: Ints
    videos: int

    def compute_labels(self, emotions: Rows) -> tuple[Ints, Ints]:
        """Labels of captions and of videos, numbers in LABELS; a video has the sum of its captions."""
        totals = np.zeros((self.videos, len(EMOTIONS)))
        np.add.at(totals, self.item_by_text, emotions)
        return choose_labels(emotions), choose_labels(totals)

    @property
    def labels(self) -> tuple[Ints, Ints]:
        """Labels of the captions and of the videos."""
        return self.compute_labels(self.emotions)

    @property
    def tied(self) -> int:
        """Captions of which two or more emotions are named most often: the first gives the label."""
        highest = self.emotions.max(axis=1, keepdims=True)
        return int((((self.emotions == highest).sum(axis=1) > 1) & (highest[:, 0] > 0)).sum())


@dataclass(frozen=True, kw_only=True)
class Purity:
    """Mean share of neighbours that have a point's label.

    low, high: 95 % interval over videos (bootstrap)
    chance, chance_low, chance_high: mean and 95 % range under permuted labels
    p_value:   of as high a purity under permuted labels, one-sided
    points:    that it is a mean of; without any, all else is None
    """

    points: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    chance_low: float | None = None
    chance_high: float | None = None
    p_value: float | None = None


def choose_labels(emotions: Rows | Floats) -> Ints:
    """(n,) the emotion with the highest count, the first of several, NONE where all are zero.

    The emotion report takes the first of all eight, joy, where all are zero.
    """
    return np.where(emotions.any(axis=1), emotions.argmax(axis=1), NONE).astype(np.int64)


def find_neighbours(rows: Rows, owners: Ints, count: int) -> Ints:
    """(n, count) the nearest rows by cosine, none of the same video.

    Raises AffectError where there are fewer others.
    """
    most = np.bincount(owners).max(initial=0)
    if len(rows) - most < count:
        raise AffectError(
            f"{len(rows)} points are too few for {count} neighbours of other videos; give fewer --neighbours"
        )
    similarities = rows.astype(np.float64) @ rows.T
    similarities[owners[:, None] == owners] = -np.inf
    return np.argpartition(-similarities, count - 1, axis=1)[:, :count].astype(np.int64)


def measure_purities(
    texts: Rows, videos: Rows, labelled: LabelledSet, *, neighbours: int, draws: int, seed: int
) -> dict[str, dict[str, Purity]]:
    """By TEXT, VIDEO and TOGETHER, and by label or "emotions" (points with one): the purity.

    texts, videos: (captions, d), (videos, d) unit rows

    Captions' emotions are permuted, and videos' labels follow them, so that a pair keeps its common label.
    Neighbours of the same video never count. Raises AffectError for too few points.
    """
    video_numbers = np.arange(labelled.videos)
    owners_by_kind = {
        TEXT: labelled.item_by_text, VIDEO: video_numbers,
        TOGETHER: np.concatenate([labelled.item_by_text, video_numbers]),
    }  # fmt: skip
    rows_by_kind = {TEXT: texts, VIDEO: videos, TOGETHER: np.concatenate([texts, videos])}
    near = {kind: find_neighbours(rows_by_kind[kind], owners_by_kind[kind], neighbours) for kind in LABELS_OF}
    rng = np.random.default_rng(seed)
    permuted = [
        labelled.compute_labels(labelled.emotions[rng.permutation(len(labelled.emotions))])
        for _ in range(draws)
    ]
    return {
        kind: _measure_kind(
            near[kind],
            owners_by_kind[kind],
            select(*labelled.labels),
            [select(*labels) for labels in permuted],
            rng,
        )
        for kind, select in LABELS_OF.items()
    }


LABELS_OF = {
    TEXT: lambda text_labels, video_labels: text_labels,
    VIDEO: lambda text_labels, video_labels: video_labels,
    TOGETHER: lambda text_labels, video_labels: np.concatenate([text_labels, video_labels]),
}


def _measure_kind(
    near: Ints, owners: Ints, labels: Ints, permuted: Sequence[Ints], rng: np.random.Generator
) -> dict[str, Purity]:
    shares = (labels[near] == labels[:, None]).mean(axis=1)
    masks = {"emotions": labels != NONE, **{name: labels == at for at, name in enumerate(LABELS)}}
    chance: dict[str, list[float]] = {name: [] for name in masks}
    for other in permuted:
        other_shares = (other[near] == other[:, None]).mean(axis=1)
        for name, values in chance.items():
            mask = other != NONE if name == "emotions" else other == LABELS.index(name)
            if mask.any():
                values.append(float(other_shares[mask].mean()))
    return {name: _estimate(shares[mask], owners[mask], chance[name], rng) for name, mask in masks.items()}


def _estimate(shares: Floats, owners: Ints, chance: Sequence[float], rng: np.random.Generator) -> Purity:
    if not len(shares) or not chance:
        return Purity(points=len(shares))
    value = float(shares.mean())
    _, numbers = np.unique(owners, return_inverse=True)
    sums, counts = np.bincount(numbers, shares), np.bincount(numbers)
    draws = rng.integers(len(sums), size=(len(chance), len(sums)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.quantile(means, QUANTILES) if len(sums) > 1 else (None, None)
    chance_low, chance_high = np.quantile(chance, QUANTILES)
    as_high = sum(other >= value - 1e-12 for other in chance)
    return Purity(
        points=len(shares), value=value, low=_to_float(low), high=_to_float(high),
        chance=float(np.mean(chance)), chance_low=float(chance_low), chance_high=float(chance_high),
        p_value=(1 + as_high) / (1 + len(chance)),
    )  # fmt: skip


def _to_float(value: Any) -> float | None:
    return None if value is None else float(value)


def count_labels(labels: Ints) -> Mapping[str, int]:
    """By label, in the order of LABELS, the number of points."""
    return dict(zip(LABELS, np.bincount(labels, minlength=len(LABELS)).tolist(), strict=True))
