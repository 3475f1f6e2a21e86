"""Photos with texts for the stand-in model: split, standardised, described by mood."""

from types import SimpleNamespace

import numpy as np
import pytest

from encoders.base import AffectError
from experiments.emotion_retrieval.harm.command import DATA_NAMES
from experiments.emotion_retrieval.harm.photo_captions import (
    QUADRANT_WORDS,
    describe_by_mood,
    make_photo_splits,
)
from experiments.emotion_retrieval.harm.settings import HARM_SETTINGS

TEST = np.array([False, False, False, True])
TEXTS = [("a dog", "a happy dog"), ("a cat",), ("a gloomy boat",), ("a dog", "a boat", "an unknown horse")]


def make_splits(features=None):
    features = np.arange(12, dtype=np.float32).reshape(4, 3) if features is None else features
    affect = np.array([[0.1, 0.2], [0.3, np.nan], [0.5, 0.4], [0.9, 0.0]], np.float32)
    return make_photo_splits(["a", "b", "c", "d"], TEXTS, features, affect, TEST)


def test_photos_are_split_and_standardised_on_the_training_ones():
    splits = make_splits()
    assert splits.train.video_ids == ("a", "b", "c") and splits.test.video_ids == ("d",)
    assert splits.train.item_by_text.tolist() == [0, 0, 1, 2]
    assert splits.train.features.mean(0) == pytest.approx([0, 0, 0], abs=1e-6)
    assert splits.train.features.std(0) == pytest.approx([1, 1, 1], abs=1e-6)
    assert splits.test.features[0] == pytest.approx([6 / np.sqrt(6)] * 3, rel=1e-5)
    assert np.isnan(splits.train.affect).tolist() == [[False, False], [False, True], [False, False]]
    assert splits.train.has_emotion.tolist() == [False, True, False, True]


def test_words_of_test_photos_alone_are_unknown():
    splits = make_splits()
    known, unknown = splits.test.token_ids[0, 1:3], splits.test.token_ids[2, 1:4]
    assert 1 not in known and unknown.tolist() == [1, 1, 1]


def test_a_photo_that_cannot_be_read_is_named():
    features = np.ones((4, 3), np.float32)
    features[1, 2] = np.nan
    with pytest.raises(AffectError, match="1 photos can't be read, the first is b"):
        make_splits(features)


def test_moods_are_by_the_medians_of_training_photos():
    ratings = [(-0.5, -0.5), (0.5, 0.5), (0.0, 0.0), (0.9, -0.9)]
    images = [SimpleNamespace(theme="Lake", mean=mean) for mean in ratings]
    texts = describe_by_mood(images, ~TEST)
    assert [text[0] for text in texts] == ["lake"] * 4
    assert [text[1] for text in texts] == ["gloomy lake", "cheerful lake", "gloomy lake", "peaceful lake"]
    assert len(set(QUADRANT_WORDS.values())) == 4


def test_the_command_offers_every_setting():
    assert set(DATA_NAMES) == set(HARM_SETTINGS)
