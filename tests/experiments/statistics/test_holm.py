"""Correction of p values for multiple comparisons."""

import pytest

from experiments.statistics.holm import adjust_holm


def test_holm():
    assert adjust_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm([0.6, 0.9]) == [1, 1]
    assert adjust_holm([]) == []
