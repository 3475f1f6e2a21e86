"""From outcomes to figures: intervals by drawing whole groups, differences over the same draws, p values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.ablation.row_statistics import adjust_holm
from experiments.alignment.pairs import Floats
from experiments.alignment.study import (
    NDCG_DEPTH,
    PRECISION_DEPTH,
    FoldedPairs,
    MapOutcome,
    StudyConfig,
    compute_permutation_p,
)
from experiments.alignment.unimodal_models import fuse_posteriors
from retrieval.evaluation.estimate import Estimate
from retrieval.evaluation.procrustes import ProtestResult, protest
from retrieval.evaluation.resampling import number_groups
from spaces.alignment import AlignmentMethod, compute_average_cosine

BOOTSTRAP_DRAWS = 2000
CONFIDENCE_LEVEL = 0.95
MAX_CCC_COLUMNS = 4  # columns of the target whose CCC is told one by one
COLLAPSED_SPREAD_RATIO = 0.1  # of the target's spread: an axis mapped to less has collapsed
COLLINEAR_CORRELATION = 0.98  # correlation of two mapped axes from which they are one
MIN_GROUPS, MIN_ANCHORS_PER_COLUMN = 10, 10  # groups; anchors a column of the source


@dataclass(frozen=True, kw_only=True)
class MapResult:
    """A map on a set.

    ccc:        of every column, and their mean; P@5 with and without the row's own pair among the answers
    p, holm:    of the permutation test, and after Holm's correction over all maps of the set
    null_disparity: mean and least disparity of maps fitted on shuffled pairs
    swapped_axes_rise: how much the disparity rises when the source's axes change places
    gain_on_identity: how much lower the disparity is than identity's; beyond: than that of the best linear
        map
    reflection_share: share of the folds whose map reflects; None where that can't be said
    """

    name: str
    kind: str
    description: str
    disparity: Estimate
    ccc: tuple[Estimate, ...]
    mean_ccc: Estimate
    precision: Estimate | None
    precision_without_pair: Estimate | None
    ndcg: Estimate | None
    p: float
    null_disparity: tuple[float, float]
    swapped_axes_rise: Estimate
    gain_on_identity: Estimate | None
    reflection_share: float | None
    learning_curve: tuple[tuple[int, float], ...]
    warnings: tuple[str, ...]
    holm: float = 1.0
    gain_on_best_linear: Estimate | None = None

    @property
    def is_related(self) -> bool:
        """Whether its held-out pairs agree more than shuffled ones."""
        return self.holm < 1 - CONFIDENCE_LEVEL

    @property
    def is_predictive(self) -> bool:
        """Whether they also agree better than with the anchors' mean."""
        return self.is_related and _get_upper_bound(self.disparity) < 1


@dataclass(frozen=True, kw_only=True)
class FusionAccuracy:
    """Share of emotions named right by each sense and by both, over the same rows.

    gain_on_best: by how much both together beat the better sense
    """

    source: Estimate
    target: Estimate
    both: Estimate
    gain_on_best: Estimate


@dataclass(frozen=True, kw_only=True, eq=False)
class SetResult:
    """A set as it was studied.

    chance_precision, random_ndcg: P@5 and nDCG of answers in random order
    protest:       Procrustes analysis of all held-out readings, as the report did it, with PROTEST
    left_out:      maps that could not be fitted, and why
    """

    data: FoldedPairs
    maps: tuple[MapResult, ...]
    outcomes: Mapping[str, MapOutcome]
    protest: ProtestResult | None
    average_cosine: float | None
    chance_precision: float | None
    random_ndcg: float | None
    fusion: FusionAccuracy | None
    warnings: tuple[str, ...]
    left_out: Mapping[str, str]

    def find_best(self, *kinds: str) -> MapResult | None:
        """The map of some kinds that is `least`."""
        return find_best_map([row for row in self.maps if row.kind in kinds])


def find_best_map(maps: Sequence[MapResult]) -> MapResult | None:
    """The one with the least disparity; of those as good to three digits the first, which is the simplest."""
    return min(maps, key=lambda row: round(row.disparity.value, 3), default=None)


