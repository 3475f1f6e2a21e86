import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from repository import require_data

from retrieval.evaluation import (
    METRICS,
    PUBLISHED_PROTOCOLS,
    EvaluationProtocol,
    InnerProductSimilarity,
    average_by_label,
    ccc,
    compute_affect_fit,
    draw_caption_masks,
    evaluate,
    first_hit_reciprocal_ranks,
    group_captions_by_item,
    make_caption_mask,
    ndcg,
    pearson,
    precision_at,
    rank_items,
    rmse,
    summarise_runs,
)

MISSING = 1e8  # CE's distance of a caption that is not there


def v2t_of_jemc(similarity, owner, videos):
    """JEMC's i2t: reversed argsort of all captions, the best place of the video's own."""
    found = []
    for video in range(videos):
        order = np.argsort(similarity[:, video], kind="stable")[::-1]
        found.append(min(np.where(order == own)[0][0] for own in np.flatnonzero(owner == video)))
    return found


def v2t_of_ce(similarity, owner, mask, videos):
    """CE's v2t_metrics: masked captions at a huge distance, ties by mean place, the best of the own."""
    found = []
    for video in range(videos):
        far = np.where(mask, -similarity[:, video], MISSING)
        own = np.flatnonzero((owner == video) & mask)
        found.append(min(np.flatnonzero(np.sort(far) - far[one] == 0).mean() for one in own))
    return found


@st.composite
def captioned(draw):
    """Coarse similarities (c, v), who owns each caption (ragged, any order), a mask that leaves all some."""
    videos = draw(st.integers(1, 4))
    owner = draw(st.lists(st.integers(0, videos - 1), max_size=6)) + list(range(videos))
    mask = draw(st.lists(st.booleans(), min_size=len(owner) - videos, max_size=len(owner) - videos))
    values = arrays(np.float64, (len(owner), videos), elements=st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0]))
    return draw(values), np.array(owner), np.array(mask + [True] * videos, bool)


def named(owner, videos):
    return [f"v{number}" for number in owner], [f"v{number}" for number in range(videos)]


@settings(max_examples=80)
@given(captioned())
def test_v2t_is_jemcs_and_ces(case):
    similarity, owner, mask = case
    videos = similarity.shape[1]
    names = named(owner, videos)
    jemc = evaluate(similarity, *names, protocol=PUBLISHED_PROTOCOLS["jemc"])
    assert jemc.v2t.ranks.tolist() == v2t_of_jemc(similarity, owner, videos)
    ce = evaluate(similarity, *names, mask=mask, protocol=PUBLISHED_PROTOCOLS["ce"])
    assert ce.v2t.ranks.tolist() == v2t_of_ce(similarity, owner, mask, videos)


@settings(max_examples=80)
@given(captioned())
def test_siblings_are_no_rivals_and_masked_captions_are_nowhere(case):
    """The rule spelt out: the best own caption against those of others; masked ones are as if deleted."""
    similarity, owner, mask = case
    names = named(owner, similarity.shape[1])
    want = []
    for video, column in enumerate(similarity.T):
        own, others = column[(owner == video) & mask], column[(owner != video) & mask]
        want.append((others > own.max()).sum() + (others == own.max()).sum() / 2)
    masked = evaluate(similarity, *names, mask=mask)
    assert masked.v2t.ranks.tolist() == want
    there = evaluate(similarity[mask], *named(owner[mask], similarity.shape[1]))
    assert there.v2t.ranks.tolist() == want
    assert masked.t2v.ranks.tolist() == there.t2v.ranks.tolist()


@settings(max_examples=80)
@given(captioned())
def test_a_gallery_of_videos_takes_each_videos_best_caption_first(case):
    similarity, owner, mask = case
    videos = similarity.shape[1]
    found = evaluate(
        similarity, *named(owner, videos), mask=mask, protocol=EvaluationProtocol(gallery="videos")
    )
    for video, column in enumerate(similarity.T):
        best = np.array([column[(owner == other) & mask].max() for other in range(videos)])
        want = (best > best[video]).sum() + ((best == best[video]).sum() - 1) / 2
        assert found.v2t.ranks[video] == want


