"""Parts of a set's section in the report: the fitted maps as numbers, and the power of the test."""

from __future__ import annotations

from experiments.alignment.diagnostics import MAX_CCC_COLUMNS
from experiments.alignment.pairs import Floats
from experiments.alignment.power import SUFFICIENT_POWER, PowerEstimate
from experiments.alignment.set_result import SetResult
from experiments.statistics.markdown import format_markdown_table, format_value
from spaces.alignment import AffineDecomposition


def format_fitted_maps(result: SetResult) -> list[str]:
    """A table of the affine maps; no lines where there are none or the spaces are too wide to be printed."""
    width = max(result.data.source.shape[1], result.data.target.shape[1])
    if not result.fitted or width > MAX_CCC_COLUMNS:
        return []
    rows = [_make_cells(name, parts) for name, parts in result.fitted.items()]
    unit = " of columns in standard deviations," if result.data.pairs.standardise else ""
    return [
        f"The maps fitted on all {len(result.data.pair_rows)} pairs,{unit} none held out: target = source "
        "times matrix (a row for each column of the source) plus shift. Least squares shrinks towards the "
        "mean.",
        "",
        *format_markdown_table(["map", "matrix", "shift", "turned or mirrored", "scale"], rows),
        "",
    ]


def format_power(power: PowerEstimate) -> str:
    """One line: the power by correlation."""
    powers = ", ".join(
        f"{format_value(value, '.2f')} for r = {r:g}" for r, value in power.by_correlation.items() if r <= 0.5
    )
    least = "no r up to .9 has"
    if power.detectable is not None:
        least = f"r = {format_value(power.detectable, '.2f')} has"
    return (
        f"Power of the permutation test of {power.map_count} maps: {powers}; {least} {SUFFICIENT_POWER:g}. "
        "A relation of r explains r² of every column of the target, whatever way the source is turned"
    )


def _make_cells(name: str, parts: AffineDecomposition) -> list[str]:
    matrix = "; ".join(_format_numbers(row) for row in parts.weight)
    return [
        name,
        f"[{matrix}]",
        f"[{_format_numbers(parts.bias)}]",
        _describe_turn(parts),
        _format_scales(parts),
    ]


def _describe_turn(parts: AffineDecomposition) -> str:
    if parts.reflects is None:
        return ""
    if parts.degrees is None:
        return "mirrored" if parts.reflects else ""
    degrees = format_value(parts.degrees, ".0f")
    return f"mirrored about the line at {degrees}°" if parts.reflects else f"turned by {degrees}°"


def _format_scales(parts: AffineDecomposition) -> str:
    largest, least = parts.scales[0], parts.scales[-1]
    if largest - least < 0.005 * largest:
        return format_value(float(largest), ".2f")
    return f"{format_value(float(least), '.2f')} to {format_value(float(largest), '.2f')}"


def _format_numbers(values: Floats) -> str:
    return ", ".join(format_value(float(value), ".2f") for value in values)
