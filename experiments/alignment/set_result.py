"""Results of a study: of one map on a set, and of a set with all its maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from experiments.alignment.axis_relation import AxisRelation
from experiments.alignment.bootstrap import CONFIDENCE_LEVEL
from experiments.alignment.folds import FoldedPairs
from experiments.alignment.map_evaluation import MapOutcome
from experiments.alignment.power import PowerEstimate
from experiments.alignment.relation_levels import RelationLevels
from experiments.statistics.intervals import get_upper_bound
from retrieval.evaluation import Estimate, ProtestResult
from spaces.alignment import AffineDecomposition


@dataclass(frozen=True, kw_only=True)
class MapResult:
    """Held-out performance of a map on a set.

    disparity: squared error as a share of that of the anchors' mean
    ccc, mean_ccc: concordance correlation of every column, and their mean
    precision: P@5, the row's own pair among the items; precision_without_pair: without it
    p, holm:   of the permutation test, and after Holm's correction over all maps of the set
    null_disparity: mean and minimum disparity of maps fitted on permuted pairs
    swapped_axes_rise: rise of the disparity when the source's axes are given in reverse order; None for one
        axis
    gain_on_identity, gain_on_best_linear: reduction of the disparity, relative to identity's and to the best
        linear map's
    reflection_share: share of the folds whose map reflects; None for maps that are not similarities
    learning_curve: (number of anchors, mean disparity)
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
    swapped_axes_rise: Estimate | None
    gain_on_identity: Estimate | None
    reflection_share: float | None
    learning_curve: tuple[tuple[int, float], ...]
    warnings: tuple[str, ...]
    holm: float = 1.0
    gain_on_best_linear: Estimate | None = None

    @property
    def is_related(self) -> bool:
        """Whether its held-out pairs agree significantly better than permuted ones."""
        return self.holm < 1 - CONFIDENCE_LEVEL

    @property
    def is_predictive(self) -> bool:
        """Whether it also predicts significantly better than the anchors' mean."""
        return self.is_related and get_upper_bound(self.disparity) < 1


@dataclass(frozen=True, kw_only=True)
class FusionAccuracy:
    """Emotion classification accuracy of each modality and of both fused, over the same rows.

    gain_on_best: accuracy of both fused, less that of the better modality
    """

    source: Estimate
    target: Estimate
    both: Estimate
    gain_on_best: Estimate


@dataclass(frozen=True, kw_only=True, eq=False)
class SetResult:
    """Results of all maps on a set.

    protest:  Procrustes analysis of all held-out readings with PROTEST, as in the circumplex report; None
        where readings do not vary
    chance_precision, random_ndcg: P@5 and nDCG of items in random order
    left_out: reason by map that could not be fitted
    fitted:   by name, the affine maps fitted on all held-out readings together
    axes:     of spaces with the same axes, which are reversed or swapped
    levels:   of grouped pairs, whether the relation lies between or within groups
    power:    of the permutation test; None where it was not estimated
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
    fitted: Mapping[str, AffineDecomposition] = field(default_factory=dict)
    axes: AxisRelation | None = None
    levels: RelationLevels | None = None
    power: PowerEstimate | None = None

    def find_map(self, name: str) -> MapResult | None:
        """The map of this name."""
        return next((map_result for map_result in self.maps if map_result.name == name), None)

    def find_best(self, *kinds: str) -> MapResult | None:
        """The best map of these kinds, as `find_best_map` ranks them."""
        return find_best_map([map_result for map_result in self.maps if map_result.kind in kinds])


def find_best_map(maps: Sequence[MapResult]) -> MapResult | None:
    """The map of least disparity; of equal ones to three digits the first, which is the simplest."""
    return min(maps, key=lambda map_result: round(map_result.disparity.value, 3), default=None)
