"""Means with intervals of the dial's outcomes, and differences of the forms from content alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.affect_dial.measurement import MEASURES, Outcomes
from experiments.statistics.markdown import format_estimate, format_markdown_table
from retrieval.evaluation import Estimate, bootstrap_estimate, compare_paired

FORMATS = {"R@1": ".1f", "R@10": ".1f", "distance": ".3f"}


@dataclass(frozen=True, kw_only=True)
class SettingSummary:
    """One setting: by measure its mean, and its difference from the first setting on the same queries."""

    setting: str
    means: Mapping[str, Estimate | None]
    differences: Mapping[str, Estimate | None]


@dataclass(frozen=True, kw_only=True)
class QueriesSummary:
    """Some queries, their number and that of their groups, under every setting."""

    queries: str
    count: int
    group_count: int
    settings: Sequence[SettingSummary]


def summarise(
    outcomes: Outcomes, queries: str, chosen: npt.NDArray[np.bool_], *, seed: int
) -> QueriesSummary | None:
    """The chosen queries, 95 % bootstrap intervals over whole groups; None without any."""
    if not chosen.any():
        return None
    values, groups = outcomes.values[chosen], outcomes.groups[chosen]
    return QueriesSummary(
        queries=queries,
        count=int(chosen.sum()),
        group_count=len(np.unique(groups)),
        settings=[
            SettingSummary(
                setting=setting,
                means={
                    measure: _estimate(values[:, number, column], None, groups, seed)
                    for column, measure in enumerate(MEASURES)
                },
                differences={
                    measure: _estimate(values[:, number, column], values[:, 0, column], groups, seed)
                    for column, measure in enumerate(MEASURES)
                }
                if number
                else {},
            )
            for number, setting in enumerate(outcomes.settings)
        ],
    )


def _estimate(
    values: npt.NDArray[np.float64], others: npt.NDArray[np.float64] | None,
    groups: npt.NDArray[np.str_], seed: int,
) -> Estimate | None:  # fmt: skip
    """Their mean, or that of their differences from `others`, over queries that have both; None of none."""
    known = ~np.isnan(values) if others is None else ~np.isnan(values) & ~np.isnan(others)
    if not known.any():
        return None
    if others is None:
        return bootstrap_estimate(values[known], seed=seed, groups=groups[known])
    difference = compare_paired(values[known], others[known], seed=seed, groups=groups[known])
    return Estimate(difference.value, difference.low, difference.high)


def format_dial_table(summaries: Mapping[str, QueriesSummary]) -> list[str]:
    """A row a dial, two columns a set: content found, and distance from the mood."""
    header = ["dial", *(f"{name}: {measure}" for name in summaries for measure in MEASURES[1:])]
    rows = [
        [
            setting.setting,
            *(
                format_estimate(summary.settings[number].means[measure], FORMATS[measure])
                for summary in summaries.values()
                for measure in MEASURES[1:]
            ),
        ]
        for number, setting in enumerate(next(iter(summaries.values())).settings)
    ]
    return format_markdown_table(header, rows, align_right=True)


def format_forms_table(summaries: Mapping[str, Sequence[QueriesSummary]]) -> list[str]:
    """A row for each form, set and kind of queries: means, and differences from content alone."""
    header = ["set, queries", "form"]
    for measure in MEASURES:
        header += [measure, "less content's"]
    rows = []
    for name, parts in summaries.items():
        for part in parts:
            for setting in part.settings:
                cells = [f"{name}, {part.count} {part.queries}", setting.setting]
                for measure in MEASURES:
                    cells.append(format_estimate(setting.means[measure], FORMATS[measure]))
                    cells.append(format_estimate(setting.differences.get(measure), f"+{FORMATS[measure]}"))
                rows.append(cells)
    return format_markdown_table(header, rows)
