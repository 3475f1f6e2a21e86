"""Norms of words: read from their table, and asked for where it is not here."""

import pytest

from encoders import AffectError
from experiments.datasets.warriner import FOLDER, TABLE, load_word_norms


def test_ratings_from_1_to_9_are_rescaled(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / TABLE).write_text(
        ",Word,V.Mean.Sum,V.SD.Sum,A.Mean.Sum\n1,scream,3,1.6,7\n2,rain,9,1.7,1\n"
    )
    assert load_word_norms(tmp_path) == {"scream": (-0.5, 0.5), "rain": (1, -1)}


def test_without_the_table_a_line_says_which_it_is(tmp_path):
    with pytest.raises(AffectError, match=r"warriner.*not here; it is the supplement of Warriner"):
        load_word_norms(tmp_path)
