"""The harm study's results over seeds, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.emotion_retrieval.harm.study import QUERY_SETS, VariantResult
from experiments.statistics.crossed_effects import compare_methods
from experiments.statistics.markdown import format_estimate, format_markdown_table
from retrieval.evaluation import Estimate

Floats = npt.NDArray[np.float64]

INTERVAL_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class VariantSummary:
    """A variant over seeds: mean metrics by query set, and differences of R@1 from the baseline.

    differences: by query set, in percent, with the interval over seeds and queries together; None for one
                 seed, where nothing can be said of other seeds
    affect_distance: mean distance of the first items found to the mood asked for, and its difference from the
                 baseline's with the interval; None where no truth is known
    """

    variant: str
    means: Mapping[str, Mapping[str, float]]
    differences: Mapping[str, Estimate | None]
    affect_distance: float | None = None
    distance_difference: Estimate | None = None

    def to_json(self) -> dict[str, Any]:
        """As written to results.json."""
        return asdict(self)


def summarise_variants(results: Sequence[VariantResult]) -> list[VariantSummary]:
    """A summary of each variant, in the order of the results."""
    by_variant = _group_by_variant(results)
    baseline = next(iter(by_variant.values()))
    return [
        VariantSummary(
            variant=name,
            means={
                query_set: {
                    metric: float(np.mean([run.metrics[query_set][metric] for run in runs]))
                    for metric in runs[0].metrics[query_set]
                }
                for query_set in QUERY_SETS
            },
            differences={
                query_set: _compare(runs, baseline, query_set) if runs is not baseline else None
                for query_set in QUERY_SETS
            },
            **_summarise_distances(runs, baseline),
        )
        for name, runs in by_variant.items()
    ]


def _summarise_distances(
    runs: Sequence[VariantResult], baseline: Sequence[VariantResult]
) -> dict[str, Any]:  # fmt: skip
    """The fields of a summary about distances of affect."""
    ours, theirs = ([run.affect_distances for run in side] for side in (runs, baseline))
    if any(distances is None for distances in (*ours, *theirs)):
        return {}
    stacked = np.stack([distances for distances in ours if distances is not None])
    compared = np.stack([distances for distances in theirs if distances is not None])
    difference = None if runs is baseline else _compare_values(stacked, compared)
    return {"affect_distance": float(stacked.mean()), "distance_difference": difference}


def _group_by_variant(results: Sequence[VariantResult]) -> dict[str, list[VariantResult]]:
    """In the order of the results; the baseline is the first."""
    by_variant: dict[str, list[VariantResult]] = {}
    for result in results:
        by_variant.setdefault(result.variant, []).append(result)
    return by_variant


def _compare(
    runs: Sequence[VariantResult], baseline: Sequence[VariantResult], query_set: str
) -> Estimate | None:
    """The difference of R@1; both start from the same weights under a seed, so that seeds are paired."""
    return _compare_hits([run.hits[query_set] for run in runs], [run.hits[query_set] for run in baseline])


def _compare_hits(ours: Sequence[Floats], theirs: Sequence[Floats]) -> Estimate | None:
    """The difference of R@1 in percent of hits (groups,) by seed; None for one seed."""
    return _compare_values(100 * np.stack(ours), 100 * np.stack(theirs))


def _compare_values(ours: Floats, theirs: Floats) -> Estimate | None:
    """The difference of the means of (seeds, groups), with its interval; None for one seed."""
    if len(ours) < 2:
        return None
    difference = compare_methods(ours, theirs, paired_seeds=True)
    return Estimate(difference.value, *difference.compute_interval(INTERVAL_LEVEL))


@dataclass(frozen=True, kw_only=True)
class CauseReading:
    """What emotions added to tokens do, by their scale, and what a total loss of their texts would do.

    scale:  mean norm of emotion vectors against that of embedded tokens
    cosine: mean, of texts with an emotion to what the baseline makes of them
    with_emotion, all_queries: R@1
    predicted: R@1 of the baseline on all queries if those with an emotion found nothing
    excess: R@1 less the predicted one, with the interval over seeds and queries; None for one seed
    """

    variant: str
    scale: float
    cosine: float
    with_emotion: float
    all_queries: float
    predicted: float
    excess: Estimate | None


def read_cause(results: Sequence[VariantResult]) -> list[CauseReading]:
    """A reading of each variant that adds emotions to tokens."""
    by_variant = _group_by_variant(results)
    baseline = next(iter(by_variant.values()))
    readings = []
    for name, runs in by_variant.items():
        if runs[0].emotion_scale is None:
            continue
        readings.append(
            CauseReading(
                variant=name,
                scale=float(np.mean([run.emotion_scale for run in runs])),
                cosine=float(np.mean([run.cosine for run in runs])),
                with_emotion=float(np.mean([run.metrics["with emotion"]["R@1"] for run in runs])),
                all_queries=float(np.mean([run.metrics["all"]["R@1"] for run in runs])),
                predicted=100 * float(np.mean([run.kept_hits.mean() for run in baseline])),
                excess=_compare_hits([run.hits["all"] for run in runs], [run.kept_hits for run in baseline]),
            )
        )
    return readings


def format_cause(readings: Sequence[CauseReading]) -> list[str]:
    """The lines of a Markdown table."""
    header = [
        "emotions added to tokens",
        "norm by tokens' norm",
        "cosine to the text without",
        "with emotion: R@1",
        "all: R@1",
        "predicted if all with emotion are lost",
        "less predicted",
    ]
    rows = [
        [
            reading.variant, f"{reading.scale:.2f}", f"{reading.cosine:.2f}", f"{reading.with_emotion:.1f}",
            f"{reading.all_queries:.1f}", f"{reading.predicted:.1f}", format_estimate(reading.excess, "+.1f"),
        ]
        for reading in readings
    ]  # fmt: skip
    return format_markdown_table(header, rows, align_right=True)


def format_summaries(summaries: Sequence[VariantSummary]) -> list[str]:
    """The lines of a Markdown table."""
    header = ["variant"]
    for query_set in QUERY_SETS:
        header += [f"{query_set}: R@1 / 10, MnR", "R@1 less baseline's"]
    has_distance = all(summary.affect_distance is not None for summary in summaries)
    header += ["distance to the mood", "less baseline's"] * has_distance
    rows = []
    for summary in summaries:
        cells = [summary.variant]
        for query_set in QUERY_SETS:
            mean = summary.means[query_set]
            cells.append(f"{mean['R@1']:.1f} / {mean['R@10']:.1f}, {mean['MnR']:.0f}")
            cells.append(format_estimate(summary.differences[query_set], "+.1f"))
        if summary.affect_distance is not None and has_distance:
            cells.append(f"{summary.affect_distance:.2f}")
            cells.append(format_estimate(summary.distance_difference, "+.2f"))
        rows.append(cells)
    return format_markdown_table(header, rows, align_right=True)
