"""Files that were deleted are forgotten, and those that moved are known by their new path."""

import shutil

import pytest
from library_factory import affect, content, index, paths, wrong_with
from photo_folders import empty, photos, shown, told

from retrieval.indexing import indexer


@pytest.fixture
def lib(tmp_path):
    return tmp_path / "lib"


def test_prune_forgets_all_that_is_gone(tmp_path, lib):
    disk = tmp_path / "mnt" / "disk"
    photos(disk, 3)
    photos(tmp_path / "mnt" / "other", 2, first=5)
    index(lib, disk, tmp_path / "mnt" / "other")
    empty(disk)
    assert told(index(lib, disk)) == (0, 0, 0, 0, 3)
    assert told(index(lib, disk, prune=True)) == (0, 0, 0, 3, 0)
    assert len(paths(lib)) == len(content(lib)) == 2 and wrong_with(lib) == []


@pytest.mark.parametrize(("count", "deleted"), [(2, 1), (3, 2), (20, 4), (20, 9)])
def test_an_ordinary_deletion_is_forgotten(tmp_path, lib, count, deleted):
    files = photos(tmp_path / "root", count)
    index(lib, tmp_path / "root")
    for path in files[:deleted]:
        path.unlink()
    assert told(index(lib, tmp_path / "root")) == (0, count - deleted, 0, deleted, 0)
    assert len(content(lib)) == count - deleted and wrong_with(lib) == []


def test_a_small_folder_that_is_deleted_is_forgotten(tmp_path, lib):
    photos(tmp_path / "root", 4)
    photos(tmp_path / "root" / "sub", 3, first=10)
    index(lib, tmp_path / "root")
    shutil.rmtree(tmp_path / "root" / "sub")
    assert told(index(lib, tmp_path / "root")) == (0, 4, 0, 3, 0)


def test_deleted_copies_are_forgotten_however_many(tmp_path, lib):
    photos(tmp_path / "root" / "first", 8)
    shutil.copytree(tmp_path / "root" / "first", tmp_path / "root" / "second")
    index(lib, tmp_path / "root")
    before = content(lib)
    shutil.rmtree(tmp_path / "root" / "first")
    assert told(index(lib, tmp_path / "root")) == (0, 8, 0, 8, 0)
    assert content(lib) == before and shown(lib) == {*(tmp_path / "root" / "second").iterdir()}


def test_a_moved_folder_is_known_by_its_new_path_alone(tmp_path, lib):
    old, new = tmp_path / "a_old", tmp_path / "z_new"
    photos(old, 6)
    index(lib, old)
    before = content(lib)
    old.rename(new)
    assert told(index(lib, new)) == (0, 0, 6, 0, 0)
    assert shown(lib) == set(paths(lib)) == {*new.iterdir()} and content(lib) == before
    assert affect("verify", "-l", lib).stdout == "all is well\n"


def test_a_folder_renamed_below_a_root(tmp_path, lib):
    root = tmp_path / "root"
    photos(root / "z" / "sub", 7)
    index(lib, root)
    (root / "z").rename(root / "a")
    assert told(index(lib, root)) == (0, 0, 7, 0, 0)
    assert set(paths(lib)) == {*(root / "a" / "sub").iterdir()}


def test_files_moved_off_and_some_deleted(tmp_path, lib):
    """What moved counts as known before, and not as lost: two of eight were deleted."""
    root = tmp_path / "root"
    files = photos(root / "inbox", 8)
    index(lib, root)
    (root / "sorted").mkdir()
    for path in files[:6]:
        path.rename(root / "sorted" / path.name)
    files[6].unlink()
    assert told(index(lib, root)) == (0, 1, 6, 1, 0)


def test_copied_then_deleted(tmp_path, lib):
    old, new = tmp_path / "a_old", tmp_path / "z_new"
    photos(old, 6)
    index(lib, old)
    shutil.copytree(old, new)
    index(lib, new)
    assert len(paths(lib)) == 12
    shutil.rmtree(old)
    assert told(index(lib, new)) == (0, 6, 0, 6, 0)
    assert shown(lib) == set(paths(lib)) == {*new.iterdir()}


def test_a_moved_file_whose_place_another_took(tmp_path, lib, monkeypatch):
    """An item stands nowhere for a moment; its file comes later in the same run."""
    monkeypatch.setattr(indexer, "UPDATE_BATCH_SIZE", 1)
    first, second = photos(tmp_path / "root", 2)
    index(lib, tmp_path / "root")
    before = content(lib)
    first.rename(tmp_path / "root" / "9.png")
    shutil.copy(second, first)
    assert told(index(lib, tmp_path / "root", jobs=1)) == (0, 1, 2, 0, 0)
    assert content(lib) == before and len(paths(lib)) == 3 and wrong_with(lib) == []
