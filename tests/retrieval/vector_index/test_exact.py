"""Exact search is the contract."""

import numpy as np
import pytest
from index_rows import QUERIES, ROWS, plain_search, same

from retrieval.vector_index import topk
from retrieval.vector_index.exact import ExactIndex


def test_exact_is_the_contract_whatever_the_chunks_and_batches(monkeypatch):
    rows = np.concatenate([ROWS[:150], ROWS[:150], ROWS[150:200]]).astype(np.float16)
    rows[3] = np.nan
    want = plain_search(rows, QUERIES, 12)
    for cache in (0, 1 << 30):
        for chunk in (1, 64 * 4 * 7, 1 << 20):
            monkeypatch.setattr(topk, "CHUNK_BYTES", chunk)
            index = ExactIndex(rows, cache_bytes=cache)
            assert same(index.search(QUERIES, 12), want)
            alone = [index.search(QUERIES[i : i + 1], 12) for i in range(20)]
            assert same(tuple(np.concatenate(part) for part in zip(*alone, strict=True)), want)


def test_exact_in_blocks_of_queries(monkeypatch):
    want = ExactIndex(ROWS).search(QUERIES, 5)
    monkeypatch.setattr("retrieval.vector_index.exact.BLOCK_BYTES", 4 * 2000 * 3)
    assert same(ExactIndex(ROWS).search(QUERIES, 5), want)


@pytest.mark.parametrize("rows", [np.ones(3, np.float32), np.ones((2, 2)), np.ones((2, 2), int)])
def test_exact_refuses_other_rows(rows):
    with pytest.raises(ValueError, match="float16 or float32"):
        ExactIndex(rows)
