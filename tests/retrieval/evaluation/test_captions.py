"""Captions drawn, padded and masked, and those of published test sets."""

import csv
import json

import numpy as np
import pytest
from repository import require_data

from retrieval.evaluation import (
    METRICS,
    EvaluationProtocol,
    InnerProductSimilarity,
    draw_caption_masks,
    evaluate,
    group_captions_by_item,
    make_caption_mask,
    summarise_runs,
)


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
