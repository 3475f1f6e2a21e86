"""FAISS: groups and codes of many rows, reduced rows, masks, and files that do not fit."""

import numpy as np
import pytest
from index_rows import clustered

from encoders.base import unit_rows
from retrieval.vector_index import ExactIndex, RowSubset, faiss
from retrieval.vector_index.faiss import FaissIndex

ROWS = clustered(count=6000, dim=64, clusters=120)
QUERIES = unit_rows(ROWS[::300] + 0.05 * np.random.default_rng(1).standard_normal((20, 64)).astype("f4"))


@pytest.fixture(autouse=True)
def few_rows_are_grouped(monkeypatch):
    monkeypatch.setattr(faiss, "MIN_GROUPED_ROWS", 1000)


@pytest.fixture
def index(tmp_path):
    return FaissIndex.build(ROWS.astype(np.float16), tmp_path / "a.faiss")


def recall(found, expected):
    return np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, expected, strict=True)])


def test_codes_choose_and_rows_decide(index):
    positions, similarities = index.search(QUERIES, 10)
    assert index._group_count == round(2 * 6000**0.5)
    assert recall(positions, ExactIndex(ROWS).search(QUERIES, 10)[0]) > 0.95
    exact = (QUERIES[:, None] * ROWS.astype(np.float16)[positions].astype(np.float32)).sum(-1)
    assert np.allclose(similarities, exact, atol=1e-6)


def test_more_effort_finds_more(tmp_path):
    rows = unit_rows(np.random.default_rng(0).standard_normal((3000, 64)).astype(np.float32))
    index, expected, found = (
        FaissIndex.build(rows, tmp_path / "a"),
        ExactIndex(rows).search(QUERIES, 50)[0],
        [],
    )
    for index.effort in (1, 8, 1000):
        found.append(recall(index.find_candidates(QUERIES, 400), expected))
    assert found[0] < found[1] < found[2]


@pytest.mark.parametrize("share", [0.5, 0.01])
def test_a_mask_costs_no_recall(index, share):
    mask = np.random.default_rng(0).random(len(ROWS)) < share
    positions = index.search(QUERIES, 10, mask)[0]
    assert mask[positions].all()
    assert recall(positions, ExactIndex(ROWS).search(QUERIES, 10, mask)[0]) > 0.95


def test_equal_rows_and_seed_give_an_equal_file_that_loads(tmp_path, index):
    rows = ROWS.astype(np.float16)
    FaissIndex.build(rows, tmp_path / "b.faiss")
    assert (tmp_path / "a.faiss").read_bytes() == (tmp_path / "b.faiss").read_bytes()
    loaded = FaissIndex.load(tmp_path / "b.faiss", rows)
    assert np.array_equal(loaded.search(QUERIES, 10)[0], index.search(QUERIES, 10)[0])


@pytest.mark.parametrize("dim", [2, 3, 33, 600])
def test_any_length_of_rows(tmp_path, dim):
    rows = clustered(count=3000, dim=dim, clusters=60)
    found = FaissIndex.build(rows, tmp_path / "a.faiss").search(rows[:20], 5)[0]
    assert recall(found, ExactIndex(rows).search(rows[:20], 5)[0]) > 0.9


def test_a_file_that_is_damaged_or_of_other_rows_is_refused(tmp_path, index):
    rows, path = ROWS.astype(np.float16), tmp_path / "a.faiss"
    with pytest.raises(ValueError, match="of length 64"):
        FaissIndex.load(path, rows[:, :32])
    with pytest.raises(ValueError, match="6000 rows"):
        FaissIndex.load(path, rows[:5000])
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="no FAISS index"):
        FaissIndex.load(path, rows)
    with pytest.raises(FileNotFoundError):
        FaissIndex.load(tmp_path / "absent.faiss", rows)


def test_rows_of_a_subset_are_read_where_they_lie(tmp_path):
    chosen = np.arange(0, len(ROWS), 2)
    subset = RowSubset(ROWS.astype(np.float16), chosen)
    found = FaissIndex.build(subset, tmp_path / "a.faiss").search(QUERIES, 5)[0]
    assert recall(found, ExactIndex(ROWS[chosen]).search(QUERIES, 5)[0]) > 0.95
