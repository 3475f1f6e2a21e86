"""Affect by modality with a stated SD, by kernel ridge, for items that were held out."""

from __future__ import annotations

import numpy as np

from experiments.heads.modality_reliability.paired_modalities import Floats, Ints, PairedModalities
from retrieval.evaluation import make_group_folds
from spaces import solve_kernel_ridge
from spaces.joint.space import gaussian_kernel

N_FOLDS = 5
MAX_CENTRES = 300  # of a kernel
KERNEL_WIDTH = 0.3  # gamma times the number of columns
MAX_ABS_Z = 3  # standard deviations to which a column is clipped


def predict_affect(
    pairs: PairedModalities, train_rows: Ints, test_rows: Ints, *, seed: int
) -> dict[str, Floats]:
    """By modality, (m, 4) affect and stated SDs of `test_rows`, from a model of `train_rows`.

    The SD is one number a dimension: the error on inner folds over the groups of the training rows.
    """
    predictions = {}
    for modality, features in pairs.features.items():
        errors = np.full((len(train_rows), 2), np.nan)
        for fold in make_group_folds(pairs.groups[train_rows].tolist(), N_FOLDS, seed):
            rest, held_out = np.delete(train_rows, fold), train_rows[fold]
            affect = _predict_kernel_ridge(features, pairs, rest, held_out, seed)
            errors[fold] = affect - pairs.ratings[held_out]
        affect = _predict_kernel_ridge(features, pairs, train_rows, test_rows, seed)
        sd = np.sqrt(np.mean(errors**2, axis=0))
        predictions[modality] = np.concatenate([affect, np.broadcast_to(sd, affect.shape)], axis=1)
    return predictions


def predict_held_out(pairs: PairedModalities, rows: Ints, *, seed: int, shift: str = "") -> dict[str, Floats]:
    """By modality, (m, 4) of `rows`, whole groups held out in turn, or whole kinds of a shift."""
    if shift:
        kinds = pairs.shifts[shift][rows]
        folds = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    else:
        folds = make_group_folds(pairs.groups[rows].tolist(), N_FOLDS, seed)
    predictions = {modality: np.full((len(rows), 4), np.nan) for modality in pairs.features}
    for fold in folds:
        fold_predictions = predict_affect(pairs, np.delete(rows, fold), rows[fold], seed=seed)
        for modality, affect in fold_predictions.items():
            predictions[modality][fold] = affect
    return predictions


def _predict_kernel_ridge(
    features: Floats, pairs: PairedModalities, train_rows: Ints, test_rows: Ints, seed: int
) -> Floats:
    """(m, 2) by Gaussian kernel ridge on standardised columns, missing values at the median."""
    median = np.nanmedian(features[train_rows], axis=0)
    filled = np.where(np.isnan(features), median, features)
    mean, scale = filled[train_rows].mean(axis=0), filled[train_rows].std(axis=0) + 1e-9
    scaled = np.clip((filled - mean) / scale, -MAX_ABS_Z, MAX_ABS_Z)
    centre_rows = np.random.default_rng(seed).permutation(train_rows)[:MAX_CENTRES]
    centres, targets = scaled[centre_rows], pairs.ratings[train_rows]
    gamma = KERNEL_WIDTH / features.shape[1]
    weight = solve_kernel_ridge(
        scaled[train_rows], centres, targets - targets.mean(axis=0), gamma=gamma,
        penalty=pairs.ridge_penalty, weights=np.ones(len(train_rows)),
    )  # fmt: skip
    return gaussian_kernel(scaled[test_rows], centres, gamma) @ weight + targets.mean(axis=0)
