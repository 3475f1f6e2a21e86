"""A verdict in words that follows from the figures, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from experiments.alignment.paired_sets import MOOD
from experiments.alignment.statistics import Found, Row, least
from experiments.statistics.report import Figure, short

Standing = Literal["linear", "non-linear", "related", "unrelated"]
Hypothesis = Literal["supported", "partly supported", "not supported", "not tested"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """standing: of the two spaces; hypothesis: section 8.1's; both in words with their reasons."""

    standing: Standing
    hypothesis: Hypothesis
    words: str
    hypothesis_words: str


def judged(found: Found) -> Verdict:
    """Linear: a linear map foretells what is held out better than the mean (upper end of the interval of its
    disparity below 1, p below .05 after Holm) and no curved map is better by more than its interval.

    Non-linear: a curved map does so, and either no linear one does, or the best curved one is better beyond
    its interval. Related: some p is below .05, but the error of no map is below the mean's.
    """
    standing, words = _standing(found)
    if found.known.pairs.made:
        words = f"A control, no finding, since {found.known.pairs.made}. {words}"
    hypothesis, because = _hypothesis(found, standing)
    return Verdict(standing=standing, hypothesis=hypothesis, words=words, hypothesis_words=because)


def _standing(found: Found) -> tuple[Standing, str]:
    linear, curved = _foretelling(found, "none", "linear"), _foretelling(found, "curved")
    better = curved is not None and curved.beyond is not None and _low(curved.beyond) > 0
    if curved is not None and (linear is None or better):
        if linear is None:
            why = "no linear map foretells it better than its mean"
        else:
            why = f"{_told(curved.beyond)} lower than the best linear map's, beyond its interval"
        return "non-linear", (
            f"Alignable, but not linearly: {curved.name} leaves {_told(curved.disparity)} of the target's "
            f"scatter unexplained ({_strength(curved)}); {why}."
        )
    if linear is not None:
        beside = ""
        if curved is not None and curved.beyond is not None:
            beside = (
                f"; the best curved map, {curved.name}, gains {_told(curved.beyond)}, within its interval"
            )
        return "linear", (
            f"Linearly alignable: {linear.name} leaves {_told(linear.disparity)} of the target's scatter "
            f"unexplained ({_strength(linear)}){beside}."
        )
    related = [row for row in found.rows if row.related]
    if related:
        one = min(related, key=lambda row: row.holm)
        return "related", (
            f"Not alignable on this data: pairs agree more than shuffled ones ({one.name}, p after Holm "
            f"{short(one.holm)}), but no map foretells held-out readings better than their mean does."
        )
    return "unrelated", (
        "Not alignable on this data: under no map do held-out pairs agree more than shuffled ones (least p "
        f"after Holm {short(min((row.holm for row in found.rows), default=1.0))})."
    )


def _hypothesis(found: Found, standing: Standing) -> tuple[Hypothesis, str]:
    pairs = found.known.pairs
    one, other = pairs.senses
    if pairs.made:
        return "not tested", f"Says nothing of the hypothesis: {pairs.made}."
    if pairs.columns != MOOD or pairs.name.startswith("synthetic"):
        return "not tested", "The hypothesis is about valence and arousal; these are not readings of them."
    best = _foretelling(found, "none", "linear", "curved")
    told = {row.name: row for row in found.rows}
    plain = ""
    if "identity" in told:
        plain = " As the readings stand, without a map, CCC is " + " and ".join(
            f"{_told(figure)} for {name}" for name, figure in zip(MOOD, told["identity"].ccc, strict=True)
        ) + "."  # fmt: skip
    limit = (
        " Readings are a model's or people's, not what a user feels: weak readers can hide an agreement that "
        "is there."
    )
    if best is None:
        return "not supported", f"{one} and {other} do not foretell each other here.{plain}{limit}"
    agreeing = [name for name, figure in zip(MOOD, best.ccc, strict=True) if _low(figure) > 0]
    shares = " and ".join(f"{_told(figure)} for {name}" for name, figure in zip(MOOD, best.ccc, strict=True))
    told_best = f"with {best.name}, CCC of held-out pairs is {shares}."
    if len(agreeing) == 2:
        return (
            "supported",
            f"{one} and {other} of a pair carry the same mood in both dimensions: {told_best}{plain}",
        )
    if agreeing:
        return "partly supported", f"{one} and {other} share {agreeing[0]} alone: {told_best}{plain}{limit}"
    return "not supported", f"{one} and {other} agree in neither dimension: {told_best}{plain}{limit}"


def _foretelling(found: Found, *kinds: str) -> Row | None:
    rows = [row for row in found.rows if row.kind in kinds and row.foretells]
    return least(rows)


def _strength(row: Row) -> str:
    share = 1 - row.disparity.value
    word = "closely" if share > 0.75 else "partly" if share > 0.25 else "weakly"
    return f"{word}: {100 * share:.0f} % explained"


def _told(figure: Figure | None) -> str:
    if figure is None or figure.low is None or figure.high is None:
        return ""
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def _low(figure: Figure) -> float:
    return figure.value if figure.low is None else figure.low
