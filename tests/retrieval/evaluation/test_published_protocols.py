"""Videos asked for their captions, by the rules of published code spelt out."""

import numpy as np
import pytest
from captioned_videos import name_captions
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retrieval.evaluation import PUBLISHED_PROTOCOLS, EvaluationProtocol, evaluate

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


@settings(max_examples=80)
@given(captioned())
def test_v2t_is_jemcs_and_ces(case):
    similarity, owner, mask = case
    videos = similarity.shape[1]
    names = name_captions(owner, videos)
    jemc = evaluate(similarity, *names, protocol=PUBLISHED_PROTOCOLS["jemc"])
    assert jemc.v2t.ranks.tolist() == v2t_of_jemc(similarity, owner, videos)
    ce = evaluate(similarity, *names, mask=mask, protocol=PUBLISHED_PROTOCOLS["ce"])
    assert ce.v2t.ranks.tolist() == v2t_of_ce(similarity, owner, mask, videos)


@settings(max_examples=80)
@given(captioned())
def test_siblings_are_no_rivals_and_masked_captions_are_nowhere(case):
    """The rule spelt out: the best own caption against those of others; masked ones are as if deleted."""
    similarity, owner, mask = case
    names = name_captions(owner, similarity.shape[1])
    want = []
    for video, column in enumerate(similarity.T):
        own, others = column[(owner == video) & mask], column[(owner != video) & mask]
        want.append((others > own.max()).sum() + (others == own.max()).sum() / 2)
    masked = evaluate(similarity, *names, mask=mask)
    assert masked.v2t.ranks.tolist() == want
    there = evaluate(similarity[mask], *name_captions(owner[mask], similarity.shape[1]))
    assert there.v2t.ranks.tolist() == want
    assert masked.t2v.ranks.tolist() == there.t2v.ranks.tolist()


@settings(max_examples=80)
@given(captioned())
def test_a_gallery_of_videos_takes_each_videos_best_caption_first(case):
    similarity, owner, mask = case
    videos = similarity.shape[1]
    found = evaluate(
        similarity, *name_captions(owner, videos), mask=mask, protocol=EvaluationProtocol(gallery="videos")
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
        evaluate(similarity, *name_captions(owner, 50), protocol=EvaluationProtocol(gallery=gallery))
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
