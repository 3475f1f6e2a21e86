"""From the outcomes of maps to the results of a set: intervals, differences over the same draws, p values."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from experiments.alignment.axis_relation import relate_axes
from experiments.alignment.bootstrap import DrawnValue, GroupBootstrap, estimate_reduction, make_estimate
from experiments.alignment.chance_level import compute_chance_precision, compute_random_ndcg
from experiments.alignment.diagnostics import list_map_warnings, list_set_warnings
from experiments.alignment.folds import FoldedPairs
from experiments.alignment.map_evaluation import MapOutcome, compute_permutation_p
from experiments.alignment.pairs import Floats
from experiments.alignment.power import PowerEstimate
from experiments.alignment.relation_levels import measure_levels
from experiments.alignment.set_result import FusionAccuracy, MapResult, SetResult, find_best_map
from experiments.alignment.study_config import StudyConfig
from experiments.alignment.unimodal_models import fuse_posteriors
from experiments.statistics.holm import adjust_holm
from retrieval.evaluation import Estimate, ProtestResult, protest
from spaces.alignment import (
    AffineDecomposition,
    AlignmentMethod,
    compute_average_cosine,
    decompose_map,
)


def compute_statistics(
    data: FoldedPairs,
    methods: Mapping[str, AlignmentMethod],
    outcomes: Mapping[str, MapOutcome],
    config: StudyConfig,
    left_out: Mapping[str, str],
    power: PowerEstimate | None = None,
) -> SetResult:
    """All results of a set from the outcomes of its maps, by name, and the power of their test."""
    bootstrap = GroupBootstrap(data.groups, config.seed)
    baseline_errors = _compute_squared_errors(data.target_means, data)
    disparities = {
        name: bootstrap.ratio(_compute_squared_errors(outcome.mapped, data), baseline_errors)
        for name, outcome in outcomes.items()
    }
    maps = [
        _compute_map_result(methods[name], data, outcome, bootstrap, disparities, baseline_errors, config)
        for name, outcome in outcomes.items()
    ]
    analysis = _run_protest(data, config)
    return SetResult(
        data=data,
        maps=_compare_maps(maps, disparities),
        outcomes=outcomes,
        protest=analysis,
        average_cosine=None if analysis is None else compute_average_cosine(analysis.disparity),
        chance_precision=compute_chance_precision(data),
        random_ndcg=compute_random_ndcg(data),
        fusion=_measure_fusion(data, bootstrap),
        left_out=left_out,
        warnings=list_set_warnings(data, bootstrap.group_count, len(maps), config),
        fitted=_fit_on_all_pairs(data, [methods[name] for name in outcomes], config),
        axes=relate_axes(data, bootstrap),
        levels=measure_levels(data, config),
        power=power,
    )


def _fit_on_all_pairs(
    data: FoldedPairs, methods: Sequence[AlignmentMethod], config: StudyConfig
) -> dict[str, AffineDecomposition]:
    """The affine maps by name, for a report; figures are of maps fitted on anchors alone."""
    fitted = {}
    for method in methods:
        if method.kind == "curved" or method.name == "identity":
            continue
        with contextlib.suppress(ValueError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of scikit-learn, about components without variance
            parts = decompose_map(method.fit(data.source, data.target, seed=config.seed))
            if parts is not None:
                fitted[method.name] = parts
    return fitted


def _compute_squared_errors(predictions: Floats, data: FoldedPairs) -> Floats:
    """(m,) squared distance of each prediction (m, q) from its target."""
    return np.asarray(((predictions - data.target) ** 2).sum(axis=1))


def _compute_map_result(
    method: AlignmentMethod,
    data: FoldedPairs,
    outcome: MapOutcome,
    bootstrap: GroupBootstrap,
    disparities: Mapping[str, DrawnValue],
    baseline_errors: Floats,
    config: StudyConfig,
) -> MapResult:
    disparity = disparities[method.name]
    ccc, ccc_by_draw = bootstrap.ccc(outcome.mapped, data.target)
    swapped = bootstrap.ratio(_compute_squared_errors(outcome.mapped_swapped, data), baseline_errors)
    reflections = [bool(fit["reflection"]) for fit in outcome.fit_notes if "reflection" in fit]
    curve = [
        (size, float(np.mean(values)))
        for size, values in zip(config.sizes, outcome.learning_curve, strict=True)
        if not np.isnan(values).any()
    ]
    return MapResult(
        name=method.name,
        kind=method.kind,
        description=method.description,
        disparity=make_estimate(*disparity),
        ccc=tuple(make_estimate(float(c), ccc_by_draw[:, at]) for at, c in enumerate(ccc)),
        mean_ccc=_average_defined(ccc, ccc_by_draw),
        precision=bootstrap.mean(outcome.precision),
        precision_without_pair=bootstrap.mean(outcome.precision_without_pair),
        ndcg=bootstrap.mean(outcome.ndcg),
        p=compute_permutation_p(outcome.half_disparity, outcome.permuted_disparities),
        null_disparity=(float(outcome.null_disparities.mean()), float(outcome.null_disparities.min())),
        swapped_axes_rise=estimate_reduction(disparity, swapped) if data.source.shape[1] > 1 else None,
        gain_on_identity=estimate_reduction(disparity, disparities["identity"])
        if "identity" in disparities and method.name != "identity"
        else None,
        reflection_share=float(np.mean(reflections)) if reflections else None,
        learning_curve=tuple(curve),
        warnings=tuple(list_map_warnings(method, data, outcome, make_estimate(*disparity))),
    )


def _average_defined(values: Floats, draws: Floats) -> Estimate:
    """The mean of (q,) values and of their draws (draws, q) over the columns where they are defined."""
    is_defined = ~np.isnan(values)
    if not is_defined.any():
        return Estimate(value=float("nan"))
    return make_estimate(float(values[is_defined].mean()), draws[:, is_defined].mean(axis=1))


def _compare_maps(maps: list[MapResult], disparities: Mapping[str, DrawnValue]) -> tuple[MapResult, ...]:
    """The maps with their p values after Holm, and the gain of curved ones on the best linear one."""
    best_linear = find_best_map([result for result in maps if result.kind == "linear"])

    def estimate_gain(result: MapResult) -> Estimate | None:
        if best_linear is None or result.kind != "curved":
            return None
        return estimate_reduction(disparities[result.name], disparities[best_linear.name])

    adjusted = adjust_holm([result.p for result in maps])
    return tuple(
        replace(result, holm=p, gain_on_best_linear=estimate_gain(result))
        for result, p in zip(maps, adjusted, strict=True)
    )


def _run_protest(data: FoldedPairs, config: StudyConfig) -> ProtestResult | None:
    try:
        return protest(
            data.source, data.target, seed=config.seed, draws=config.draws, groups=data.groups,
            exchange=data.pairs.exchange,
        )  # fmt: skip
    except ValueError:  # readings of a modality that do not vary
        return None


def _measure_fusion(data: FoldedPairs, bootstrap: GroupBootstrap) -> FusionAccuracy | None:
    """Accuracy of both modalities fused, where readings are posteriors over emotions; None elsewhere."""
    labels = data.pairs.emotions
    if not data.pairs.uses_inner_product or labels is None:
        return None
    class_names = np.array(data.pairs.columns)
    truth = labels[data.pair_rows]
    prior = np.concatenate([
        np.tile((labels[fold.anchor_rows][:, None] == class_names).mean(axis=0), (len(fold.held_out_rows), 1))
        for fold in data.folds
    ])  # fmt: skip
    posteriors = (data.source, data.target, fuse_posteriors(data.source, data.target, prior))
    row_weights = np.ones(len(truth))
    source, target, both = (
        bootstrap.ratio((class_names[rows.argmax(axis=1)] == truth).astype(np.float64), row_weights)
        for rows in posteriors
    )
    # the better modality is chosen anew in every draw, so that the choice gives it no advantage
    best = (max(source[0], target[0]), np.maximum(source[1], target[1]))
    return FusionAccuracy(
        source=make_estimate(*source),
        target=make_estimate(*target),
        both=make_estimate(*both),
        gain_on_best=estimate_reduction(best, both),
    )
