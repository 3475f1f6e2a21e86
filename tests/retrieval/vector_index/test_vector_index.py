import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from repository import ROOT

from encoders.base import unit_rows
from retrieval.vector_index import topk
from retrieval.vector_index.annoy import AnnoyIndex
from retrieval.vector_index.exact import ExactIndex
from retrieval.vector_index.registry import INDEX_KINDS


def clustered(count=2000, dim=64, clusters=40, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, dim))
    return unit_rows(
        (centres[rng.integers(clusters, size=count)] + 0.6 * rng.standard_normal((count, dim))).astype("f4")
    )


ROWS = clustered()
QUERIES = unit_rows(ROWS[::100] + 0.05 * np.random.default_rng(1).standard_normal((20, 64)).astype("f4"))


def plain_search(rows, queries, k, alive=None):
    """The contract, spelt out for one query after the other."""
    places, scores = [], []
    for query in queries:
        scored = [
            (-np.float32(np.dot(row.astype(float), query.astype(float))), i) for i, row in enumerate(rows)
        ]
        scored = sorted(s for s in scored if not np.isnan(s[0]) and (alive is None or alive[s[1]]))[:k]
        short = k - len(scored)
        places.append([i for _, i in scored] + [-1] * short)
        scores.append([-s for s, _ in scored] + [-np.inf] * short)
    return np.array(places).reshape(-1, k), np.array(scores, np.float32).reshape(-1, k)


def same(found, want):
    return np.array_equal(found[0], want[0]) and np.array_equal(found[1], want[1])


def overlap(found, want):
    return np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found[0], want[0], strict=True)])


def alike(found, want):
    """The same places; Annoy's float32 distances give similarities that differ in the last bits."""
    return np.array_equal(found[0], want[0]) and np.allclose(found[1], want[1], atol=1e-6)


@pytest.fixture(params=sorted(INDEX_KINDS))
def build(request, tmp_path):
    kind = INDEX_KINDS[request.param]

    def build_and_load(rows):
        built = kind.build(rows, tmp_path / "rows.index", kind.fill_options({}), 0)
        return built if kind.load is None else kind.load(tmp_path / "rows.index", rows.shape[1])

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


def test_annoy_loads_what_it_built(tmp_path):
    file = tmp_path / "rows.annoy"
    built = AnnoyIndex.build(ROWS, file).search(QUERIES, 5)
    assert same(AnnoyIndex.load(file, 64).search(QUERIES, 5), built)


@pytest.mark.parametrize("living", [[], [5], [3, 5, 9], range(0, 2000, 30)])
def test_annoy_finds_the_alive_among_many_dead(tmp_path, living):
    alive = np.zeros(2000, bool)
    alive[list(living)] = True
    AnnoyIndex.build(ROWS, tmp_path / "a")
    places = AnnoyIndex.load(tmp_path / "a", 64).search(QUERIES, 10, alive)[0]
    assert np.isin(places[places >= 0], living).all()
    assert ((places >= 0).sum(axis=1) == min(10, len(living))).all()


def test_a_missing_row_among_few_alive(tmp_path):
    rows = ROWS.copy()
    rows[5] = np.nan
    alive = np.isin(np.arange(2000), [3, 5, 9])
    found = AnnoyIndex.build(rows, tmp_path / "a").search(QUERIES, 10, alive)
    assert alike(found, plain_search(rows, QUERIES, 10, alive))


def test_annoy_builds_are_reproducible_and_leave_nothing_beside(tmp_path):
    files = [tmp_path / name for name in ("a", "b", "c")]
    for file, seed in zip(files, (0, 0, 1), strict=True):
        AnnoyIndex.build(ROWS[:300], file, tree_count=5, seed=seed)
    first, second, third = (file.read_bytes() for file in files)
    assert first == second != third
    assert sorted(tmp_path.iterdir()) == files


def test_annoy_refuses_files_that_are_not_its_own(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 1000)
    with pytest.raises(OSError, match="no Annoy index"):
        AnnoyIndex.load(tmp_path / "a", 64)
    with pytest.raises(FileNotFoundError):
        AnnoyIndex.load(tmp_path / "b", 64)


def test_a_reader_keeps_its_file_while_a_new_one_is_swapped_in(tmp_path):
    file = tmp_path / "rows.annoy"
    old = AnnoyIndex.build(ROWS, file)
    before = old.search(QUERIES, 5)
    AnnoyIndex.build(ROWS[:10], file)
    assert same(old.search(QUERIES, 5), before)


def test_an_interrupted_swap_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "rows.annoy"
    AnnoyIndex.build(ROWS[:50], file)
    before = file.read_bytes()

    def interrupted(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        AnnoyIndex.build(ROWS, file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_ctrl_c_while_building_leaves_nothing(tmp_path):
    code = (
        "import sys, numpy as np; from pathlib import Path; from retrieval.vector_index.annoy "
        "import AnnoyIndex\n"
        "rows = np.random.default_rng(0).standard_normal((20000, 32), dtype=np.float32)\n"
        "print('go', flush=True)\n"
        "AnnoyIndex.build(rows, Path(sys.argv[1]) / 'a', tree_count=100)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=-1, stderr=-1, cwd=ROOT)
    assert run.stdout.readline() == b"go\n"
    run.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in run.communicate(timeout=60)[1]
    assert list(tmp_path.iterdir()) == []


def test_importing_the_index_loads_neither_torch_nor_annoy():
    code = "import sys, retrieval.vector_index.registry; "
    code += "print([m for m in ('torch', 'annoy', 'scipy') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT)
    assert run.stdout == b"[]\n"
