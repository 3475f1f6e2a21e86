"""Selection of an alignment method by cross-validation, and the significance of its gain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from retrieval.evaluation import ccc, make_group_folds
from retrieval.training.anchors import FOLD_COUNT
from spaces.alignment import AlignmentMethod, make_closed_form_methods

Floats = npt.NDArray[np.float64]

CANDIDATE_METHODS = ("z-score", "similarity", "ridge", "kernel ridge")
PERMUTATION_DRAWS = 999


def select_method(
    audio_affect: Floats,
    image_affect: Floats,
    video_ids: npt.NDArray[np.str_],
    seed: int,
    on_method_done: Callable[[], None],
) -> AlignmentMethod:
    """The method with the highest held-out CCC; `on_method_done` is called after each candidate."""
    methods = make_closed_form_methods()
    folds = make_group_folds(video_ids.tolist(), min(FOLD_COUNT, len(set(video_ids.tolist()))), seed + 1)
    best: tuple[float, str] = (-np.inf, CANDIDATE_METHODS[0])
    for name in CANDIDATE_METHODS:
        mapped = np.empty_like(audio_affect)
        for held in folds:
            rest = np.setdiff1d(np.arange(len(audio_affect)), held)
            fitted = methods[name].fit(audio_affect[rest], image_affect[rest], seed=seed)
            mapped[held] = fitted.project_source(audio_affect[held])
        best = max(best, (compute_mean_ccc(mapped, image_affect), name))
        on_method_done()
    return methods[best[1]]


def compute_mean_ccc(predictions: Floats, targets: Floats) -> float:
    """Mean CCC of both dimensions: 1 for agreement, 0 where all predictions are one point."""
    return float(np.nan_to_num(ccc(predictions, targets)).mean())


def compute_gain(points: Floats) -> float:
    """CCC of mapped minus that of unmapped audio; points (n, 3, 2) are mapped, unmapped and image affect."""
    return compute_mean_ccc(points[:, 0], points[:, 2]) - compute_mean_ccc(points[:, 1], points[:, 2])


def compute_permutation_p_value(points: Floats, video_ids: npt.NDArray[np.str_], seed: int) -> float:
    """One-sided p-value of the gain: mapped and unmapped points swapped for about half of the videos."""
    rng = np.random.default_rng(seed)
    number = np.unique(video_ids, return_inverse=True)[1]
    gain, null_gains = compute_gain(points), []
    for _ in range(PERMUTATION_DRAWS):
        swap = rng.random(number.max() + 1)[number] < 0.5
        drawn = points.copy()
        drawn[swap, 0], drawn[swap, 1] = points[swap, 1], points[swap, 0]
        null_gains.append(compute_gain(drawn))
    return round((1 + sum(null_gain >= gain for null_gain in null_gains)) / (PERMUTATION_DRAWS + 1), 4)
