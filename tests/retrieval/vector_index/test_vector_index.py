"""Every index of the registry keeps the contract."""

import subprocess
import sys

import numpy as np
import pytest
from index_rows import QUERIES, ROWS, alike, plain_search
from repository import ROOT

from retrieval.vector_index.exact import ExactIndex
from retrieval.vector_index.registry import INDEX_KINDS


def overlap(found, want):
    return np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found[0], want[0], strict=True)])


@pytest.fixture(params=sorted(INDEX_KINDS))
def build(request, tmp_path):
    kind = INDEX_KINDS[request.param]

    def build_and_load(rows):
        built = kind.build(rows, tmp_path / "rows.index", kind.fill_options({}), 0)
        return built if kind.load is None else kind.load(tmp_path / "rows.index", rows)

    return build_and_load


def test_dtypes_shapes_and_total_order(build):
    places, similarity = build(ROWS).search(QUERIES, 10)
    assert places.shape == similarity.shape == (20, 10)
    assert (places.dtype, similarity.dtype) == (np.int64, np.float32)
    assert (np.diff(similarity, axis=1) <= 0).all()
    assert all(len(set(row)) == 10 for row in places)
    assert np.allclose(similarity, (QUERIES[:, None] * ROWS[places]).sum(-1), atol=1e-6)


def test_agrees_with_exact(build):
    index, specification = build(ROWS), ExactIndex(ROWS)
    assert overlap(index.search(QUERIES, 10), specification.search(QUERIES, 10)) >= 0.9


def test_equal_rows_tie_by_position(build):
    rows = np.tile(ROWS[:3], (5, 1))
    places, similarity = build(rows).search(ROWS[:1], 15)
    assert places[0, :5].tolist() == [0, 3, 6, 9, 12]
    assert len(set(similarity[0, :5].tolist())) == 1
    assert alike((places, similarity), plain_search(rows, ROWS[:1], 15))


def test_more_asked_than_there_is(build):
    places, similarity = build(ROWS[:3]).search(QUERIES[:2], 7)
    assert alike((places, similarity), plain_search(ROWS[:3], QUERIES[:2], 7))
    assert (places[:, 3:] == -1).all()
    assert (similarity[:, 3:] == -np.inf).all()


def test_no_rows_no_queries_and_nothing_to_say(build):
    nothing = np.full((2, 64), np.nan, np.float32)
    for rows in (np.empty((0, 64), np.float32), nothing):
        places, similarity = build(rows).search(QUERIES, 3)
        assert (places == -1).all()
        assert (similarity == -np.inf).all()
        assert places.shape == (20, 3)
    index = build(ROWS)
    assert index.search(np.empty((0, 64), np.float32), 3)[0].shape == (0, 3)
    assert (index.search(nothing, 3)[0] == -1).all()


def test_missing_rows_keep_their_place_and_are_never_returned(build):
    rows = ROWS[:50].copy()
    rows[[0, 7, 8, 49]] = np.nan
    places, similarity = build(rows).search(ROWS[7:9], 50)
    assert alike((places, similarity), plain_search(rows, ROWS[7:9], 50))
    assert not np.isin([0, 7, 8, 49], places).any()


def test_a_row_of_zeros_has_similarity_zero(build):
    rows = ROWS[:4].copy()
    rows[2] = 0
    places, similarity = build(rows).search(QUERIES[:1], 4)
    assert similarity[places == 2].tolist() == pytest.approx([0], abs=1e-6)


@pytest.mark.parametrize("living", [[], [3], [1, 5, 1999], range(0, 2000, 2), range(2000)])
def test_deleted_rows_are_never_returned_and_never_cost_a_result(build, living):
    alive = np.zeros(2000, bool)
    alive[list(living)] = True
    places, similarity = build(ROWS).search(QUERIES, 10, alive)
    assert np.isin(places[places >= 0], np.flatnonzero(alive)).all()
    assert ((places >= 0).sum(axis=1) == min(10, len(living))).all()
    if len(living) <= 10:
        assert alike((places, similarity), plain_search(ROWS, QUERIES, 10, alive))


def test_refuses_what_does_not_fit(build):
    index = build(ROWS)
    for k in (0, -1):
        with pytest.raises(ValueError, match="k must be"):
            index.search(QUERIES, k)
    with pytest.raises(TypeError):
        index.search(QUERIES, 1.5)
    for queries in (QUERIES[0], QUERIES[:, :9]):
        with pytest.raises(ValueError, match="queries must be"):
            index.search(queries, 1)
    with pytest.raises(ValueError, match="mask"):
        index.search(QUERIES, 1, np.ones(5, bool))


def test_float16_memory_map_is_read(build, tmp_path):
    file = tmp_path / "rows.f16"
    file.write_bytes(ROWS.astype(np.float16).tobytes())
    rows = np.memmap(file, np.float16, "r", shape=ROWS.shape)
    found = build(rows).search(QUERIES, 5)
    assert overlap(found, ExactIndex(ROWS).search(QUERIES, 5)) >= 0.9
    assert overlap(found, plain_search(rows, QUERIES, 5)) >= 0.9


def test_importing_the_index_loads_neither_torch_nor_annoy():
    code = "import sys, retrieval.vector_index.registry; "
    code += "print([m for m in ('torch', 'annoy', 'scipy') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT)
    assert run.stdout == b"[]\n"
