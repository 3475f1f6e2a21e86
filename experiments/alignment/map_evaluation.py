"""One map on one set of pairs, held out: fitted by folds, with permutation tests and a learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from experiments.alignment.folds import FoldedPairs
from experiments.alignment.pairs import Floats
from experiments.alignment.study_config import NDCG_DEPTH, PRECISION_DEPTH, StudyConfig
from retrieval.evaluation import compute_expected_ndcg, compute_expected_precision
from retrieval.evaluation.permutation_tests import (
    compute_permuted_errors,
    compute_upper_p_value,
    draw_permutations,
)
from spaces.alignment import AlignmentMap, AlignmentMethod

MAX_PARALLEL_ANCHORS = 1 << 16  # anchors of the maps that are fitted in one call: bounds the memory


@dataclass(frozen=True, kw_only=True, eq=False)
class MapOutcome:
    """Result of a map on each of m held-out rows.

    mapped:  (m, q) the source in the target's coordinates
    mapped_swapped: (m, q) the same with the source's axes in reverse order
    precision: (m,) share of the PRECISION_DEPTH nearest targets of the fold with the row's emotion, expected
        over orders of equally near ones; NaN without an emotion
    precision_without_pair: (m,) the same without the row's own pair
    ndcg:    (m,) nDCG at NDCG_DEPTH; NaN without affect
    half_disparity: disparity on half of the groups, of a map fitted on the other half
    permuted_disparities: (draws,) the same with the targets of the half permuted
    null_disparities: (shuffles,) disparity of maps fitted on permuted anchors
    learning_curve: (sizes, repeats) disparity with that number of anchors, NaN where a fold has fewer
    fit_notes: notes of each fold's map
    """

    mapped: Floats
    mapped_swapped: Floats
    precision: Floats
    precision_without_pair: Floats
    ndcg: Floats
    half_disparity: float
    permuted_disparities: Floats
    null_disparities: Floats
    learning_curve: Floats
    fit_notes: tuple[Mapping[str, Any], ...] = field(default=())


def disparity(mapped: Floats, data: FoldedPairs) -> float:
    """Squared error as a share of that of the anchors' mean: 0 is perfect, 1 no better than the mean.

    For a similarity transform evaluated on its own anchors this is the disparity of scipy.spatial.procrustes.
    """
    return float(((mapped - data.target) ** 2).sum() / ((data.target_means - data.target) ** 2).sum())


def compute_permutation_p(half_disparity: float, permuted_disparities: Floats) -> float:
    """(#{permuted disparity <= half disparity} + 1) / (draws + 1)."""
    return compute_upper_p_value(-half_disparity, -permuted_disparities)


def evaluate_map(method: AlignmentMethod, data: FoldedPairs, config: StudyConfig) -> MapOutcome:
    """Evaluate a map on every fold.

    Raises ValueError for anchors it can't be fitted on, and for a held-out half whose targets do not vary.
    """
    half_targets = data.half_split.held_out_target
    if (half_targets == half_targets[0]).all():
        raise ValueError("the targets of the held-out half do not vary")
    maps = _fit_maps(method, [(fold.source, fold.target) for fold in data.folds], config.seed)
    folded_maps = list(zip(maps, data.folds, strict=True))
    mapped = np.concatenate([map_.transform(fold.held_out_source) for map_, fold in folded_maps])
    swapped = np.concatenate([map_.transform(fold.held_out_source[:, ::-1]) for map_, fold in folded_maps])
    half_disparity, permuted_disparities = run_permutation_test(method, data, config)
    retrieval = [_evaluate_retrieval(map_, data, index) for index, map_ in enumerate(maps)]
    precision, precision_without_pair, gains = (
        np.concatenate(column) for column in zip(*retrieval, strict=True)
    )
    return MapOutcome(
        mapped=mapped,
        mapped_swapped=swapped,
        precision=precision,
        precision_without_pair=precision_without_pair,
        ndcg=gains,
        half_disparity=half_disparity,
        permuted_disparities=permuted_disparities,
        null_disparities=_compute_null_disparities(method, data, config),
        learning_curve=_compute_learning_curve(method, data, config),
        fit_notes=tuple(dict(map_.notes) for map_ in maps),
    )


def run_permutation_test(
    method: AlignmentMethod, data: FoldedPairs, config: StudyConfig
) -> tuple[float, Floats]:
    """Disparity on one half of the groups of a map fitted on the other, and (draws,) with targets permuted.

    Without a relation the pairs of one half are exchangeable whatever was fitted on the other. (Over all
    folds they are not: each pair is held out of maps that other folds were used to fit, so that folds are
    correlated, and permuting without fitting again makes p too small.)
    """
    half = data.half_split
    mapped = method.fit(half.source, half.target, seed=config.seed).transform(half.held_out_source)
    target = half.held_out_target
    mean = np.broadcast_to(half.target_mean, target.shape)
    permutations = draw_permutations(
        len(target), config.draws, seed=config.seed, groups=data.pairs.groups[half.held_out_rows],
        exchange=data.pairs.exchange,
    )  # fmt: skip
    return (
        float(((mapped - target) ** 2).sum() / ((mean - target) ** 2).sum()),
        compute_permuted_errors(mapped, target, permutations)
        / compute_permuted_errors(mean, target, permutations),
    )


def _fit_maps(
    method: AlignmentMethod, anchor_sets: Sequence[tuple[Floats, Floats]], seed: int
) -> list[AlignmentMap]:
    """A map of each set of anchors; sets of one shape are fitted in one call up to MAX_PARALLEL_ANCHORS."""
    map_by_set: dict[int, AlignmentMap] = {}
    sets_by_shape: dict[tuple[int, ...], list[int]] = {}
    for index, (source, _) in enumerate(anchor_sets):
        sets_by_shape.setdefault(source.shape, []).append(index)
    for shape, members in sets_by_shape.items():
        step = max(1, MAX_PARALLEL_ANCHORS // shape[0])
        for start in range(0, len(members), step):
            batch = members[start : start + step]
            sources, targets = zip(*(anchor_sets[index] for index in batch), strict=True)
            maps = method.fit_many(list(sources), list(targets), seed=seed)
            map_by_set |= dict(zip(batch, maps, strict=True))
    return [map_by_set[index] for index in range(len(anchor_sets))]


def _evaluate_retrieval(
    fitted_map: AlignmentMap, data: FoldedPairs, fold_index: int
) -> tuple[Floats, Floats, Floats]:
    """(m,) precision, precision without the row's own pair, and nDCG, of the held-out rows of a fold."""
    fold = data.folds[fold_index]
    queries = fitted_map.project_source(fold.held_out_source)
    items = fitted_map.project_target(fold.held_out_target)
    if data.pairs.uses_inner_product and fitted_map.target_to_common is None:
        similarity = queries @ items.T
    else:  # negative squared distance up to a constant of each query
        similarity = 2 * queries @ items.T - (items**2).sum(axis=1)
    precision, precision_without_pair, gains = (np.full(len(queries), np.nan) for _ in range(3))
    if data.pairs.emotions is not None:
        labels = data.pairs.emotions[fold.held_out_rows]

        def compute_precision(scores: Floats) -> Floats:
            depth = min(PRECISION_DEPTH, len(labels))
            shares = compute_expected_precision(scores, labels == labels[:, None], depth)
            return np.where(labels != "", shares, np.nan)

        precision = compute_precision(similarity)
        if len(queries) > PRECISION_DEPTH:
            without_pair = similarity.copy()
            np.fill_diagonal(without_pair, -np.inf)
            precision_without_pair = compute_precision(without_pair)
    if data.affect is not None:
        affect = data.affect[data.fold_ids == fold_index]
        gains = compute_expected_ndcg(affect, affect, similarity, NDCG_DEPTH)
    return precision, precision_without_pair, gains


def _compute_null_disparities(method: AlignmentMethod, data: FoldedPairs, config: StudyConfig) -> Floats:
    """(shuffles,) disparity of maps fitted on permuted anchors."""
    anchor_sets = []
    for index, fold in enumerate(data.folds):
        groups = data.pairs.groups[fold.anchor_rows]
        permutations = draw_permutations(
            len(groups),
            config.shuffles,
            seed=config.seed + 100 + index,
            groups=groups,
            exchange=data.pairs.exchange,
        )
        anchor_sets += [(fold.source, fold.target[permutation]) for permutation in permutations]
    maps = _fit_maps(method, anchor_sets, config.seed)
    disparities = []
    for draw in range(config.shuffles):
        mapped = [
            maps[index * config.shuffles + draw].transform(fold.held_out_source)
            for index, fold in enumerate(data.folds)
        ]
        disparities.append(disparity(np.concatenate(mapped), data))
    return np.array(disparities)


def _compute_learning_curve(method: AlignmentMethod, data: FoldedPairs, config: StudyConfig) -> Floats:
    """(sizes, repeats) disparity by number of anchors; NaN where a fold has fewer."""
    curve = np.full((len(config.sizes), config.repeats), np.nan)
    for row, size in enumerate(config.sizes):
        if any(len(fold.source) < size for fold in data.folds):
            continue
        for draw in range(config.repeats):
            rng = np.random.default_rng((config.seed, size, draw))
            subsets = [rng.choice(len(fold.source), size, replace=False) for fold in data.folds]
            anchor_sets = [(f.source[s], f.target[s]) for f, s in zip(data.folds, subsets, strict=True)]
            maps = _fit_maps(method, anchor_sets, config.seed)
            mapped = [m.transform(fold.held_out_source) for m, fold in zip(maps, data.folds, strict=True)]
            curve[row, draw] = disparity(np.concatenate(mapped), data)
    return curve