def test_galleries_agree_on_r1_and_the_second_is_easier_below():
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(50), 5)
    similarity = rng.normal(size=(250, 50)) + 2 * (owner[:, None] == np.arange(50))
    by_captions, by_videos = (
        evaluate(similarity, *named(owner, 50), protocol=EvaluationProtocol(gallery=gallery))
        for gallery in ("captions", "videos")
    )
    assert by_captions.v2t.compute_metric("R@1") == by_videos.v2t.compute_metric("R@1")
    assert by_captions.v2t.compute_metric("MnR") > by_videos.v2t.compute_metric("MnR")


def test_the_reports_fractions_of_1002():
    """479 firsts among 1000 queries of which two share the top with one other: 479/1002."""
    similarity = np.random.default_rng(0).random((1000, 1000))
    np.fill_diagonal(similarity, np.where(np.arange(1000) < 479, 2, -1))
    similarity[500, 0] = similarity[501, 1] = 2  # captions as near to videos 0 and 1 as their own
    ids = [f"video{number}" for number in range(7000, 8000)]
    found = evaluate(similarity, ids, ids, protocol=PUBLISHED_PROTOCOLS["emotion-report"])
    assert len(found.v2t.ranks) == 1002
    assert found.v2t.compute_metric("R@1") == 100 * 479 / 1002
    assert round(found.v2t.compute_metric("R@1"), 4) == 47.8044
    assert found.v2t.compute_bounds("R@1") == pytest.approx((47.7, 47.9))
    assert evaluate(similarity, ids, ids, protocol=PUBLISHED_PROTOCOLS["ce"]).v2t.compute_metric(
        "R@1"
    ) == pytest.approx(47.7)
    low, high = found.v2t.compute_interval("R@1", seed=0, draws=200)
    assert 43 < low < 47.8 < high < 52


def example():
    rng = np.random.default_rng(1)
    owner = np.repeat(np.arange(30), 3)
    return rng.normal(size=(90, 30)) + (owner[:, None] == np.arange(30)), *named(owner, 30)


def test_columns_may_stand_in_any_order_as_targets_are_found_by_id():
    similarity, owner, videos = example()
    order = np.random.default_rng(2).permutation(30)
    moved = evaluate(similarity[:, order], owner, [videos[place] for place in order])
    plain = evaluate(similarity, owner, videos)
    assert np.array_equal(moved.t2v.ranks, plain.t2v.ranks)
    assert dict(zip(moved.v2t.query_ids, moved.v2t.ranks, strict=True)) == dict(
        zip(plain.v2t.query_ids, plain.v2t.ranks, strict=True)
    )


def test_a_subset_selects_queries_and_never_columns():
    similarity, owner, videos = example()
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
    owner, videos = named(np.repeat(np.arange(30), 3), 30)
    mask = rng.random(90) < 0.8
    for rules in (EvaluationProtocol(), *PUBLISHED_PROTOCOLS.values()):
        one = evaluate(InnerProductSimilarity(texts, media), owner, videos, mask=mask, protocol=rules)
        other = evaluate(texts @ media.T, owner, videos, mask=mask, protocol=rules)
        assert one.to_dict() == other.to_dict()


def test_missing_similarities_lie_below_everything_and_inputs_stay_as_they_are():
    similarity, owner, videos = example()
    similarity[4] = np.nan  # v1#1
    kept = similarity.copy()
    found = evaluate(similarity, owner, videos)
    assert found.t2v.ranks[4] == 29 / 2  # tied with all
    assert np.array_equal(
        found.v2t.ranks, evaluate(similarity, owner, videos, mask=np.arange(90) != 4).v2t.ranks
    )
    assert np.array_equal(similarity, kept, equal_nan=True)


