"""The dial on toys: its ends, content and mood along it, and what is right for a query."""

import numpy as np
import pytest
from mood_gallery import make_gallery

from experiments.affect_dial.gallery import open_gallery
from experiments.affect_dial.measurement import DIALS, FORMS, measure_dial, measure_forms
from retrieval.search import Query
from spaces.circumplex import LANDMARKS, distance


@pytest.fixture(scope="module")
def gallery():
    return make_gallery()


@pytest.fixture(scope="module")
def engine(gallery):
    with open_gallery(gallery) as found:
        yield found


def list_scores(hits):
    return [(hit.id, hit.score, hit.space_scores) for hit in hits]


def test_dial_at_nought_is_the_content_ranking_to_the_bit(engine, gallery):
    for query in gallery.content_queries:
        asked = {**query.parts, "k": 100, "balance": 1}
        content = engine.search(Query(**asked))
        assert len(content) == len(gallery.affect) - 1
        assert list_scores(engine.search(Query(**asked, mood="sad", affect=0.0))) == list_scores(content)


def test_recall_falls_and_mood_comes_nearer_along_the_dial(engine, gallery):
    outcomes = measure_dial(engine, gallery, ("sad", "happy"))
    assert outcomes.values.shape == (2 * len(gallery.content_queries), len(DIALS), 3)
    recall, fit = outcomes.values[:, :, 1].mean(axis=0), outcomes.values[:, :, 2].mean(axis=0)
    assert recall[0] == 100 > recall[-1] and fit[0] > fit[-1] + 0.2
    assert outcomes.groups.tolist()[:2] == ["content 0"] * 2


def test_distance_is_by_ratings_of_the_first_ten_that_have_one(engine, gallery):
    outcomes, unrated = measure_dial(engine, gallery, ("sad",)), 0
    for query, values in zip(gallery.content_queries, outcomes.values, strict=True):
        found = [int(hit.id, 16) for hit in engine.search(Query(**query.parts, k=10, balance=1))]
        distances = distance(gallery.affect[found], LANDMARKS["sad"])
        unrated += np.isnan(distances).sum()
        assert values[0, 2] == pytest.approx(np.nanmean(distances))
    assert unrated


def test_forms_differ_only_where_words_name_a_mood(engine, gallery):
    outcomes = measure_forms(engine, gallery)
    content, mix, residual = (outcomes.values[:, number] for number in range(len(FORMS)))
    assert outcomes.has_mood.tolist() == [True, False] * len(gallery.content_queries)
    assert (residual[~outcomes.has_mood, :2] == content[~outcomes.has_mood, :2]).all()
    assert np.isnan(content[~outcomes.has_mood, 2]).all()
    named = outcomes.has_mood
    assert residual[named, 2].mean() < content[named, 2].mean() and mix.shape == content.shape
