"""How values and intervals are printed, also those that are not defined."""

import math

import pytest

from experiments.statistics.markdown import format_estimate, format_value
from retrieval.evaluation import Estimate, format_number

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (1.25, ".1f", "1.2"),
        (-0.001, ".2f", "0.00"),
        (-0.0, ".3f", "0.000"),
        (-0.004, ".1%", "-0.4%"),
        (-0.0004, ".1%", "0.0%"),
        (-0.006, ".2f", "-0.01"),
        (NAN, ".2f", "undefined"),
    ],
)
def test_a_value_has_no_negative_zero(value, spec, text):
    assert format_value(value, spec) == text


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(-0.001, -0.002, 0.5), "0.00 (0.00 to 0.50)"),
        (Estimate(NAN, NAN, NAN), "undefined"),
        (Estimate(0.5, NAN, NAN), "0.50"),
        (Estimate(0.5), "0.50"),
        (None, ""),
    ],
)
def test_an_interval_that_is_not_defined_is_not_printed(estimate, text):
    assert format_estimate(estimate, ".2f") == text


def test_numbers_without_a_specification():
    values = (NAN, math.inf, -math.inf, -0.0)
    assert [format_number(value) for value in values] == ["undefined", "infinite", "-infinite", "0"]
