"""Near-duplicates come later, by the stored rows; wanted shares of the exposure are given."""

import numpy as np
import pytest
from library_factory import encoded, random_rows
from search_answers import ids

from retrieval.search import Engine, Query
from retrieval.search.merging import make_similarity

ASKED = f"{'aa':0>16}"


@pytest.fixture
def doubles(empty):
    """A photo to ask with, three near-duplicates of one like it, others less like it, and films."""
    asked, noise = random_rows(1, 1), random_rows(40, 2)
    near = asked + 0.3 * noise[:1]
    empty.commit(
        [
            encoded("aa", asked),
            *(encoded(f"d{n}", near + 0.01 * noise[n + 1 : n + 2]) for n in range(3)),
            *(encoded(f"e{n}", asked + 0.6 * noise[n + 4 : n + 5]) for n in range(3)),
            *(encoded(f"c{n:02x}", noise[n + 7 : n + 8]) for n in range(20)),
            *(encoded(f"f{n}", asked + 0.7 * noise[n + 27 : n + 28], modality="video") for n in range(3)),
        ]
    )
    return empty


def test_copies_of_a_result_come_after_what_is_unlike_it(doubles):
    with Engine(doubles) as engine:
        plain = Query(item=ASKED, k=4, balance=1, modalities=("image",))
        by_score = ids(engine.search(plain))
        diverse = ids(engine.search(Query(**{**vars(plain), "diversify": 0.5})))
    assert {*by_score[:3]} == {"d0", "d1", "d2"}
    assert diverse[0] == by_score[0] and len({*diverse} & {"d0", "d1", "d2"}) == 1


@pytest.mark.parametrize("balance", [1, 1.05])
def test_a_tradeoff_of_one_is_by_score_and_nothing_is_lost(doubles, balance):
    with Engine(doubles) as engine:
        plain = engine.search(Query(item=ASKED, k=100, balance=balance))
        assert engine.search(Query(item=ASKED, k=100, balance=balance, diversify=1.0)) == plain
        diverse = engine.search(Query(item=ASKED, k=100, balance=balance, diversify=0.3))
        assert sorted(ids(diverse)) == sorted(ids(plain)) and ids(diverse) != ids(plain)


def test_similarity_is_the_mean_cosine_over_views_of_both(doubles):
    with Engine(doubles) as engine:
        snapshot = engine.snapshot
        segments = np.arange(snapshot.segment_count)
        found = make_similarity(snapshot, segments)(3)
        rows = [view.select_rows(segments).astype(float) for view in snapshot.views.values()]
        rows = [row / np.linalg.norm(row, axis=1, keepdims=True) for row in rows]
        by_view = [row @ row[3] for row in rows if not np.isnan(row[3]).any()]
    np.testing.assert_allclose(found, np.nanmean(by_view, axis=0), atol=1e-5)
    assert found[3] == pytest.approx(1, abs=1e-6)


def test_wanted_shares_are_given_and_more_than_a_turn_each_is_not(doubles):
    with Engine(doubles) as engine:
        plain = engine.run_query(Query(item=ASKED, k=6, balance=1))
        some = engine.run_query(Query(item=ASKED, k=6, balance={"video": 0.3}))
        most = engine.run_query(Query(item=ASKED, k=6, balance={"video": 0.99}))
    assert plain.exposure["video"] < 0.3 <= some.exposure["video"] and some.balance > 1
    assert 0.3 < most.exposure["video"] < 0.99
    assert sum(some.exposure.values()) == pytest.approx(1, abs=2e-4)
    for kind in ("image", "video"):
        shown = [hit.score for hit in some.hits if hit.modality == kind]
        assert shown == sorted(shown, reverse=True)
