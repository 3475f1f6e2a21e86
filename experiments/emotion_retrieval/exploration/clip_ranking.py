"""A folder's clips ranked for a query by a model, and mean scores of classes that their names tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student_t
from scipy.stats import ttest_ind

from retrieval.evaluation import Estimate

Floats = npt.NDArray[np.float64]

MIN_CLASS_SIZE = 2  # clips of an inferred class
INTERVAL_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class ClipRanking:
    """Clips by descending score, ties by name, with their cosines to the query.

    as_reported: the order that the emotion report's code would print
    """

    names: tuple[str, ...]
    scores: tuple[float, ...]
    as_reported: tuple[str, ...]


def rank_clips(scores: Mapping[str, float]) -> ClipRanking:
    """The ranking of clips by their scores."""
    ordered = sorted(scores, key=lambda name: (-scores[name], name))
    return ClipRanking(
        names=tuple(ordered),
        scores=tuple(scores[name] for name in ordered),
        as_reported=tuple(order_as_reported(scores)),
    )


def order_as_reported(scores: Mapping[str, float]) -> list[str]:
    """The emotion report's order: for each clip in turn, the clip whose number is the rank of that clip.

    It looks up names by ranks where it means to sort by them, which is the inverse permutation: right only
    where ranks are exchanged in pairs. Clips with equal scores print one name twice.
    """
    names = list(scores)
    descending = sorted(scores.values(), reverse=True)
    return [names[descending.index(score)] for score in scores.values()]


def infer_classes(names: Sequence[str]) -> tuple[str, ...]:
    """Words that names of clips begin with, such as happy of happy1.mp4, where several do; by name."""
    words = [match[0].lower() for name in names if (match := re.match(r"[^\W\d_]+", name))]
    counts = Counter(words)
    return tuple(sorted(word for word, count in counts.items() if count >= MIN_CLASS_SIZE))


def assign_classes(names: Sequence[str], classes: Sequence[str]) -> dict[str, str | None]:
    """By name the first of the classes that is part of it, in any case; None where none is."""
    return {name: next((one for one in classes if one.lower() in name.lower()), None) for name in names}


def average_by_class(
    scores: Mapping[str, float], class_by_name: Mapping[str, str | None], classes: Sequence[str]
) -> dict[str, Estimate | None]:
    """The mean score of each class with its 95 % interval over clips; None for a class without clips."""
    return {name: _estimate_mean(_select(scores, class_by_name, name)) for name in classes}


def compare_classes(
    scores: Mapping[str, float], class_by_name: Mapping[str, str | None], first: str, second: str
) -> Estimate | None:
    """Mean score of one class less that of another, with Welch's 95 % interval; None without clips of one.

    There is no interval where a class has one clip.
    """
    ours, theirs = (_select(scores, class_by_name, name) for name in (first, second))
    if not len(ours) or not len(theirs):
        return None
    difference = float(ours.mean() - theirs.mean())
    if min(len(ours), len(theirs)) < 2:
        return Estimate(difference)
    interval = ttest_ind(ours, theirs, equal_var=False).confidence_interval(INTERVAL_LEVEL)
    return Estimate(difference, float(interval.low), float(interval.high))


def _select(scores: Mapping[str, float], class_by_name: Mapping[str, str | None], wanted: str) -> Floats:
    return np.array([score for name, score in scores.items() if class_by_name[name] == wanted], np.float64)


def _estimate_mean(scores: Floats) -> Estimate | None:
    if not len(scores):
        return None
    mean = float(scores.mean())
    if len(scores) < 2:
        return Estimate(mean)
    half = float(
        student_t.ppf((1 + INTERVAL_LEVEL) / 2, len(scores) - 1) * scores.std(ddof=1) / np.sqrt(len(scores))
    )
    return Estimate(mean, mean - half, mean + half)
