"""Ends of the interval of an estimate."""

from __future__ import annotations

from retrieval.evaluation import Estimate


def get_lower_bound(estimate: Estimate) -> float:
    """The lower end of the interval; the value where there is no interval."""
    return estimate.value if estimate.low is None else estimate.low


def get_upper_bound(estimate: Estimate) -> float:
    """The upper end of the interval; the value where there is no interval."""
    return estimate.value if estimate.high is None else estimate.high
