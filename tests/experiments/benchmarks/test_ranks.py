"""Ranks by loops are those of the evaluator."""

import numpy as np
import pytest

from encoders.base import AffectError
from experiments.benchmarks import rank_loops
from experiments.benchmarks import ranks as ranks_module


def test_loops_rank_as_the_evaluator():
    world = ranks_module.SyntheticCorpus(11, 4, 6, seed=0)
    queries, videos = [np.arange(11)], [np.arange(4)]
    evaluation = world.evaluate_both_ways("matrix")
    for sort in ranks_module.LOOP_SORTS.values():
        ranks = rank_loops.rank_by_text(world.similarity_matrix, world.caption_videos, queries, sort, 0)
        assert ranks == evaluation.t2v.ranks.tolist()
        columns = [np.ascontiguousarray(world.similarity_matrix.T)]
        ranks_of_captions = rank_loops.rank_by_video(columns, world.caption_videos, videos, sort, 0)
        assert ranks_of_captions == evaluation.v2t.ranks.tolist()
        with pytest.raises(AffectError):
            rank_loops.check_ranks_agree([rank + 1 for rank in ranks], evaluation.t2v.rank_counts)