def test_a_video_without_captions_is_no_query_but_stays_in_the_gallery():
    similarity, owner, videos = example()
    for gallery in ("captions", "videos"):
        mask = np.array([name not in ("v0", "v29") for name in owner])
        found = evaluate(similarity, owner, videos, mask=mask, protocol=EvaluationProtocol(gallery=gallery))
        assert found.v2t.query_ids == tuple(videos[1:29])
        assert found.t2v.ranks[0] == (similarity[3] > similarity[3, 1]).sum()


def test_a_result_knows_its_rules():
    similarity, owner, videos = example()
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
    similarity, owner, videos = example()
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


def test_spread_over_draws_of_five_captions():
    owner = ["a"] * 9 + ["b"] * 3 + ["a"] * 2
    masks = list(draw_caption_masks(owner, seed=0))
    names = np.array(owner)
    assert len(masks) == 20
    assert all(mask[names == "a"].sum() == 5 and mask[names == "b"].all() for mask in masks)
    assert len({mask.tobytes() for mask in masks}) > 15
    assert all(map(np.array_equal, masks, draw_caption_masks(owner, seed=0)))
    drawn = np.mean(list(draw_caption_masks(owner, draws=2000, seed=1)), axis=0)
    assert drawn[names == "a"] == pytest.approx(5 / 11, abs=0.06)
    similarity = np.random.default_rng(0).random((14, 2))
    runs = [evaluate(similarity, owner, ["a", "b"], mask=mask) for mask in masks]
    spread = summarise_runs(runs)
    assert set(spread) == {f"{side} {name}" for side in ("T2V", "V2T") for name in METRICS} | {"rsum"}
    values = [run.t2v.compute_metric("R@1") for run in runs]
    assert spread["T2V R@1"] == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    with pytest.raises(ValueError, match="three"):
        summarise_runs(runs[:2])


def test_padded_captions():
    assert make_caption_mask([2, 0, 3], 3).tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert group_captions_by_item(np.array([2, 0, 2]), 3).tolist() == [[1, 1], [0, 0], [0, 2]]
    for bad in ([4], [-1]):
        with pytest.raises(ValueError):
            make_caption_mask(bad, 3)


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


def test_ccc_goldens():
    """PROTOCOL's values; with the sample variance the first would be .9777."""
    assert ccc([3, -0.5, 2, 7], [2.5, 0, 2, 8]) == pytest.approx(0.9768, abs=5e-5)
    assert ccc([0.1, 0.3], [0.1, 0.2]) == pytest.approx(0.6667, abs=5e-5)


def test_agreement_is_by_dimension_and_constants_are_nan():
    truth = np.array([[0.0, 1.0, 0.1], [1.0, 0.0, 0.1], [0.5, 0.5, 0.1]])
    found = np.array([[0.0, 0.0, 0.1], [1.0, 1.0, 0.1], [0.5, 0.5, 0.1]])
    assert ccc(found, truth) == pytest.approx([1, -1, np.nan], nan_ok=True)
    assert pearson(found, truth) == pytest.approx([1, -1, np.nan], nan_ok=True)
    assert pearson([1, 2, 4], [2, 4, 8.5]) == pytest.approx(np.corrcoef([1, 2, 4], [2, 4, 8.5])[0, 1])
    assert rmse(found, truth) == pytest.approx([0, np.sqrt(2 / 3), 0])
    for bad in ([1.0], [[1.0], [2.0]], []):
        with pytest.raises(ValueError):
            ccc([1.0, 2.0], bad)


def test_same_emotion_precision_and_mrr_macro_and_micro():
    similarity = np.array([[0.9, 0.1, 0.5, np.nan], [0.2, 0.2, 0.8, 0.1], [0.9, 0.8, 0.1, 0.2]])
    assert rank_items(similarity).tolist() == [[0, 2, 1, 3], [2, 0, 1, 3], [0, 1, 3, 2]]
    items, queries = np.array(["joy", "fear", "joy", "fear"]), np.array(["joy", "joy", "fear"])
    same = items[rank_items(similarity)] == queries[:, None]
    assert precision_at(same, 2).tolist() == [1, 1, 0.5]
    assert first_hit_reciprocal_ranks(same).tolist() == [1, 1, 0.5]
    classes = average_by_label(precision_at(same, 2), queries)
    assert classes == {"fear": 0.5, "joy": 1}
    assert (np.mean(list(classes.values())), precision_at(same, 2).mean()) == (0.75, pytest.approx(5 / 6))


