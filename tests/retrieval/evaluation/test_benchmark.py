"""Evaluations of both directions: queries, results, comparisons, and what is refused."""

import json

import numpy as np
import pytest
from captioned_videos import make_example, name_captions

from retrieval.evaluation import PUBLISHED_PROTOCOLS, EvaluationProtocol, InnerProductSimilarity, evaluate


def test_columns_may_stand_in_any_order_as_targets_are_found_by_id():
    similarity, owner, videos = make_example()
    order = np.random.default_rng(2).permutation(30)
    moved = evaluate(similarity[:, order], owner, [videos[place] for place in order])
    plain = evaluate(similarity, owner, videos)
    assert np.array_equal(moved.t2v.ranks, plain.t2v.ranks)
    assert dict(zip(moved.v2t.query_ids, moved.v2t.ranks, strict=True)) == dict(
        zip(plain.v2t.query_ids, plain.v2t.ranks, strict=True)
    )


def test_a_subset_selects_queries_and_never_columns():
    similarity, owner, videos = make_example()
    every = evaluate(similarity, owner, videos).t2v
    some = every.select_queries({"v7#2", "v3#0"})
    assert some.query_ids == ("v3#0", "v7#2")
    assert some.groups == ("v3", "v7")
    assert some.ranks.tolist() == [every.ranks[9], every.ranks[23]]
    assert some.ranks.tolist() == [
        (similarity[9] > similarity[9, 3]).sum(),
        (similarity[23] > similarity[23, 7]).sum(),
    ]
    with pytest.raises(ValueError, match="1 ids were not asked: v99#0"):
        every.select_queries({"v3#0", "v99#0"})
    with pytest.raises(ValueError):
        every.select_queries(set()).compute_metric("R@1")


def test_rows_and_matrix_give_the_same_evaluation():
    rng = np.random.default_rng(3)
    texts, media = (rng.integers(-3, 4, (n, 8)).astype(np.float32) for n in (90, 30))
    owner, videos = name_captions(np.repeat(np.arange(30), 3), 30)
    mask = rng.random(90) < 0.8
    for rules in (EvaluationProtocol(), *PUBLISHED_PROTOCOLS.values()):
        one = evaluate(InnerProductSimilarity(texts, media), owner, videos, mask=mask, protocol=rules)
        other = evaluate(texts @ media.T, owner, videos, mask=mask, protocol=rules)
        assert one.to_dict() == other.to_dict()


def test_missing_similarities_lie_below_everything_and_inputs_stay_as_they_are():
    similarity, owner, videos = make_example()
    similarity[4] = np.nan  # v1#1
    kept = similarity.copy()
    found = evaluate(similarity, owner, videos)
    assert found.t2v.ranks[4] == 29 / 2  # tied with all
    assert np.array_equal(
        found.v2t.ranks, evaluate(similarity, owner, videos, mask=np.arange(90) != 4).v2t.ranks
    )
    assert np.array_equal(similarity, kept, equal_nan=True)


def test_a_video_without_captions_is_no_query_but_stays_in_the_gallery():
    similarity, owner, videos = make_example()
    for gallery in ("captions", "videos"):
        mask = np.array([name not in ("v0", "v29") for name in owner])
        found = evaluate(similarity, owner, videos, mask=mask, protocol=EvaluationProtocol(gallery=gallery))
        assert found.v2t.query_ids == tuple(videos[1:29])
        assert found.t2v.ranks[0] == (similarity[3] > similarity[3, 1]).sum()


def test_a_result_knows_its_rules():
    similarity, owner, videos = make_example()
    found = evaluate(similarity, owner, videos)
    told = found.t2v
    assert str(told).endswith("(ties=expected, MdR=floor+1, gallery=captions)")
    assert f"R@10 {told.compute_metric('R@10'):.1f}" in str(told)
    assert (
        str(PUBLISHED_PROTOCOLS["ce"])
        == "ties=average, MdR=median+1, gallery=captions, R@1=rank 0 exactly, siblings tie"
    )
    assert str(EvaluationProtocol(post="DSL")).endswith(", after DSL")
    sums = [side.compute_metric(f"R@{k}") for side in (found.t2v, found.v2t) for k in (1, 5, 10)]
    assert found.rsum == pytest.approx(sum(sums))
    read = json.loads(json.dumps(found.to_dict()))
    assert read["t2v"]["rules"]["ties"] == "expected"
    assert read["v2t"]["bounds"]["MnR"][0] >= read["v2t"]["MnR"]
    assert len(read["t2v"]["ranks"]) == 90


def test_two_rows_are_compared_over_the_same_queries():
    similarity, owner, videos = make_example()
    better = similarity + (np.array(owner)[:, None] == np.array(videos))
    one, other = (evaluate(matrix, owner, videos).t2v for matrix in (better, similarity))
    told = one.compare_with(other, "R@1", seed=0, draws=300)
    assert told.value == one.compute_metric("R@1") - other.compute_metric("R@1")
    assert 0 < told.low < told.value < told.high
    assert told.p_value < 0.02
    with pytest.raises(ValueError, match="different queries"):
        one.compare_with(other.select_queries({"v0#0"}), "R@1", seed=0)
    each = evaluate(similarity, owner, videos, protocol=EvaluationProtocol(ties="each")).t2v
    with pytest.raises(ValueError, match="each"):
        each.compare_with(each, "R@1", seed=0)


@pytest.mark.parametrize(
    ("owner", "videos", "options"),
    [
        (["a", "b"], ["a"], {}),
        (["a", "c"], ["a", "b"], {}),
        (["a", "b"], ["a", "a"], {}),
        (["a", "b"], ["a", "b"], {"mask": np.zeros(2, bool)}),
        (["a", "b"], ["a", "b"], {"mask": np.ones(2)}),
        (["a", "b"], ["a", "b"], {"caption_ids": ["x", "x"]}),
    ],
)
def test_what_does_not_fit_is_refused(owner, videos, options):
    with pytest.raises(ValueError):
        evaluate(np.zeros((2, 2)), owner, videos, **options)


def test_unknown_rules_and_measures_are_refused():
    for options in (
        {"ties": "best"},
        {"median": "ceil"},
        {"gallery": "all"},
        {"first": "any"},
        {"siblings": "gone"},
    ):
        with pytest.raises(ValueError, match="known"):
            EvaluationProtocol(**options)
    with pytest.raises(ValueError, match="no measure 'MAP'"):
        evaluate(np.eye(2), ["a", "b"], ["a", "b"]).t2v.compute_metric("MAP")