class GroupBootstrap:
    """Bootstrap draws of whole groups: how often each draw takes each."""

    def __init__(self, groups: npt.ArrayLike, seed: int) -> None:
        self._group_index = number_groups(len(np.asarray(groups)), groups)
        self.group_count = int(self._group_index.max()) + 1
        rng = np.random.default_rng(seed)
        shares = np.full(self.group_count, 1 / self.group_count)
        self._weights = rng.multinomial(self.group_count, shares, size=BOOTSTRAP_DRAWS).astype(np.float64)

    def sum_by_draw(self, values: Floats) -> Floats:
        """(draws, k) sums of values (m, k) over what each draw took."""
        inside = np.zeros((self.group_count, values.shape[1]))
        np.add.at(inside, self._group_index, values)
        return np.asarray(self._weights @ inside)

    def ratio(self, numerator: Floats, denominator: Floats) -> tuple[float, Floats]:
        """The ratio of two sums over (m,), and (draws,) of it."""
        drawn = self.sum_by_draw(np.stack([numerator, denominator], axis=1))
        return float(numerator.sum() / denominator.sum()), drawn[:, 0] / drawn[:, 1]

    def mean(self, values: Floats) -> Estimate | None:
        """The mean of (m,) values, those that are NaN left out; None where all are."""
        here = ~np.isnan(values)
        if not here.any():
            return None
        return make_estimate(*self.ratio(np.where(here, values, 0), here.astype(np.float64)))

    def ccc(self, predictions: Floats, targets: Floats) -> tuple[Floats, Floats]:
        """(q,) CCC of each column of (m, q), and (draws, q)."""
        x, y = predictions - targets.mean(axis=0), targets - targets.mean(axis=0)
        parts = np.concatenate([x, y, x * x, y * y, x * y, np.ones((len(x), 1))], axis=1)
        return _compute_ccc(parts.sum(axis=0)[None])[0], _compute_ccc(self.sum_by_draw(parts))


def make_estimate(value: float, draws: Floats) -> Estimate:
    """A value with the interval of its draws."""
    low, high = np.nanquantile(draws, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
    return Estimate(value=value, low=float(low), high=float(high))


def compute_statistics(
    data: FoldedPairs,
    methods: Mapping[str, AlignmentMethod],
    outcomes: Mapping[str, MapOutcome],
    config: StudyConfig,
    left_out: Mapping[str, str],
) -> SetResult:
    """All figures of a set from what its maps did."""
    draws = GroupBootstrap(data.groups, config.seed)
    base = ((data.target_means - data.target) ** 2).sum(axis=1)
    errors = {name: ((one.mapped - data.target) ** 2).sum(axis=1) for name, one in outcomes.items()}
    drawn = {name: draws.ratio(error, base) for name, error in errors.items()}
    rows = [
        _compute_map_result(methods[name], data, one, draws, drawn, base, config)
        for name, one in outcomes.items()
    ]
    corrected = adjust_holm([row.p for row in rows])
    linear = find_best_map([row for row in rows if row.kind == "linear"])
    finished = []
    for row, p in zip(rows, corrected, strict=True):
        beyond = None
        if linear is not None and row.kind == "curved":
            beyond = _estimate_reduction(drawn[row.name], drawn[linear.name])
        finished.append(replace(row, holm=p, gain_on_best_linear=beyond))
    analysis = _run_protest(data, config)
    return SetResult(
        data=data,
        maps=tuple(finished),
        outcomes=outcomes,
        protest=analysis,
        average_cosine=None if analysis is None else compute_average_cosine(analysis.disparity),
        chance_precision=compute_chance_precision(data),
        random_ndcg=compute_random_ndcg(data),
        fusion=_measure_fusion(data, draws),
        left_out=left_out,
        warnings=_list_warnings(data, draws, len(rows), config),
    )


def compute_chance_precision(data: FoldedPairs) -> float | None:
    """P@5 of the fold's targets in random order, the row's own pair among them."""
    words = data.pairs.emotions
    if words is None or not (words[data.pair_rows] != "").any():
        return None
    shares = []
    for fold in data.folds:
        here = words[fold.held_out_rows]
        told = here[here != ""]
        shares += [float((here == word).mean()) for word in told]
    return float(np.mean(shares))


def compute_random_ndcg(data: FoldedPairs) -> float | None:
    """nDCG of the fold's targets in random order: every place has the mean gain."""
    if data.affect is None:
        return None
    found = []
    for at in range(len(data.folds)):
        mood = data.affect[data.fold_ids == at]
        far = np.sqrt(((mood[:, None] - mood[None]) ** 2).sum(axis=2))
        depth = min(NDCG_DEPTH, len(mood))
        discount = 1 / np.log2(np.arange(depth) + 2)
        ideal = np.exp(-np.sort(far, axis=1)[:, :depth]) @ discount
        found.append(np.exp(-far).mean(axis=1) * discount.sum() / ideal)
    return float(np.concatenate(found).mean())


def _compute_map_result(
    method: AlignmentMethod,
    data: FoldedPairs,
    outcome: MapOutcome,
    bootstrap: GroupBootstrap,
    disparities: Mapping[str, tuple[float, Floats]],
    baseline_errors: Floats,
    config: StudyConfig,
) -> MapResult:
    own = disparities[method.name]
    ccc, ccc_drawn = bootstrap.ccc(outcome.mapped, data.target)
    swapped = bootstrap.ratio(((outcome.mapped_swapped - data.target) ** 2).sum(axis=1), baseline_errors)
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
        disparity=make_estimate(*own),
        ccc=tuple(make_estimate(float(c), ccc_drawn[:, at]) for at, c in enumerate(ccc)),
        mean_ccc=make_estimate(float(np.nanmean(ccc)), np.nanmean(ccc_drawn, axis=1)),
        precision=bootstrap.mean(outcome.precision),
        precision_without_pair=bootstrap.mean(outcome.precision_without_pair),
        ndcg=bootstrap.mean(outcome.ndcg),
        p=compute_permutation_p(outcome),
        null_disparity=(float(outcome.null_disparities.mean()), float(outcome.null_disparities.min())),
        swapped_axes_rise=_estimate_reduction(own, swapped),
        gain_on_identity=_estimate_reduction(own, disparities["identity"])
        if "identity" in disparities and method.name != "identity"
        else None,
        reflection_share=float(np.mean(reflections)) if reflections else None,
        learning_curve=tuple(curve),
        warnings=tuple(_list_map_warnings(method, data, outcome, make_estimate(*own))),
    )