def test_graded_retrieval_by_hand():
    items = np.array([[0.0, 0.0], [0.3, 0.4], [0.6, 0.8]])  # .0, .5 and 1 from the query
    results = np.array([[2, 0, 1]])
    gain = [np.exp(-1), 1, np.exp(-0.5)]
    ideal = 1 + np.exp(-0.5) / np.log2(3)
    assert ndcg([[0, 0]], items, results, 2) == pytest.approx((gain[0] + gain[1] / np.log2(3)) / ideal)
    assert ndcg([[0, 0]], items, np.array([[0, 1, 2]]), 10) == pytest.approx(1)
    fit = compute_affect_fit([[0, 0]], items, results, 2)
    assert (fit.result_distance[0], fit.random_distance[0], fit.oracle_distance[0]) == pytest.approx(
        (0.5, 0.5, 0.25)
    )
    assert fit.relative_gain == pytest.approx(0)
    assert str(fit) == "V-A distance 0.500 (random 0.500, oracle 0.250)"
    for bad in (np.array([[0]]), np.array([0, 1])):
        with pytest.raises(ValueError):
            compute_affect_fit([[0, 0]], items, bad, 2)
    with pytest.raises(ValueError):
        ndcg([0, 0], items, results, 2)


def test_random_lists_lie_on_the_floor():
    rng = np.random.default_rng(0)
    queries, items = rng.uniform(-1, 1, (400, 2)), rng.uniform(-1, 1, (60, 2))
    shuffled = rng.permuted(np.tile(np.arange(60), (400, 1)), axis=1)
    assert compute_affect_fit(queries, items, shuffled, 10).relative_gain == pytest.approx(0, abs=0.03)
    nearest = rank_items(-np.linalg.norm(queries[:, None] - items, axis=2))
    assert compute_affect_fit(queries, items, nearest, 10).relative_gain == pytest.approx(1)


def real(name):
    """A file of the labelled data, or a skipped test."""
    return require_data(name) / name


@pytest.mark.data
def test_duplicate_captions_cap_the_1k_a_test_set():
    """Nine queries share their words with another: by a perfect text match 995 of 1000 can be first."""
    with real("msrvtt_annotations/MSRVTT_JSFUSION_test.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    words, ids = np.array([row["sentence"] for row in rows]), [row["video_id"] for row in rows]
    match = (words[:, None] == words).astype(np.float32)
    found = {
        ties: evaluate(match, ids, ids, protocol=EvaluationProtocol(ties=ties)).t2v
        for ties in ("argsort", "average")
    }
    assert found["argsort"].compute_metric("R@1") == 99.5
    assert found["average"].compute_bounds("R@1") == pytest.approx((99.1, 100))


@pytest.mark.data
def test_five_captions_of_each_msvd_test_video():
    told = json.loads(real("msvd_captions/captions_msvd.json").read_text())
    videos = real("msvd_captions/test_list.txt").read_text().split()
    owner = [video for video in videos for _ in told[video]]
    mask = next(draw_caption_masks(owner, seed=0))
    assert (len(videos), mask.sum()) == (670, 5 * 670)
    rows = np.random.default_rng(0).standard_normal((len(owner), 4), dtype=np.float32)
    found = evaluate(InnerProductSimilarity(rows, rows[:670]), owner, videos, mask=mask)
    assert (len(found.t2v.query_ids), len(found.v2t.query_ids)) == (3350, 670)
    assert found.t2v.compute_metric("MnR") == pytest.approx(335.5, rel=0.03)
