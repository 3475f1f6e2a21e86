import numpy as np
import pytest
from repository import DATA

from experiments.calibrate import MAX_PAIRS_PER_LABEL, LabelledPairs, list_sounds


def test_matches_of_one_label_do_not_drown_the_others():
    is_match = np.repeat([True, True, False], [500, 6, 900])
    labels = np.repeat(["cat", "siren", "cat"], [500, 6, 900])
    pairs = LabelledPairs(cosines=np.arange(1406.0), is_match=is_match, labels=labels)
    limited = pairs.limit_matches()
    assert (limited.is_match & (limited.labels == "cat")).sum() == MAX_PAIRS_PER_LABEL
    assert (limited.is_match & (limited.labels == "siren")).sum() == 6
    assert (~limited.is_match).sum() == 900
    np.testing.assert_array_equal(limited.cosines, pairs.limit_matches().cosines)  # drawn by a seed
    assert (np.diff(limited.cosines) > 0).all()


@pytest.mark.data
def test_sounds_have_english_words_and_no_dev_animals():
    sounds = list_sounds(DATA)
    labels = {sound.labels[0] for sound in sounds}
    assert {"donkey", "dog", "hammer", "water"} <= labels and not {"Kedi", "Esek"} & labels
    assert all(sound.path.exists() for sound in sounds)
