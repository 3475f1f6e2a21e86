"""Late fusion of spaces."""

import numpy as np
from ablation_factory import unit

from experiments.ablation.fused_ranks import (
    evaluate_similarity,
    evaluate_under_protocols,
    fuse_similarities,
)
from experiments.ablation.settings import PROTOCOLS


def test_fusion_ranks_as_the_sum_of_similarities():
    rng = np.random.default_rng(0)
    spaces = [(unit(rng, 9, 4), unit(rng, 18, 4)) for _ in range(2)]
    owner = np.repeat(np.arange(9), 2)
    summed = sum(texts @ media.T for media, texts in spaces)
    fused = evaluate_similarity(fuse_similarities(spaces), owner)
    stacked = evaluate_similarity(
        fuse_similarities([tuple(np.hstack(pair) for pair in zip(*spaces, strict=True))]), owner
    )
    np.testing.assert_array_equal(fused.t2v.ranks, stacked.t2v.ranks)
    np.testing.assert_array_equal(fused.v2t.ranks, stacked.v2t.ranks)
    assert fused.t2v.ranks[0] == (summed[0] > summed[0, 0]).sum()


def test_missing_similarities_are_ignored():
    rng = np.random.default_rng(1)
    first, second = ((unit(rng, 5, 4), unit(rng, 5, 4)) for _ in range(2))
    second[0][2] = np.nan
    table = fuse_similarities([first, second]).rows(slice(0, 5))
    alone = first[1] @ first[0].T
    np.testing.assert_allclose(table[:, 2], alone[:, 2], atol=1e-6)
    both = (alone + second[1] @ second[0].T) / 2
    np.testing.assert_allclose(table[:, [0, 1, 3, 4]], both[:, [0, 1, 3, 4]], atol=1e-6)


def test_items_missing_in_all_spaces_rank_last():
    rng = np.random.default_rng(2)
    spaces = [(unit(rng, 6, 4), unit(rng, 6, 4)) for _ in range(2)]
    for media, _ in spaces:
        media[3] = np.nan
    evaluation = evaluate_similarity(fuse_similarities(spaces), np.arange(6))
    assert evaluation.t2v.ranks[3] == 5
    assert (np.delete(evaluation.t2v.ranks, 3) < 5).all()


def test_protocols_share_counts_and_nothing_else():
    rng = np.random.default_rng(3)
    spaces, owner = [(unit(rng, 9, 2).round(), unit(rng, 18, 2).round())], np.repeat(np.arange(9), 2)
    similarity = fuse_similarities(spaces)
    together = evaluate_under_protocols(similarity, owner, list(PROTOCOLS.values()))
    for protocol in PROTOCOLS.values():
        alone = evaluate_similarity(similarity, owner, protocol)
        assert together[protocol].compute_metrics() == alone.compute_metrics()
