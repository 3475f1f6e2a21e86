"""The verdict of a set in words, which follows from its figures by fixed rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from experiments.alignment.pairs import AFFECT_COLUMNS
from experiments.alignment.power import CORRELATIONS, MEDIUM, SUFFICIENT_POWER, PowerEstimate
from experiments.alignment.set_result import MapResult, SetResult, find_best_map
from experiments.statistics.intervals import get_lower_bound
from experiments.statistics.markdown import format_estimate, format_value
from retrieval.evaluation import format_number

Relation = Literal["linear", "non-linear", "related", "unrelated", "undecided"]
HypothesisSupport = Literal["supported", "partly supported", "not supported", "undecided", "not tested"]

STRENGTHS = ((0.75, "closely"), (0.25, "partly"), (float("-inf"), "weakly"))
"""Words for the share of the target's variance that a map explains, above each bound."""
LIMITATION = (
    " Readings are a model's or people's, not what a user feels: weak readers can hide an agreement that "
    "is there."
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Relation of the two spaces, and support for the hypothesis of the circumplex report, section 8.1.

    explanation, hypothesis_explanation: both in words, with the figures they follow from
    """

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
    """Classify the relation of a set and test the hypothesis.

    linear: a linear map predicts held-out targets better than their mean (upper end of the interval of its
        disparity below 1, p below .05 after Holm) and the best curved map does not gain on it significantly
    non-linear: a curved map predicts them, and either no linear one does, or the best curved one gains on the
        best linear one by more than the interval
    related: some p is below .05, but the error of no map is below the mean's
    unrelated: none of these, though the test would find a medium relation (r = .3) with a power of .8
    undecided: none of these, and the test's power is less, so that there may well be such a relation
    """
    relation, explanation = _classify_relation(result)
    explanation += _describe_axes_and_levels(result, is_found=relation not in ("unrelated", "undecided"))
    if result.data.pairs.construction:
        explanation = f"A control, no finding, since {result.data.pairs.construction}. {explanation}"
    hypothesis, hypothesis_explanation = _test_hypothesis(result, relation)
    return Verdict(
        relation=relation,
        hypothesis=hypothesis,
        explanation=explanation,
        hypothesis_explanation=hypothesis_explanation,
    )


def _classify_relation(result: SetResult) -> tuple[Relation, str]:
    linear, curved = _find_predictive_map(result, "none", "linear"), _find_predictive_map(result, "curved")
    if curved is not None and (linear is None or _gains_on_linear(curved)):
        if linear is None:
            reason = "no linear map foretells it better than its mean"
        else:
            gain = format_estimate(curved.gain_on_best_linear, ".2f")
            reason = f"{gain} lower than the best linear map's, beyond its interval"
        return "non-linear", (
            f"Alignable, but not linearly: {curved.name} leaves "
            f"{format_estimate(curved.disparity, '.2f')} of the target's "
            f"scatter unexplained ({_describe_strength(curved)}); {reason}."
        )
    if linear is not None:
        curved_gain = ""
        if curved is not None and curved.gain_on_best_linear is not None:
            gain = format_estimate(curved.gain_on_best_linear, ".2f")
            curved_gain = f"; the best curved map, {curved.name}, gains {gain}, within its interval"
        return "linear", (
            f"Linearly alignable: {linear.name} leaves {format_estimate(linear.disparity, '.2f')} of the "
            f"target's scatter unexplained ({_describe_strength(linear)}){curved_gain}."
        )
    least = min(result.maps, key=lambda map_result: map_result.holm, default=None)
    if least is not None and least.is_related:
        return "related", (
            f"Related, but no map is shown to predict: pairs agree more than shuffled ones ({least.name}, p "
            f"after Holm {format_number(least.holm)}), while no map's held-out error is below the mean's."
        )
    evidence = "under no map do held-out pairs agree more than shuffled ones (least p after Holm "
    evidence += f"{format_number(1.0 if least is None else least.holm)})"
    if result.power is not None and not result.power.is_sufficient:
        return "undecided", f"Can't tell: {evidence}, but {_describe_power(result.power)}."
    power = "" if result.power is None else f"; {_describe_power(result.power)}"
    return "unrelated", f"Not alignable on this data: {evidence}{power}."


def _describe_power(power: PowerEstimate) -> str:
    groups = f" in {power.group_count} groups" if power.group_count < power.pair_count else ""
    medium = format_value(power.by_correlation[MEDIUM], ".2f")
    text = (
        f"{power.pair_count} pairs{groups} give power {medium} for a relation that "
        f"explains {_format_share(MEDIUM)} of the target's scatter (r = {MEDIUM:g})"
    )
    if power.detectable is None:
        return f"{text}, and less than {SUFFICIENT_POWER:g} even for r = {CORRELATIONS[-1]:g}"
    return (
        f"{text}, and {SUFFICIENT_POWER:g} for one that explains {_format_share(power.detectable)} "
        f"(r = {format_value(power.detectable, '.2f')})"
    )


def _format_share(correlation: float) -> str:
    return f"{100 * correlation**2:.0f} %"


def _describe_axes_and_levels(result: SetResult, *, is_found: bool) -> str:
    """Sentences on reversed or swapped axes and on the level of the relation; empty without either.

    is_found: whether the maps show a relation; otherwise nothing is said but of a level that shows one
    """
    text = ""
    if is_found and result.axes is not None and (axes := result.axes.describe()):
        text += f" Against each other the spaces lie with {axes}."
    levels = result.levels
    if levels is not None and is_found and (words := levels.describe()):
        text += f" {words[0].upper()}{words[1:]}."
    elif levels is not None and levels.is_shown:
        text += f" By level, a test of its own: {levels.describe()}."
    return text


def _test_hypothesis(result: SetResult, relation: Relation) -> tuple[HypothesisSupport, str]:
    """Whether both modalities carry the same valence and arousal, and the reason in words."""
    pairs = result.data.pairs
    modalities = " and ".join(pairs.modalities)
    if pairs.construction:
        return "not tested", f"Says nothing of the hypothesis: {pairs.construction}."
    if pairs.columns != AFFECT_COLUMNS or pairs.name.startswith("synthetic"):
        return "not tested", "The hypothesis is about valence and arousal; these are not readings of them."
    if constant := _list_constant_columns(result):
        return "not tested", f"The hypothesis can't be tested: {', '.join(constant)}."
    identity = result.find_map("identity")
    unmapped = (
        "" if identity is None else f" As the readings stand, without a map, CCC is {_format_ccc(identity)}."
    )
    best = _find_predictive_map(result, "none", "linear", "curved")
    if best is None and relation == "undecided":
        return "undecided", f"{modalities}: too few pairs to tell.{unmapped}{LIMITATION}"
    if best is None:
        return "not supported", f"{modalities} do not foretell each other here.{unmapped}{LIMITATION}"
    agreeing = [name for name, ccc in zip(AFFECT_COLUMNS, best.ccc, strict=True) if get_lower_bound(ccc) > 0]
    axes = "" if result.axes is None or best.kind == "none" else result.axes.describe()
    mapped = f" once mapped ({axes})" if axes else ""
    evidence = f"with {best.name}, CCC of held-out pairs is {_format_ccc(best)}.{unmapped}"
    if len(agreeing) == 2:
        return (
            "supported",
            f"{modalities} of a pair carry the same mood in both dimensions{mapped}: {evidence}",
        )
    if agreeing:
        return "partly supported", f"{modalities} share {agreeing[0]} alone{mapped}: {evidence}{LIMITATION}"
    return "not supported", f"{modalities} agree in neither dimension: {evidence}{LIMITATION}"


def _list_constant_columns(result: SetResult) -> list[str]:
    pairs = result.data.pairs
    sides = (
        (pairs.modalities[0], pairs.source_columns or pairs.columns, result.data.source),
        (pairs.modalities[1], pairs.columns, result.data.target),
    )
    return [
        f"{name} of {modality} does not vary"
        for modality, columns, rows in sides
        if len(columns) == rows.shape[1]
        for name, values in zip(columns, rows.T, strict=True)
        if (values == values[0]).all()
    ]


def _find_predictive_map(result: SetResult, *kinds: str) -> MapResult | None:
    return find_best_map([row for row in result.maps if row.kind in kinds and row.is_predictive])


def _gains_on_linear(curved: MapResult) -> bool:
    """Whether the gain on the best linear map is significant."""
    return curved.gain_on_best_linear is not None and get_lower_bound(curved.gain_on_best_linear) > 0


def _describe_strength(map_result: MapResult) -> str:
    share = 1 - map_result.disparity.value
    strength = next(word for bound, word in STRENGTHS if share > bound)
    return f"{strength}: {100 * share:.0f} % explained"


def _format_ccc(map_result: MapResult) -> str:
    return " and ".join(
        f"{format_estimate(ccc, '.2f')} for {name}"
        for name, ccc in zip(AFFECT_COLUMNS, map_result.ccc, strict=True)
    )
