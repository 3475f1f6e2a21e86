"""Estimates and tables as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from retrieval.evaluation import Estimate


def format_estimate(estimate: Estimate | None, spec: str, *, sd: float | None = None) -> str:
    """Such as "12.3 ±0.4 (10.1 to 14.5)": value, standard deviation and interval, as far as there are any.

    spec: format specification of each number, such as ".1f"
    """
    if estimate is None:
        return ""
    value = f"{estimate.value:{spec}}" if sd is None else f"{estimate.value:{spec}} ±{sd:{spec}}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({estimate.low:{spec}} to {estimate.high:{spec}})"


def format_markdown_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, align_right: bool = False
) -> list[str]:
    """The lines of a table; with `align_right` all columns but the first are aligned to the right."""
    rules = ["---"] + ["---:" if align_right else "---"] * (len(header) - 1)
    return [f"| {' | '.join(cells)} |" for cells in (header, rules, *rows)]
