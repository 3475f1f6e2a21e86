"""Metrics of each modality, of their difference and of their fusion, on held-out groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from experiments.datasets import crema_d
from experiments.datasets.data_root import DATA_ROOT
from experiments.heads.modality_reliability.paired_modalities import (
    Floats,
    Ints,
    PairedModalities,
    load_cremad_pairs,
    load_liris_pairs,
    load_ravdess_pairs,
    load_with_training_rows,
)
from experiments.heads.modality_reliability.prediction import N_FOLDS, predict_affect, predict_held_out
from experiments.heads.modality_reliability.reliability import (
    ReliabilityEstimate,
    estimate_reliability,
    pool_reliability,
)
from experiments.heads.report_figure import (
    DIMENSIONS,
    EvaluationPart,
    MetricResult,
    measure_metric,
    pair_ccc,
    pair_rmse,
)
from fusion import precision_weighted_mean
from fusion.affect_fusion import PerDimension
from retrieval.evaluation import make_group_folds, rmse
from spaces.affect_regression import load_modality_reliability

ONE_SD_COVERAGE = 0.6827  # of a normal distribution within one SD


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """Metrics of each modality, of the difference between two, and of their fusion with its coverage.

    folds:     groups held out in turn, from the regressors and from the estimates of reliability
    dev, test: rows of RAVDESS and LIRIS-ACCEDE in that split, where `data_root` has any, on test by the
               packaged reliabilities. Without train rows in `data_root`, those of DATA_ROOT are trained on.
               CREMA-D has no splits.
    """
    has_votes = (data_root / crema_d.FOLDER).exists()
    voted = load_cremad_pairs(data_root if has_votes else DATA_ROOT)
    acted = load_with_training_rows(load_ravdess_pairs, data_root)
    if part == "folds":
        return _evaluate_folds(acted, voted, data_root, seed)
    films = load_with_training_rows(load_liris_pairs, data_root)
    return _evaluate_split(acted, voted, films, part, seed)


def _evaluate_folds(
    acted: PairedModalities, voted: PairedModalities, data_root: Path, seed: int
) -> list[MetricResult]:
    estimates = {
        pairs.name: estimate_reliability(pairs, pairs.find_rows("train", "dev"), seed=seed)
        for pairs in (acted, voted)
    }
    results = []
    for pairs, other in ((acted, voted), (voted, acted)):
        predictions, fused = _fuse_held_out(pairs, [estimates[other.name]], seed=seed)
        rows = pairs.find_rows("train", "dev")
        results += _compare_modalities(pairs, rows, predictions, "folds", seed)
        results += _evaluate_fusion(pairs, rows, predictions, fused, "folds", seed)
    for pairs in (
        load_ravdess_pairs(data_root, "hand"),
        load_cremad_pairs(data_root, "hand"),
        load_liris_pairs(data_root),
    ):
        rows = pairs.find_rows("train", "dev")
        predictions = predict_held_out(pairs, rows, seed=seed)
        results += _compare_modalities(pairs, rows, predictions, "folds", seed)
    return results


def _evaluate_split(
    acted: PairedModalities,
    voted: PairedModalities,
    films: PairedModalities,
    part: EvaluationPart,
    seed: int,
) -> list[MetricResult]:
    results = []
    for pairs in (acted, films):
        train_rows = pairs.find_rows("train", *(["dev"] if part == "test" else []))
        test_rows = pairs.find_rows(part)
        if not len(test_rows):
            continue
        predictions = predict_affect(pairs, train_rows, test_rows, seed=seed)
        results += _compare_modalities(pairs, test_rows, predictions, part, seed)
        if pairs is acted:
            reliability, correlation = _get_reliability(acted, voted, part, seed)
            fused = precision_weighted_mean(predictions, reliability, correlation=correlation)
            results += _evaluate_fusion(pairs, test_rows, predictions, fused, part, seed)
    return results


def _get_reliability(
    acted: PairedModalities, voted: PairedModalities, part: EvaluationPart, seed: int
) -> tuple[Mapping[str, PerDimension], PerDimension]:
    """The packaged reliabilities and correlation for test; for dev those estimated on train."""
    if part == "test":
        packaged = load_modality_reliability()
        return packaged.reliability, packaged.correlation
    return pool_reliability(
        [estimate_reliability(pairs, pairs.find_rows("train"), seed=seed) for pairs in (acted, voted)]
    )


def _fuse_held_out(
    pairs: PairedModalities, other_estimates: Sequence[ReliabilityEstimate], *, seed: int
) -> tuple[dict[str, Floats], Floats]:
    """Affect by modality and fused (n, 4), of train and dev: groups held out, also from reliabilities."""
    rows = pairs.find_rows("train", "dev")
    predictions = {modality: np.full((len(rows), 4), np.nan) for modality in pairs.features}
    fused = np.full((len(rows), 4), np.nan)
    for fold in make_group_folds(pairs.groups[rows].tolist(), N_FOLDS, seed):
        rest = np.delete(rows, fold)
        fold_predictions = predict_affect(pairs, rest, rows[fold], seed=seed)
        reliability, correlation = pool_reliability(
            [estimate_reliability(pairs, rest, seed=seed), *other_estimates]
        )
        fused[fold] = precision_weighted_mean(fold_predictions, reliability, correlation=correlation)
        for modality, affect in fold_predictions.items():
            predictions[modality][fold] = affect
    return predictions, fused


def _compare_modalities(
    pairs: PairedModalities,
    test_rows: Ints,
    predictions: Mapping[str, Floats],
    part: EvaluationPart,
    seed: int,
) -> list[MetricResult]:
    """CCC of each modality, and the RMSE of sound less that of the other."""
    truth, groups = pairs.ratings[test_rows], pairs.groups[test_rows].tolist()
    measure = partial(measure_metric, pairs.name, part=part, seed=seed, groups=groups)
    (other,) = (modality for modality in predictions if modality != "sound")
    results = []
    for column, name in enumerate(DIMENSIONS):
        affect = [predictions["sound"][:, column], predictions[other][:, column], truth[:, column]]
        triples = np.stack(affect, axis=1)
        results += [
            measure(f"{name} CCC of sound", triples[:, [0, 2]], pair_ccc),
            measure(f"{name} CCC of {other}", triples[:, [1, 2]], pair_ccc),
            measure(f"{name} RMSE, sound less {other}", triples, _rmse_difference),
        ]
    return results


def _rmse_difference(triples: Floats) -> float:
    """RMSE of the first column less that of the second, both against the third."""
    return float(rmse(triples[:, 0], triples[:, 2]) - rmse(triples[:, 1], triples[:, 2]))


def _evaluate_fusion(
    pairs: PairedModalities,
    test_rows: Ints,
    predictions: Mapping[str, Floats],
    fused: Floats,
    part: EvaluationPart,
    seed: int,
) -> list[MetricResult]:
    """CCC, RMSE and coverage of the fused affect."""
    truth, groups = pairs.ratings[test_rows], pairs.groups[test_rows].tolist()
    measure = partial(measure_metric, pairs.name, part=part, seed=seed, groups=groups)
    plain_mean = np.mean([affect[:, :2] for affect in predictions.values()], axis=0)
    results = []
    for column, name in enumerate(DIMENSIONS):
        triples = np.stack([fused[:, column], truth[:, column], fused[:, 2 + column]], axis=1)
        alone = {
            modality: float(rmse(affect[:, column], truth[:, column]))
            for modality, affect in predictions.items()
        }
        best = min(alone, key=lambda modality: alone[modality])
        plain_rmse = float(rmse(plain_mean[:, column], truth[:, column]))
        baseline = f"plain mean {plain_rmse:.3f}, {best} alone {alone[best]:.3f}"
        ceiling = f"stated {ONE_SD_COVERAGE:.2f}, to be met within .05"
        results += [
            measure(f"{name} CCC joined", triples, pair_ccc),
            measure(f"{name} RMSE joined", triples, pair_rmse, baseline=baseline),
            measure(f"{name} truth within one SD of joined", triples, _coverage, ceiling=ceiling),
        ]
    return results


def _coverage(triples: Floats) -> float:
    """Share of predictions within the stated SD; columns prediction, truth and SD."""
    return float(np.mean(np.abs(triples[:, 0] - triples[:, 1]) <= triples[:, 2]))
