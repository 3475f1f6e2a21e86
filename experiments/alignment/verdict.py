"""A verdict in words that follows from the figures, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from experiments.alignment.paired_sets import AFFECT_COLUMNS
from experiments.alignment.statistics import MapResult, SetResult, find_best_map
from retrieval.evaluation.estimate import Estimate, format_number

Relation = Literal["linear", "non-linear", "related", "unrelated"]
HypothesisSupport = Literal["supported", "partly supported", "not supported", "not tested"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """standing: of the two spaces; hypothesis: section 8.1's; both in words with their reasons."""

    relation: Relation
    hypothesis: HypothesisSupport
    explanation: str
    hypothesis_explanation: str

    def to_json(self) -> dict[str, str]:
        """As written to results.json."""
        return {
            "standing": self.relation, "hypothesis": self.hypothesis, "words": self.explanation,
            "hypothesis_words": self.hypothesis_explanation,
        }  # fmt: skip


def make_verdict(result: SetResult) -> Verdict:
    """Linear: a linear map foretells what is held out better than the mean (upper end of the interval of its
    disparity below 1, p below .05 after Holm) and no curved map is better by more than its interval.

    Non-linear: a curved map does so, and either no linear one does, or the best curved one is better beyond
    its interval. Related: some p is below .05, but the error of no map is below the mean's.
    """
    standing, words = _classify_relation(result)
    if result.data.pairs.construction:
        words = f"A control, no finding, since {result.data.pairs.construction}. {words}"
    hypothesis, because = _judge_hypothesis(result, standing)
    return Verdict(
        relation=standing, hypothesis=hypothesis, explanation=words, hypothesis_explanation=because
    )


def _classify_relation(result: SetResult) -> tuple[Relation, str]:
    linear, curved = _find_predictive_map(result, "none", "linear"), _find_predictive_map(result, "curved")
    better = (
        curved is not None
        and curved.gain_on_best_linear is not None
        and _get_lower_bound(curved.gain_on_best_linear) > 0
    )
    if curved is not None and (linear is None or better):
        if linear is None:
            why = "no linear map foretells it better than its mean"
        else:
            gain = _format_estimate(curved.gain_on_best_linear)
            why = f"{gain} lower than the best linear map's, beyond its interval"
        return "non-linear", (
            f"Alignable, but not linearly: {curved.name} leaves "
            f"{_format_estimate(curved.disparity)} of the target's "
            f"scatter unexplained ({_describe_strength(curved)}); {why}."
        )
    if linear is not None:
        beside = ""
        if curved is not None and curved.gain_on_best_linear is not None:
            gain = _format_estimate(curved.gain_on_best_linear)
            beside = f"; the best curved map, {curved.name}, gains {gain}, within its interval"
        return "linear", (
            f"Linearly alignable: {linear.name} leaves {_format_estimate(linear.disparity)} of the "
            "target's scatter "
            f"unexplained ({_describe_strength(linear)}){beside}."
        )
    related = [row for row in result.maps if row.is_related]
    if related:
        one = min(related, key=lambda row: row.holm)
        return "related", (
            f"Not alignable on this data: pairs agree more than shuffled ones ({one.name}, p after Holm "
            f"{format_number(one.holm)}), but no map foretells held-out readings better than their mean does."
        )
    return "unrelated", (
        "Not alignable on this data: under no map do held-out pairs agree more than shuffled ones (least p "
        f"after Holm {format_number(min((row.holm for row in result.maps), default=1.0))})."
    )


def _judge_hypothesis(result: SetResult, relation: Relation) -> tuple[HypothesisSupport, str]:
    pairs = result.data.pairs
    one, other = pairs.modalities
    if pairs.construction:
        return "not tested", f"Says nothing of the hypothesis: {pairs.construction}."
    if pairs.columns != AFFECT_COLUMNS or pairs.name.startswith("synthetic"):
        return "not tested", "The hypothesis is about valence and arousal; these are not readings of them."
    best = _find_predictive_map(result, "none", "linear", "curved")
    told = {row.name: row for row in result.maps}
    plain = ""
    if "identity" in told:
        plain = (
            " As the readings stand, without a map, CCC is "
            + " and ".join(
                f"{_format_estimate(figure)} for {name}"
                for name, figure in zip(AFFECT_COLUMNS, told["identity"].ccc, strict=True)
            )
            + "."
        )
    limit = (
        " Readings are a model's or people's, not what a user feels: weak readers can hide an agreement that "
        "is there."
    )
    if best is None:
        return "not supported", f"{one} and {other} do not foretell each other here.{plain}{limit}"
    agreeing = [
        name for name, figure in zip(AFFECT_COLUMNS, best.ccc, strict=True) if _get_lower_bound(figure) > 0
    ]
    shares = " and ".join(
        f"{_format_estimate(figure)} for {name}"
        for name, figure in zip(AFFECT_COLUMNS, best.ccc, strict=True)
    )
    told_best = f"with {best.name}, CCC of held-out pairs is {shares}."
    if len(agreeing) == 2:
        return (
            "supported",
            f"{one} and {other} of a pair carry the same mood in both dimensions: {told_best}{plain}",
        )
    if agreeing:
        return "partly supported", f"{one} and {other} share {agreeing[0]} alone: {told_best}{plain}{limit}"
    return "not supported", f"{one} and {other} agree in neither dimension: {told_best}{plain}{limit}"


def _find_predictive_map(result: SetResult, *kinds: str) -> MapResult | None:
    rows = [row for row in result.maps if row.kind in kinds and row.is_predictive]
    return find_best_map(rows)


def _describe_strength(map_result: MapResult) -> str:
    share = 1 - map_result.disparity.value
    word = "closely" if share > 0.75 else "partly" if share > 0.25 else "weakly"
    return f"{word}: {100 * share:.0f} % explained"


def _format_estimate(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def _get_lower_bound(estimate: Estimate) -> float:
    return estimate.value if estimate.low is None else estimate.low
