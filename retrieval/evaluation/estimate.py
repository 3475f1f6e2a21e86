"""A measured value with its interval, the form in which all figures are passed on and printed."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A value and its interval (95 % unless the report says otherwise); None where there is no interval."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """Such as "62.4 (57.0 to 67.8)"."""
        if self.low is None or self.high is None:
            return format_number(self.value)
        return f"{format_number(self.value)} ({format_number(self.low)} to {format_number(self.high)})"

    def to_json(self) -> dict[str, float | None]:
        """As printed with --json."""
        return {"value": self.value, "low": self.low, "high": self.high}


def format_number(value: float) -> str:
    """A number to three digits, whole ones as they are; "undefined" for NaN."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value)}"
    return f"{value:.1f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}"
