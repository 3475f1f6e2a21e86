"""Means with intervals of the dial's outcomes, and differences of the forms from content alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.affect_dial.measurement import MEASURES, Outcomes
from experiments.statistics.markdown import format_estimate, format_markdown_table
from retrieval.evaluation import Estimate

DRAWS = 2000
INTERVAL_ENDS = 0.025, 0.975
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
    means = _bootstrap_means(values, groups, seed)
    differences = _bootstrap_means(values - values[:, :1], groups, seed)
    return QueriesSummary(
        queries=queries,
        count=int(chosen.sum()),
        group_count=len(np.unique(groups)),
        settings=[
            SettingSummary(
                setting=setting,
                means=dict(zip(MEASURES, means[number], strict=True)),
                differences=dict(zip(MEASURES, differences[number], strict=True)) if number else {},
            )
            for number, setting in enumerate(outcomes.settings)
        ],
    )


def _bootstrap_means(
    values: npt.NDArray[np.float64], groups: npt.NDArray[np.str_], seed: int
) -> list[list[Estimate | None]]:
    """Of values (n, s, m) the s x m means over those that are not NaN, None without any.

    Percentile intervals of the bootstrap over whole groups (Davison and Hinkley 1997, 3.8), all columns at
    once: of a group, the sum and the number of its values are all that a mean needs.
    """
    _, number = np.unique(groups, return_inverse=True)
    is_member = (number == np.arange(number.max() + 1)[:, None]).astype(np.float64)  # (groups, n)
    flat = values.reshape(len(values), -1)
    known = np.flatnonzero(~np.isnan(flat).all(axis=0))
    sums, counts = is_member @ np.nan_to_num(flat[:, known]), is_member @ ~np.isnan(flat[:, known])
    drawn = np.random.default_rng(seed).integers(len(sums), size=(DRAWS, len(sums)))
    times_drawn = np.stack([np.bincount(row, minlength=len(sums)) for row in drawn])
    with np.errstate(invalid="ignore"):  # 0 / 0 where no group of a draw has a value
        draws = (times_drawn @ sums) / (times_drawn @ counts)
    rows = np.stack([sums.sum(axis=0) / counts.sum(axis=0), *np.nanquantile(draws, INTERVAL_ENDS, axis=0)])
    estimates: list[Estimate | None] = [None] * flat.shape[1]
    for column, row in zip(known, rows.T.tolist(), strict=True):
        estimates[column] = Estimate(*row)
    width = values.shape[2]
    return [estimates[start : start + width] for start in range(0, len(estimates), width)]


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
