"""Held-out folds of paired readings: whole groups are held out, models of readings see anchors alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from encoders import AffectError
from experiments.alignment.pairs import FitFunction, Floats, Ints, PairedReadings
from experiments.alignment.study_config import StudyConfig
from retrieval.evaluation import make_group_folds
from spaces import compute_scale

FOLD_COUNT = 5
MAX_Z_SCORE = 5.0  # standard deviations of the anchors at which features are clipped

SplitName = Literal["folds", "test"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """Readings of the anchors and of the rows held out.

    held_out_rows: (m,) row numbers of the pairs held out
    anchor_rows:   (n,) row numbers of the anchors
    source, target: (n, p) and (n, q) of the anchors
    held_out_source, held_out_target: (m, p) and (m, q)
    """

    held_out_rows: Ints
    anchor_rows: Ints
    source: Floats
    target: Floats
    held_out_source: Floats
    held_out_target: Floats

    @property
    def target_mean(self) -> Floats:
        """(q,) mean of the anchors' targets, the baseline prediction."""
        return np.asarray(np.nanmean(self.target, axis=0))


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldedPairs:
    """A set of pairs as its folds: m held-out rows, fold after fold.

    half_split: half of the groups held out of the other half, for permutation tests
    fold_ids:  (m,) the number of the fold each row is held out in
    pair_rows: (m,) the row's number among the pairs
    target:    (m, q) ground truth
    target_means: (m, q) mean of the targets of the fold's anchors
    affect:    (m, 2) relevance in graded retrieval, or None
    """

    pairs: PairedReadings
    folds: tuple[Fold, ...]
    half_split: Fold
    fold_ids: Ints
    pair_rows: Ints
    source: Floats
    target: Floats
    target_means: Floats
    affect: Floats | None

    @classmethod
    def from_folds(cls, pairs: PairedReadings, folds: Sequence[Fold], half_split: Fold) -> FoldedPairs:
        """Concatenate the results of `split_folds`, with the result of `split_half`."""
        rows = np.concatenate([fold.held_out_rows for fold in folds])
        target = np.concatenate([fold.held_out_target for fold in folds])
        affect = None if pairs.affect is None else pairs.affect[rows]
        if affect is None and target.shape[1] == 2:
            affect = target
        sizes = [len(fold.held_out_rows) for fold in folds]
        return cls(
            pairs=pairs,
            folds=tuple(folds),
            half_split=half_split,
            pair_rows=rows,
            target=target,
            affect=affect,
            fold_ids=np.repeat(np.arange(len(folds)), sizes),
            source=np.concatenate([fold.held_out_source for fold in folds]),
            target_means=np.concatenate(
                [np.tile(fold.target_mean, (size, 1)) for fold, size in zip(folds, sizes, strict=True)]
            ),
        )

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """(m,) the group of each held-out row."""
        return self.pairs.groups[self.pair_rows]

    def compute_digest(self) -> str:
        """SHA-256, hexadecimal, of everything that the outcome of a map depends on."""
        state = hashlib.sha256()
        properties = (
            self.pairs.name,
            self.pairs.exchange,
            self.pairs.uses_inner_product,
            self.pairs.modalities,
            self.pairs.columns,
        )
        state.update(json.dumps(properties).encode())
        for fold in (*self.folds, self.half_split):
            for rows in (
                fold.held_out_rows,
                fold.anchor_rows,
                fold.source,
                fold.target,
                fold.held_out_source,
                fold.held_out_target,
            ):
                state.update(np.ascontiguousarray(rows).tobytes())
        for labels in (self.pairs.groups, self.pairs.emotions):
            state.update("\0".join([] if labels is None else labels.tolist()).encode())
        state.update(b"" if self.affect is None else np.ascontiguousarray(self.affect).tobytes())
        return state.hexdigest()


def fold_pairs(pairs: PairedReadings, config: StudyConfig, split: SplitName = "folds") -> FoldedPairs | None:
    """The folds of pairs, or None where no row belongs to the split. Raises AffectError for too few groups.

    The test rows are one fixed held-out part, which serves as the half split too.
    """
    folds = split_folds(pairs, seed=config.seed, split=split)
    if not folds:
        return None
    half_split = split_half(pairs, seed=config.seed) if split == "folds" else folds[0]
    return FoldedPairs.from_folds(pairs, folds, half_split)


