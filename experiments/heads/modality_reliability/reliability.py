"""Reliability of modalities: a factor on the precision each states, and the correlation of their errors.

Both are maximum-likelihood estimates, such that the fused affect is as likely as possible whether one
modality is present or both. Factors come from few sets, so they are drawn towards 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.heads.modality_reliability.paired_modalities import Floats, Ints, PairedModalities
from experiments.heads.modality_reliability.prediction import predict_held_out
from fusion import precision_weighted_mean
from fusion.affect_fusion import PerDimension
from retrieval.evaluation import make_group_folds

MODALITIES = ("image", "sound", "face", "text")
PRIOR_LOG_SD = 0.3  # SD of a log reliability before any evidence, and of its difference between sets
N_JACKKNIFE_FOLDS = 10
MAX_CORRELATION = 0.95
LOG_BOUNDS = -2, 2  # of a log reliability

JsonDict = dict[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class ReliabilityEstimate:
    """The reliabilities estimated on one set.

    reliability: by modality, (valence, arousal) factors on the stated precision
    log_standard_error: by modality, standard errors of their logarithms (jackknife over groups)
    error_correlation: of the modalities' errors, valence and arousal
    """

    name: str
    reliability: Mapping[str, PerDimension]
    log_standard_error: Mapping[str, PerDimension]
    error_correlation: PerDimension

    def to_json(self) -> JsonDict:
        """As JSON."""
        return {
            "set": self.name,
            "reliability": {name: round_pair(pair) for name, pair in self.reliability.items()},
            "log_error": {name: round_pair(pair) for name, pair in self.log_standard_error.items()},
            "correlation": round_pair(self.error_correlation),
        }


def estimate_reliability(pairs: PairedModalities, rows: Ints, *, seed: int) -> ReliabilityEstimate:
    """From held-out predictions: of groups in turn and of the kinds of each shift, with the same weight."""
    by_shift = [predict_held_out(pairs, rows, seed=seed, shift=shift) for shift in ("", *pairs.shifts)]
    predictions = {
        modality: np.concatenate([held_out[modality] for held_out in by_shift]) for modality in pairs.features
    }
    truth = np.tile(pairs.ratings[rows], (len(by_shift), 1))
    groups = np.tile(pairs.groups[rows], len(by_shift))
    log_reliability, correlation = fit_reliability(predictions, truth)
    folds = make_group_folds(groups.tolist(), min(N_JACKKNIFE_FOLDS, len(np.unique(groups))), seed)
    without_fold = np.stack(
        [
            fit_reliability(
                {modality: np.delete(affect, fold, axis=0) for modality, affect in predictions.items()},
                np.delete(truth, fold, axis=0),
                initial=log_reliability,
            )[0]
            for fold in folds
        ]
    )
    standard_error = np.sqrt((len(folds) - 1) * without_fold.var(axis=0))
    return ReliabilityEstimate(
        name=pairs.name,
        reliability=_by_modality(predictions, np.exp(log_reliability)),
        log_standard_error=_by_modality(predictions, standard_error),
        error_correlation=correlation,
    )


def fit_reliability(
    predictions: Mapping[str, Floats], ratings: Floats, *, initial: Floats | None = None
) -> tuple[Floats, PerDimension]:
    """(modalities, 2) log reliabilities and the errors' correlation that make `ratings` (n, 2) most likely.

    The likelihood is that of `precision_weighted_mean` of each modality alone and of all together, as one may
    abstain. The correlation is that of the errors in units of the stated SDs.
    """
    from scipy.optimize import minimize

    correlation = _estimate_error_correlation(predictions, ratings)

    def objective(log_reliability: Floats) -> float:
        factors = np.exp(log_reliability.reshape(len(predictions), 2))
        reliability = _by_modality(predictions, factors)
        present = [{modality: affect} for modality, affect in predictions.items()] + [dict(predictions)]
        return sum(
            negative_log_likelihood(
                precision_weighted_mean(subset, reliability, correlation=correlation), ratings
            )
            for subset in present
        )

    start = np.zeros((len(predictions), 2)) if initial is None else initial
    optimum = minimize(objective, start.ravel(), method="L-BFGS-B", bounds=[LOG_BOUNDS] * start.size)
    return np.asarray(optimum.x).reshape(start.shape), correlation


def negative_log_likelihood(predictions: Floats, ratings: Floats) -> float:
    """-log likelihood of ratings (n, 2) under (n, 4) means and SDs, less a constant.

    The mean over items, summed over both dimensions.
    """
    sd = predictions[:, 2:]
    return float(np.mean(np.log(sd) + ((predictions[:, :2] - ratings) / sd) ** 2 / 2, axis=0).sum())


def pool_reliability(
    estimates: Sequence[ReliabilityEstimate],
) -> tuple[dict[str, PerDimension], PerDimension]:
    """Reliabilities of MODALITIES, drawn towards 1, and the mean correlation (Fisher's z), of several sets.

    The prior of a log reliability is N(0, PRIOR_LOG_SD^2); an estimate has its standard error and, as sets
    differ, PRIOR_LOG_SD again. So one set moves it by less than half, two by less than two thirds.
    """
    reliability = {}
    for modality in MODALITIES:
        informative = [estimate for estimate in estimates if modality in estimate.reliability]
        logs = np.log([estimate.reliability[modality] for estimate in informative]).reshape(-1, 2)
        errors = np.array([estimate.log_standard_error[modality] for estimate in informative]).reshape(-1, 2)
        weight = 1 / (errors**2 + PRIOR_LOG_SD**2)
        pooled = (weight * logs).sum(axis=0) / (weight.sum(axis=0) + PRIOR_LOG_SD**-2)
        reliability[modality] = _to_pair(np.exp(pooled))
    z = np.arctanh([estimate.error_correlation for estimate in estimates]).mean(axis=0)
    return reliability, _to_pair(np.tanh(z))


def round_pair(pair: PerDimension) -> list[float]:
    """Valence and arousal to three decimals, as JSON files have them."""
    return [round(value, 3) for value in pair]


def _estimate_error_correlation(predictions: Mapping[str, Floats], ratings: Floats) -> PerDimension:
    stacked = np.stack(list(predictions.values()))
    z_errors = (stacked[:, :, :2] - ratings) / stacked[:, :, 2:]
    upper = np.triu_indices(len(predictions), 1)
    means = [np.atleast_2d(np.corrcoef(z_errors[:, :, column]))[upper].mean() for column in (0, 1)]
    return _to_pair(np.clip(means, 0, MAX_CORRELATION))


def _by_modality(modalities: Mapping[str, Floats], values: Floats) -> dict[str, PerDimension]:
    return {modality: _to_pair(row) for modality, row in zip(modalities, values, strict=True)}


def _to_pair(values: npt.ArrayLike) -> PerDimension:
    valence, arousal = np.asarray(values, np.float64)
    return float(valence), float(arousal)
