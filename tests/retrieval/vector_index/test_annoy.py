"""Annoy's own files."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from index_rows import QUERIES, ROWS, alike, plain_search, same
from repository import ROOT

from retrieval.vector_index.annoy import AnnoyIndex


def test_annoy_loads_what_it_built(tmp_path):
    file = tmp_path / "rows.annoy"
    built = AnnoyIndex.build(ROWS, file).search(QUERIES, 5)
    assert same(AnnoyIndex.load(file, ROWS).search(QUERIES, 5), built)


@pytest.mark.parametrize("living", [[], [5], [3, 5, 9], range(0, 2000, 30)])
def test_annoy_finds_the_alive_among_many_dead(tmp_path, living):
    alive = np.zeros(2000, bool)
    alive[list(living)] = True
    AnnoyIndex.build(ROWS, tmp_path / "a")
    places = AnnoyIndex.load(tmp_path / "a", ROWS).search(QUERIES, 10, alive)[0]
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
        AnnoyIndex.load(tmp_path / "a", ROWS)
    with pytest.raises(FileNotFoundError):
        AnnoyIndex.load(tmp_path / "b", ROWS)


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
