"""Texts made of rated words."""

import pytest

from experiments.heads.text_adapter.lexicon_texts import NEGATION_FACTOR, fill_templates


def test_negated_words_get_vaders_factor():
    found = fill_templates({"lovely": 0.7, "awful": -0.5, "desk": 0.0})
    assert len(found) == 4
    assert sorted(found.values()) == pytest.approx(
        sorted([0.7, -0.5, 0.7 * NEGATION_FACTOR, -0.5 * NEGATION_FACTOR])
    )
