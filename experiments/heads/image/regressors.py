"""The members of the image head: mean, log SD and disagreement between raters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from encoders import Rows
from experiments.heads.image.towers import (
    fit_blankness,
    fit_kernel_tower,
    fit_log_sd,
    fit_ridge_tower,
)
from experiments.heads.image.training_set import Floats, TrainingSet
from retrieval.evaluation import make_group_folds
from spaces import Regressor
from spaces.affect_regression import predict_mean_and_sd

N_FOLDS = 5


def fit_members(
    training_set: TrainingSet, blank_features: Rows, *, seed: int
) -> tuple[dict[str, Regressor], Floats]:
    """The members by name, and the factors (2,) by which predictions are stretched about the mean.

    Least squares shrinks predictions to the mean; they are stretched to the spread of the ratings, by factors
    from predictions on held-out themes, as the concordance correlation rewards (Lin 1989).

    blank_features: (m, 1280) raw rows of blank pictures
    """
    ratings = training_set.mean_ratings
    predictions, blankness = np.empty(ratings.shape), np.empty((len(ratings), 1))
    for fold in make_group_folds(training_set.groups, N_FOLDS, seed):
        rest, held_out = training_set.exclude(fold), training_set.select(fold).unaugmented_features
        predictions[fold] = fit_mean(rest)(held_out)
        blankness[fold] = Regressor(towers=(fit_blankness(rest, blank_features),))(held_out)
    factors = ratings.std(axis=0) / predictions.std(axis=0)
    middle = ratings.mean(axis=0)
    errors = np.abs(np.clip(middle + (predictions - middle) * factors, -1, 1) - ratings)
    blankness_tower = fit_blankness(training_set, blank_features)
    members = {
        "mean": fit_mean(training_set, factors),
        "log_sd": Regressor(towers=(fit_log_sd(blankness_tower, errors, blankness),)),
        "disagreement": Regressor(towers=(fit_ridge_tower(training_set, training_set.rater_sd),)),
    }
    return members, factors


def fit_mean(training_set: TrainingSet, stretch_factors: npt.ArrayLike = 1.0) -> Regressor:
    """Valence and arousal (n, 2), stretched about the mean by `stretch_factors`."""
    return Regressor(
        towers=(
            fit_kernel_tower(training_set, stretch_factors),
            fit_ridge_tower(training_set, training_set.mean_ratings, stretch_factors),
        )
    )


def predict(members: Mapping[str, Regressor], test_set: TrainingSet) -> Floats:
    """(n, 6) valence, arousal, the SD of each, and the predicted disagreement of raters on each."""
    features = test_set.unaugmented_features
    affect = predict_mean_and_sd(members["mean"], members["log_sd"], features)
    return np.concatenate([affect, members["disagreement"](features)], axis=1).astype(np.float64)
