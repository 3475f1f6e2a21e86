import numpy as np
import pytest
from repository import DATA, require_data

from experiments.datasets import cowen_keltner
from retrieval.evaluation.affect_metrics import pearson
from spaces.circumplex import (
    LANDMARK_RADIUS,
    LANDMARK_SYNONYMS,
    LANDMARKS,
    MIN_LANDMARK_PROBABILITY,
    PRIOR_SD,
    distance,
    find_confident_landmark,
    find_nearest_landmark,
)

NOTHING = [np.nan] * 4


def test_words_are_on_the_plane_and_each_is_nearest_to_itself():
    assert 28 <= len(LANDMARKS) <= 34
    assert all(abs(value) <= 1 for point in LANDMARKS.values() for value in point)
    assert len(set(LANDMARKS.values())) == len(LANDMARKS)
    assert all(find_nearest_landmark(point) == word for word, point in LANDMARKS.items())
    assert find_nearest_landmark(NOTHING) is None
    assert set(LANDMARK_SYNONYMS.values()) <= set(LANDMARKS)


@pytest.mark.parametrize("word", LANDMARKS)
def test_sure_estimates_get_their_word_and_unsure_ones_none(word):
    assert find_confident_landmark((*LANDMARKS[word], 0.1, 0.1)) == word
    assert find_confident_landmark((*LANDMARKS[word], *PRIOR_SD)) is None
    assert (
        find_confident_landmark((*LANDMARKS[word], 0.01, 2.0)) is None
        and find_confident_landmark((*LANDMARKS[word], 2, 0.01)) is None
    )


def test_an_estimate_between_words_gets_none():
    between = (0.0, -0.38)  # neutral and sleepy are both .37 away
    assert find_confident_landmark((*between, 0.15, 0.15)) is None
    assert find_confident_landmark((np.nan, 0.1, 0.1, 0.1)) is None
    with pytest.raises(ValueError, match="SDs"):
        find_confident_landmark((0.1, 0.1))


@pytest.mark.parametrize("sds", [(0.3, 0.1), (0.25, 0.45), (0.24, 0.24)])
@pytest.mark.parametrize("off", [0.0, 0.1, 0.2])
def test_a_word_is_told_as_often_as_draws_say(sds, off):
    rng = np.random.default_rng(0)
    point = LANDMARKS["glad"][0] + off, LANDMARKS["glad"][1]
    drawn = rng.normal(point, sds, (100_000, 2))
    share = (distance(drawn, LANDMARKS["glad"]) <= LANDMARK_RADIUS).mean()
    assert abs(share - MIN_LANDMARK_PROBABILITY) > 0.01  # the test asks nothing at the bound itself
    assert (find_confident_landmark((*point, *sds)) == "glad") == (share > MIN_LANDMARK_PROBABILITY)


@pytest.mark.data
def test_words_agree_with_what_people_felt():
    """By categories of Cowen and Keltner that have a word: right order of valence, and of arousal in part."""
    pairs = {
        "Anger": "angry", "Boredom": "bored", "Calmness": "calm", "Disgust": "disgusted",
        "Excitement": "excited", "Fear": "afraid", "Interest": "interested", "Joy": "joyful",
        "Sadness": "sad", "Satisfaction": "satisfied", "Surprise": "surprised",
    }  # fmt: skip
    judged = ratings()
    shares = judged.shares[:, [judged.emotion_names.index(name) for name in pairs]]
    felt = (shares.T @ judged.affect) / shares.sum(axis=0)[:, None]
    valence, arousal = pearson([LANDMARKS[word] for word in pairs.values()], felt)
    assert valence > 0.8  # boredom apart, which the word calls unpleasant and the videos do not
    assert arousal > 0.4


def ratings():
    require_data(cowen_keltner.RATINGS_FILE)
    return cowen_keltner.load_ratings(DATA)