def _estimate_reduction(disparity: tuple[float, Floats], reference: tuple[float, Floats]) -> Estimate:
    """How much lower mine is: theirs - mine, over the same draws."""
    return make_estimate(reference[0] - disparity[0], reference[1] - disparity[1])


def _list_map_warnings(
    method: AlignmentMethod, data: FoldedPairs, outcome: MapOutcome, disparity: Estimate
) -> list[str]:
    found = []
    mapped, target = outcome.mapped.std(axis=0), data.target.std(axis=0)
    flat = [
        name
        for name, thin, wide in zip(data.pairs.columns, mapped, target, strict=True)
        if wide > 0 and thin < COLLAPSED_SPREAD_RATIO * wide
    ]
    if flat and len(flat) < len(data.pairs.columns):
        found.append(
            f"collapsed on {', '.join(flat)}"
            if len(flat) <= MAX_CCC_COLUMNS
            else f"collapsed on {len(flat)} axes"
        )
    elif flat:
        found.append("collapsed on every axis: hardly more than the mean")
    elif len(mapped) == 2 and _is_collinear(outcome.mapped):
        found.append("collapsed on a line: both axes tell the same")
    if (
        outcome.null_disparities.size
        and disparity.value > outcome.null_disparities.min()
        and method.kind != "none"
    ):
        found.append("a map of shuffled pairs did as well")
    return found


def _is_collinear(points: Floats) -> bool:
    """Whether the axes of points (m, 2), each of unit spread, vary together and not apart."""
    standard = (points - points.mean(axis=0)) / np.maximum(points.std(axis=0), 1e-12)
    return bool(abs(np.mean(standard[:, 0] * standard[:, 1])) > COLLINEAR_CORRELATION)


def _list_warnings(
    data: FoldedPairs, bootstrap: GroupBootstrap, map_count: int, config: StudyConfig
) -> tuple[str, ...]:
    found = []
    if map_count / (config.draws + 1) >= 1 - CONFIDENCE_LEVEL:
        found.append(
            f"{config.draws} shuffles are too few for {map_count} maps: no p can be small after Holm"
        )
    least = min(len(fold.source) for fold in data.folds)
    width = data.source.shape[1]
    if least < MIN_ANCHORS_PER_COLUMN * width:
        found.append(
            f"{least} anchors for {width} columns of the source, fewer than "
            f"{MIN_ANCHORS_PER_COLUMN} a column: maps "
            "with a weight a column may follow chance"
        )
    if bootstrap.group_count < MIN_GROUPS:
        found.append(f"{bootstrap.group_count} groups: intervals from so few are too narrow")
    if data.pairs.exchange == "groups":
        half = len(np.unique(data.pairs.groups[data.half_split.held_out_rows]))
        if half < 6:
            found.append(f"{half} groups can be shuffled in only {math.factorial(half)} ways: p is coarse")
    if data.pairs.construction:
        found.append(f"no true pairs: {data.pairs.construction}")
    return tuple(found)


