"""The table of sound events: that it is what the text head says of their names."""

import json

import numpy as np
import pytest

from experiments.heads.sound_event_affect import compute_within_group_sd, estimate_names, format_table
from spaces.affect_regression import load_event_affect


def test_the_sd_within_groups_is_pooled_and_single_items_count_for_nothing():
    values = np.array([[0.0, 0], [2, 0], [5, 5], [5, 7], [100, 100]])
    groups = np.array(["a", "a", "b", "b", "alone"])
    np.testing.assert_allclose(compute_within_group_sd(values, groups), [1, 1])


def test_the_file_has_a_class_a_line():
    text = format_table({"Dog": [0.1, 0.2, 0.3, 0.4], 'The "Cat"': [0, 0, 1, 1]}, [0.2, 0.1])
    content = json.loads(text)
    assert content["classes"] == {"Dog": [0.1, 0.2, 0.3, 0.4], 'The "Cat"': [0, 0, 1, 1]}
    assert content["between_sounds_sd"] == [0.2, 0.1] and '  "Dog": [0.1, 0.2, 0.3, 0.4],\n' in text


def test_the_packaged_table_is_the_text_heads():
    table = load_event_affect()
    chosen = [0, 70, 300, 520]
    rows = estimate_names([table.names[i].lower() for i in chosen])
    assert rows == pytest.approx(table.affect[chosen], abs=0.02)
