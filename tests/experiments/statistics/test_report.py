"""Estimates and requirements as text."""

from experiments.statistics.report import BenchmarkReport, Requirement, format_table
from retrieval.evaluation.estimate import Estimate, format_number


def test_estimates_and_requirements_as_text():
    assert [format_number(value) for value in (3, 3.0, 0.01234, 1.5, 123.45)] == [
        "3",
        "3",
        "0.0123",
        "1.5",
        "123.5",
    ]
    assert str(Estimate(1.5)) == "1.5" and str(Estimate(62.44, 57, 67.8)) == "62.4 (57 to 67.8)"
    assert (
        Requirement("speed", 3.0, 3, is_minimum=True).is_met
        and not Requirement("seconds", 3.1, 3, is_minimum=False).is_met
    )
    assert str(Requirement("speed", 2.5, 3, is_minimum=True)) == "speed: 2.5, at least 3 wanted: MISSED"
    assert format_table([{"a": 1, "bb": "x"}, {"a": 22.0, "c": None}]) == ["a   bb  c", "1   x", "22"]
    lines = BenchmarkReport(benchmark="x", settings={"seed": 1}, rows=[{"a": 1}]).format_lines()
    assert "settings: seed 1" in lines and any(line.startswith("machine: ") for line in lines)
