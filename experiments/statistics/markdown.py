"""Estimates and tables as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrieval.evaluation import Estimate, format_number


def format_value(value: float, spec: str) -> str:
    """A number by its format specification, such as ".1f"; "undefined" for NaN, never "-0.0"."""
    if math.isnan(value):
        return format_number(value)
    text = f"{value:{spec}}"
    return text.removeprefix("-") if float(text.rstrip("%")) == 0 else text


def format_estimate(estimate: Estimate | None, spec: str, *, sd: float | None = None) -> str:
    """Such as "12.3 ±0.4 (10.1 to 14.5)": value, standard deviation and interval, as far as there are any.

    spec: format specification of each number, as `format_value` takes it
    """
    if estimate is None:
        return ""
    value = format_value(estimate.value, spec) + ("" if sd is None else f" ±{format_value(sd, spec)}")
    if estimate.low is None or estimate.high is None or math.isnan(estimate.low) or math.isnan(estimate.high):
        return value
    return f"{value} ({format_value(estimate.low, spec)} to {format_value(estimate.high, spec)})"


def format_markdown_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, align_right: bool = False
) -> list[str]:
    """The lines of a table; with `align_right` all columns but the first are aligned to the right."""
    rules = ["---"] + ["---:" if align_right else "---"] * (len(header) - 1)
    return [f"| {' | '.join(cells)} |" for cells in (header, rules, *rows)]
