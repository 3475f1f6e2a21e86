"""The harm study's results over seeds, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from experiments.emotion_retrieval.harm_study import QUERY_SETS, VariantResult
from experiments.statistics.crossed_effects import compare_methods
from experiments.statistics.markdown import format_estimate, format_markdown_table
from retrieval.evaluation import Estimate

INTERVAL_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class VariantSummary:
    """A variant over seeds: mean metrics by query set, and differences of R@1 from the baseline.

    differences: by query set, in percent, with the interval over seeds and queries together; None for one
                 seed, where nothing can be said of other seeds
    """

    variant: str
    means: Mapping[str, Mapping[str, float]]
    differences: Mapping[str, Estimate | None]

    def to_json(self) -> dict[str, Any]:
        """As written to results.json."""
        return asdict(self)


def summarise_variants(results: Sequence[VariantResult]) -> list[VariantSummary]:
    """A summary of each variant, in the order of the results."""
    by_variant: dict[str, list[VariantResult]] = {}
    for result in results:
        by_variant.setdefault(result.variant, []).append(result)
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
        )
        for name, runs in by_variant.items()
    ]


def _compare(
    runs: Sequence[VariantResult], baseline: Sequence[VariantResult], query_set: str
) -> Estimate | None:
    """The difference of R@1; both start from the same weights under a seed, so that seeds are paired."""
    if len(runs) < 2:
        return None
    ours, theirs = (np.stack([run.hits[query_set] for run in side]) for side in (runs, baseline))
    difference = compare_methods(ours, theirs, paired_seeds=True)
    return Estimate(
        100 * difference.value, *(100 * end for end in difference.compute_interval(INTERVAL_LEVEL))
    )


def format_summaries(summaries: Sequence[VariantSummary]) -> list[str]:
    """The lines of a Markdown table."""
    header = ["variant"]
    for query_set in QUERY_SETS:
        header += [f"{query_set}: R@1 / 10, MnR", "R@1 less baseline's"]
    rows = []
    for summary in summaries:
        cells = [summary.variant]
        for query_set in QUERY_SETS:
            mean = summary.means[query_set]
            cells.append(f"{mean['R@1']:.1f} / {mean['R@10']:.1f}, {mean['MnR']:.0f}")
            cells.append(format_estimate(summary.differences[query_set], "+.1f"))
        rows.append(cells)
    return format_markdown_table(header, rows, align_right=True)