def _run_protest(data: FoldedPairs, config: StudyConfig) -> ProtestResult | None:
    try:
        return protest(
            data.source, data.target, seed=config.seed, draws=config.draws, groups=data.groups,
            exchange=data.pairs.exchange,
        )  # fmt: skip
    except ValueError:  # a sense whose readings do not vary
        return None


def _measure_fusion(data: FoldedPairs, bootstrap: GroupBootstrap) -> FusionAccuracy | None:
    """Where the readings are posteriors over emotions (`Pairs.product`)."""
    words = data.pairs.emotions
    if not data.pairs.uses_inner_product or words is None:
        return None
    names = np.array(data.pairs.columns)
    truth = words[data.pair_rows]
    prior = np.concatenate([
        np.tile((words[fold.anchor_rows][:, None] == names).mean(axis=0), (len(fold.held_out_rows), 1))
        for fold in data.folds
    ])  # fmt: skip
    right = [
        (names[shares.argmax(axis=1)] == truth).astype(np.float64)
        for shares in (data.source, data.target, fuse_posteriors(data.source, data.target, prior))
    ]
    ones = np.ones(len(truth))
    ratios = [bootstrap.ratio(one, ones) for one in right]
    better = max(ratios[:2], key=lambda ratio: ratio[0])
    # the better sense is chosen anew in every draw, so that the choice is no advantage
    best = (better[0], np.maximum(ratios[0][1], ratios[1][1]))
    source, target, both = (make_estimate(*ratio) for ratio in ratios)
    return FusionAccuracy(
        source=source, target=target, both=both, gain_on_best=_estimate_reduction(best, ratios[2])
    )


def _compute_ccc(sums: Floats) -> Floats:
    """(b, q) from sums (b, 5 q + 1) of x, y, x^2, y^2, x y and 1."""
    count = sums[:, -1:]
    x, y, xx, yy, xy = np.split(sums[:, :-1] / count, 5, axis=1)
    below = (xx - x**2) + (yy - y**2) + (x - y) ** 2
    return np.divide(2 * (xy - x * y), below, out=np.full(below.shape, np.nan), where=below > 1e-15)


def _get_upper_bound(estimate: Estimate) -> float:
    return estimate.value if estimate.high is None else estimate.high


def to_json(result: SetResult) -> dict[str, Any]:
    """Everything told of a set but the points."""

    def serialise(estimate: Estimate | None) -> Any:
        return None if estimate is None else estimate.to_json()

    pairs, analysis = result.data.pairs, result.protest
    return {
        "set": pairs.name,
        "senses": pairs.modalities,
        "columns": pairs.columns,
        "rows": len(result.data.pair_rows),
        "groups": len(np.unique(result.data.groups)),
        "exchange": pairs.exchange,
        "notes": pairs.notes,
        "anchors": [len(fold.source) for fold in result.data.folds],
        "made": pairs.construction,
        "procrustes": None
        if analysis is None
        else {
            "disparity": analysis.disparity,
            "average cosine": result.average_cosine,
            "t": analysis.correlation,
            "p": analysis.p_value,
            "null t": [float(v) for v in np.quantile(analysis.null_correlations, [0.025, 0.5, 0.975])],
        },
        "chance P@5": result.chance_precision,
        "random nDCG@10": result.random_ndcg,
        "fusion": None
        if result.fusion is None
        else {
            "source": serialise(result.fusion.source),
            "target": serialise(result.fusion.target),
            "both": serialise(result.fusion.both),
            "beyond": serialise(result.fusion.gain_on_best),
        },
        "warnings": result.warnings,
        "left out": dict(result.left_out),
        "maps": [
            {
                "map": row.name,
                "kind": row.kind,
                "told": row.description,
                "disparity": serialise(row.disparity),
                "ccc": [serialise(one) for one in row.ccc],
                "mean ccc": serialise(row.mean_ccc),
                f"P@{PRECISION_DEPTH}": serialise(row.precision),
                f"P@{PRECISION_DEPTH} of others": serialise(row.precision_without_pair),
                f"nDCG@{NDCG_DEPTH}": serialise(row.ndcg),
                "p": row.p,
                "p holm": row.holm,
                "null disparity": {"mean": row.null_disparity[0], "least": row.null_disparity[1]},
                "rise with swapped axes": serialise(row.swapped_axes_rise),
                "gain on identity": serialise(row.gain_on_identity),
                "gain on the best linear": serialise(row.gain_on_best_linear),
                "reflection": row.reflection_share,
                "curve": [list(point) for point in row.learning_curve],
                "warnings": row.warnings,
            }
            for row in result.maps
        ],
    }