def split_folds(pairs: PairedReadings, *, seed: int, split: SplitName = "folds") -> list[Fold]:
    """folds: groups held out in turn; test: the test rows, if there are any, held out of all other rows.

    Models of the readings (`PairedReadings.fit_functions`) are trained on the anchors alone. The readings of
    the anchors come from models trained on other groups of anchors (cross-fitting), so that they are as good
    as those of the held-out rows.

    Raises AffectError for too few groups.
    """
    is_test = np.zeros(len(pairs), bool) if pairs.is_test is None else pairs.is_test
    training_rows = np.flatnonzero(~is_test)
    if split == "test":
        test_rows = np.flatnonzero(is_test)
        if not len(test_rows) or not len(training_rows):
            return []
        return [_make_fold(pairs, training_rows, test_rows, seed)]
    return [
        _make_fold(pairs, np.setdiff1d(training_rows, held_out), held_out, seed)
        for held_out in _split_groups(pairs, training_rows, seed)
    ]


def split_half(pairs: PairedReadings, *, seed: int) -> Fold:
    """Half of the groups held out, the others are anchors. Raises AffectError for too few groups."""
    rows = np.flatnonzero(np.ones(len(pairs), bool) if pairs.is_test is None else ~pairs.is_test)
    anchors, held_out = _split_groups(pairs, rows, seed + 2, 2)
    return _make_fold(pairs, anchors, held_out, seed)


def standardise(anchors: Floats, held_out: Floats) -> tuple[Floats, Floats]:
    """Both by the mean and standard deviation of the anchors; missing values become the mean."""
    complete = np.where(np.isnan(anchors), np.nanmean(anchors, axis=0), anchors)
    mean, scale = complete.mean(axis=0), compute_scale(complete)

    def transform(rows: Floats) -> Floats:
        return np.nan_to_num(np.clip((rows - mean) / scale, -MAX_Z_SCORE, MAX_Z_SCORE))

    return transform(anchors), transform(held_out)


def _split_groups(pairs: PairedReadings, rows: Ints, seed: int, max_folds: int = FOLD_COUNT) -> list[Ints]:
    groups = pairs.groups[rows]
    count = min(max_folds, len(np.unique(groups)))
    if count < 2:
        raise AffectError(f"{pairs.name}: all {len(rows)} rows are of one group; nothing can be held out")
    return [np.sort(rows[part]) for part in make_group_folds(list(groups), count, seed)]


def _make_fold(pairs: PairedReadings, anchor_rows: Ints, held_out_rows: Ints, seed: int) -> Fold:
    readings = []
    for rows, fit in zip((pairs.source, pairs.target), pairs.fit_functions, strict=True):
        anchors, held_out = rows[anchor_rows], rows[held_out_rows]
        if pairs.standardise or fit is not None:
            anchors, held_out = standardise(anchors, held_out)
        if fit is not None:
            anchors, held_out = _predict_readings(pairs, fit, anchors, held_out, anchor_rows, seed)
        readings.append((anchors, held_out))
    (source, held_out_source), (target, held_out_target) = readings
    return Fold(
        held_out_rows=held_out_rows, anchor_rows=anchor_rows, source=source, target=target,
        held_out_source=held_out_source, held_out_target=held_out_target,
    )  # fmt: skip


def _predict_readings(
    pairs: PairedReadings,
    fit: FitFunction,
    anchor_features: Floats,
    held_out_features: Floats,
    anchor_rows: Ints,
    seed: int,
) -> tuple[Floats, Floats]:
    """Readings of the anchors, cross-fitted, and of the held-out rows by a model of all anchors."""
    held_out_readings = fit(anchor_features, anchor_rows)(held_out_features)
    anchor_readings = np.full((len(anchor_features), held_out_readings.shape[1]), np.nan)
    index_by_row = {row: at for at, row in enumerate(anchor_rows)}
    for part in _split_groups(pairs, anchor_rows, seed + 1):
        predicted = np.array([index_by_row[row] for row in part])
        trained = np.setdiff1d(np.arange(len(anchor_features)), predicted)
        model = fit(anchor_features[trained], anchor_rows[trained])
        anchor_readings[predicted] = model(anchor_features[predicted])
    return anchor_readings, held_out_readings
