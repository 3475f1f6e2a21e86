"""A benchmark of induced affect from the features of LIRIS-ACCEDE, of which nothing is packaged.

The films are not available, so no model of these features can serve the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, to_printable
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.liris_accede import (
    FOLDER,
    TABLE_DESCRIPTION,
    FilmClips,
    concatenate_clips,
    load_liris_accede,
)
from experiments.heads.report_figure import (
    DIMENSIONS,
    EvaluationPart,
    MetricResult,
    measure_metric,
    pair_ccc,
    pair_pearson,
)
from retrieval.evaluation import make_group_folds, pearson
from spaces.joint.space import gaussian_kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Predictor = Callable[[Floats], Floats]
FitModel = Callable[[Floats, Floats, npt.NDArray[np.bool_], int], Predictor]

HUE_ANGLE_COLUMN = "alpha"  # degrees, -1 where no template of harmonious hues fits
N_FOLDS = 5
N_QUANTILES = 300  # of the map to normal scores
MAX_ABS_SCORE = 2.5  # to which normal scores are clipped
RIDGE_PENALTY = 100  # of the baseline
KERNEL_RIDGE_PENALTY = 10.0
NEIGHBOUR_DECAY_CLIPS = 5.0  # distance in clips at which a neighbour in the film weighs 1 / e
REQUIRED_CORRELATIONS = {"valence": 0.25, "arousal": 0.30}
PUBLISHED_CORRELATIONS = {"valence": 0.22, "arousal": 0.28}
PUBLISHED_SOURCE = "Baveye et al. 2015, support vector regression, official test"


def load_clips(data_root: Path = DATA_ROOT) -> FilmClips:
    """The excerpts of LIRIS-ACCEDE, the angle of the hues as sine and cosine. Raises AffectError."""
    clips = load_liris_accede(data_root)
    if HUE_ANGLE_COLUMN not in clips.feature_names:
        raise AffectError(f"{to_printable(data_root / FOLDER)}: not {TABLE_DESCRIPTION} ({HUE_ANGLE_COLUMN})")
    column = clips.feature_names.index(HUE_ANGLE_COLUMN)
    degrees = clips.features[:, column]
    radians, has_angle = np.radians(degrees), degrees >= 0
    names = [name for name in clips.feature_names if name != HUE_ANGLE_COLUMN]
    others = np.delete(clips.features, column, axis=1)
    return replace(
        clips,
        feature_names=(*names, "alpha_sine", "alpha_cosine"),
        features=np.column_stack([others, np.sin(radians) * has_angle, np.cos(radians) * has_angle]),
    )


def fit_normal_scores(features: Floats) -> Predictor:
    """A map of each column to normal scores by its ranks among `features`, clipped, against outliers.

    (7 % of wtf_max2stdratio_11 and the other 93 % of _12 are about 1e15: a ratio to a deviation of almost 0.)
    """
    from sklearn.preprocessing import QuantileTransformer

    ranks = QuantileTransformer(
        output_distribution="normal", n_quantiles=min(N_QUANTILES, len(features)), random_state=0
    )
    ranks.fit(features)
    return lambda queries: np.clip(ranks.transform(queries), -MAX_ABS_SCORE, MAX_ABS_SCORE)


def fit_ridge(features: Floats, targets: Floats, is_audio: npt.NDArray[np.bool_], seed: int) -> Predictor:
    """The baseline: ridge regression on normal scores; `is_audio` and `seed` are ignored."""
    from sklearn.linear_model import Ridge

    scores = fit_normal_scores(features)
    model = Ridge(alpha=RIDGE_PENALTY).fit(scores(features), targets)
    return lambda queries: np.asarray(model.predict(scores(queries)))


def fit_ensemble(features: Floats, targets: Floats, is_audio: npt.NDArray[np.bool_], seed: int) -> Predictor:
    """From features (n, d) to targets (n, k): the mean of kernel ridge and of extremely randomised trees.

    The kernel is the mean of a visual kernel, an audio kernel (`is_audio` columns) and their product
    (Saunders, Gammerman & Vovk 1998; Geurts, Ernst & Wehenkel 2006).
    """
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.kernel_ridge import KernelRidge

    scores = fit_normal_scores(features)
    mean = targets.mean(axis=0)
    train_scores = scores(features)

    def compute_kernel(left: Floats, right: Floats) -> Floats:
        sides = [
            gaussian_kernel(left[:, columns], right[:, columns], 1 / columns.sum())
            for columns in (is_audio, ~is_audio)
        ]
        return np.asarray((sides[0] + sides[1] + sides[0] * sides[1]) / 3)

    smooth = KernelRidge(kernel="precomputed", alpha=KERNEL_RIDGE_PENALTY).fit(
        compute_kernel(train_scores, train_scores), targets - mean
    )
    trees = ExtraTreesRegressor(200, min_samples_leaf=10, max_features=0.4, random_state=seed)
    trees.fit(train_scores, targets)

    def predict(queries: Floats) -> Floats:
        query_scores = scores(queries)
        kernel_ridge = smooth.predict(compute_kernel(query_scores, train_scores)) + mean
        return np.asarray((kernel_ridge + trees.predict(query_scores)) / 2)

    return predict


def compute_ranks(ratings: Floats) -> Floats:
    """(n, k) ranks of each column in (0, 1): ratings are clustered, so their order is all that is used."""
    return np.asarray((ratings.argsort(axis=0).argsort(axis=0) + 0.5) / len(ratings))


def match_mean_and_sd(predictions: Floats, ratings: Floats) -> Floats:
    """`predictions` (n, k) moved and scaled to the means and SDs of `ratings`, as CCC rewards; r stays."""
    scale = ratings.std(axis=0) / predictions.std(axis=0)
    return np.asarray((predictions - predictions.mean(axis=0)) * scale + ratings.mean(axis=0))


def add_neighbour_means(predictions: Floats, film_ids: Ints, decay: float = NEIGHBOUR_DECAY_CLIPS) -> Floats:
    """`predictions` (n, k) plus the mean over each clip's neighbours in its film, weighted by nearness.

    Ratings of adjacent clips correlate by .31 (valence) and .19 (arousal).
    """
    summed = predictions - predictions.mean(axis=0)
    for film in np.unique(film_ids):
        rows = np.flatnonzero(film_ids == film)
        weight = np.exp(-np.abs(np.subtract.outer(rows, rows)) / decay)
        np.fill_diagonal(weight, 0)
        if len(rows) > 1:
            weight /= weight.sum(axis=1, keepdims=True)
            summed[rows] += weight @ (predictions[rows] - predictions.mean(axis=0))
    return summed + predictions.mean(axis=0)


def predict_held_out(
    clips: FilmClips, train_rows: Ints, test_rows: Ints | None, fit_model: FitModel, *, seed: int
) -> Floats:
    """(m, 2) predicted ranks of `test_rows` by a model of `train_rows`.

    Without `test_rows`: of the training rows, whole films held out in turn.
    """

    def fit_and_predict(fit_rows: Ints, predicted_rows: Ints) -> Floats:
        targets = compute_ranks(clips.ratings[fit_rows])
        predict = fit_model(clips.features[fit_rows], targets, clips.is_audio, seed)
        return predict(clips.features[predicted_rows])

    if test_rows is not None:
        return fit_and_predict(train_rows, test_rows)
    predictions = np.full((len(train_rows), 2), np.nan)
    for fold in make_group_folds(list(clips.film_ids[train_rows]), N_FOLDS, seed):
        predictions[fold] = fit_and_predict(np.delete(train_rows, fold), train_rows[fold])
    return predictions


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """r and CCC of induced valence and arousal, of each clip alone, and with its neighbours in the film.

    folds: films of learn and valid held out in turn; dev: trained on learn, tested on valid; test: trained
        on both, tested on the official test split, where `data_root` has its rows (learn and valid are then
        those of DATA_ROOT if `data_root` has none). Intervals draw whole films.
    """
    clips = load_clips(data_root)
    if part == "test" and not len(clips.find_rows("learn", "valid")) and len(clips.find_rows("test")):
        clips = concatenate_clips(load_clips(DATA_ROOT), clips)
    train_rows = clips.find_rows("learn") if part == "dev" else clips.find_rows("learn", "valid")
    test_rows = {"folds": train_rows, "dev": clips.find_rows("valid"), "test": clips.find_rows("test")}[part]
    if not len(train_rows) or not len(test_rows):
        return []
    held_out = None if part == "folds" else test_rows
    baseline, predictions = (
        predict_held_out(clips, train_rows, held_out, fit_model, seed=seed)
        for fit_model in (fit_ridge, fit_ensemble)
    )
    with_neighbours = add_neighbour_means(predictions, clips.film_ids[test_rows])
    results = []
    for suffix, ranks in (("", predictions), (", with its neighbours", with_neighbours)):
        affect = match_mean_and_sd(ranks, clips.ratings[train_rows])
        results += _compute_metrics(clips, test_rows, affect, baseline, suffix, part, seed)
    return results


def _compute_metrics(
    clips: FilmClips, test_rows: Ints, affect: Floats, baseline: Floats, suffix: str, part: EvaluationPart,
    seed: int,
) -> list[MetricResult]:  # fmt: skip
    """r and CCC of the predicted affect (m, 2) of `test_rows`, named with a suffix."""
    truth, films = clips.ratings[test_rows], clips.film_ids[test_rows].tolist()
    measure = partial(measure_metric, "liris", part=part, seed=seed, groups=films)
    results = []
    for column, name in enumerate(DIMENSIONS):
        pairs = np.stack([affect[:, column], truth[:, column]], axis=1)
        ridge = float(pearson(baseline[:, column], truth[:, column]))
        ceiling = f"unknown; {PUBLISHED_CORRELATIONS[name]:.2f} ({PUBLISHED_SOURCE})"
        results += [
            measure(
                f"{name} r{suffix}", pairs, pair_pearson, baseline=f"ridge {ridge:.2f}", ceiling=ceiling,
                required=REQUIRED_CORRELATIONS[name],
            ),
            measure(f"{name} CCC{suffix}", pairs, pair_ccc),
        ]  # fmt: skip
    return results
