"""What the form that is to do no harm has to reach, and what the emotion report's has to show."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.emotion_retrieval.harm.report import VariantSummary
from experiments.statistics.intervals import get_upper_bound
from experiments.statistics.report import Requirement

MAX_LOSS = 0.5  # R@1, of queries with an emotion and of those without
MIN_EMOTION_GAIN = 1.2  # R@1 of queries with an emotion by the baseline's
MAX_DISTANCE_SHARE = 0.75  # distance to the mood asked for by the baseline's


def check_bars(summaries: Sequence[VariantSummary], report: str, ours: str) -> list[Requirement]:
    """The bars that can be checked on these summaries, of which the first is the baseline's.

    report, ours: names of the emotion report's form and of the one that is to do no harm

    A loss counts by the end of its interval, over seeds and items together. Distances, and a gain by
    emotions, are asked for where the affect of items is known.
    """
    by_name = {summary.variant: summary for summary in summaries}
    baseline, bars = summaries[0], []
    if (shown := by_name.get(report)) and (loss := shown.differences["all"]):
        bars.append(Requirement(f"{report}: R@1 of all, upper end", get_upper_bound(loss), 0.0, False))
    if (own := by_name.get(ours)) is None:
        return bars
    for query_set in ("with emotion", "without emotion"):
        if difference := own.differences[query_set]:
            bars.append(Requirement(f"{ours}: R@1 {query_set}", difference.value, -MAX_LOSS, True))
    if difference := own.differences["all"]:
        bars.append(Requirement(f"{ours}: R@1 of all, upper end", get_upper_bound(difference), 0.0, True))
    if own.affect_distance is not None and baseline.affect_distance is not None:
        ours_with, theirs = (side.means["with emotion"]["R@1"] for side in (own, baseline))
        if theirs:
            bars.append(
                Requirement(
                    f"{ours}: R@1 with emotion by the baseline's", ours_with / theirs, MIN_EMOTION_GAIN, True
                )
            )
        share = own.affect_distance / baseline.affect_distance
        bars.append(
            Requirement(f"{ours}: distance to the mood by the baseline's", share, MAX_DISTANCE_SHARE, False)
        )
    return bars
