"""Index runs are incremental: what is known is not read again."""

import os
import shutil
import sys
from contextlib import closing

import pytest
from index_runs import counts
from library_factory import affect, content, gallery, index, painted, paths, wrong_with

from encoders.base import AffectError
from retrieval.indexing import file_encoding, indexer
from retrieval.storage.library import Library


def test_a_first_run_indexes_everything(media, lib):
    assert counts(index(lib, media)) == {"indexed": 10}
    assert set(paths(lib)) == set(media.iterdir()) and wrong_with(lib) == []


def test_folders_that_were_indexed_are_remembered(media, lib, tmp_path):
    """But for those below another one, and for single files."""
    other = tmp_path / "other"
    (media / "below").mkdir()
    painted(media / "below" / "a.png", 50)
    other.mkdir()
    painted(other / "b.png", 51)
    for roots in ([media / "below"], [other / "b.png"], [media], [media / "below"], [other]):
        index(lib, *roots)
    with closing(Library.open(lib)) as library:
        assert library.catalog.load_roots() == sorted([media, other])


def test_a_second_run_opens_and_decodes_nothing(media, lib, monkeypatch):
    index(lib, media)
    before = content(lib)
    monkeypatch.setattr(file_encoding, "DecoderPool", None)
    monkeypatch.setattr(Library, "commit", None)
    opened = []
    sys.addaudithook(lambda name, what: opened.append(str(what[0])) if name == "open" else None)
    assert counts(index(lib, media)) == {"unchanged": 10}
    assert not [path for path in opened if path.startswith(str(media))]
    assert content(lib) == before


def test_known_files_without_an_ending_are_not_looked_into(tmp_path, lib):
    painted(tmp_path / "a.png", 1).rename(tmp_path / "a")
    assert counts(index(lib, tmp_path)) == {"indexed": 1}
    opened = []
    sys.addaudithook(lambda name, what: opened.append(str(what[0])) if name == "open" else None)
    assert counts(index(lib, tmp_path)) == {"unchanged": 1}
    assert str(tmp_path / "a") not in opened


def test_moved_renamed_and_copied_files_need_no_encoding(media, lib, monkeypatch):
    index(lib, media)
    before = content(lib)
    (media / "sub").mkdir()
    (media / "photo0.png").rename(media / "sub" / "photo0.png")
    (media / "photo1.png").rename(media / "renamed.png")
    shutil.copy(media / "film.mp4", media / "copy.mp4")
    monkeypatch.setattr(Library, "commit", None)  # nothing new to encode
    assert counts(index(lib, media)) == {"unchanged": 8, "moved": 3}
    assert content(lib) == before and set(paths(lib)) == {p for p in media.rglob("*") if p.is_file()}
    assert counts(index(lib, media)) == {"unchanged": 11}


def test_a_moved_folder_needs_no_encoding(media, lib, monkeypatch):
    index(lib, media)
    monkeypatch.setattr(Library, "commit", None)
    moved = media.rename(media.with_name("elsewhere"))
    assert counts(index(lib, moved)) == {"moved": 10}
    assert counts(index(lib, moved.parent)) == {"unchanged": 10}
    assert set(paths(lib)) == set(moved.iterdir())


def test_changed_content_replaces_the_old(media, lib):
    index(lib, media)
    before = content(lib)
    old = paths(lib)[media / "photo0.png"]
    painted(media / "photo0.png", 77)
    assert counts(index(lib, media)) == {"indexed": 1, "unchanged": 9}
    after = content(lib)
    assert old not in after and paths(lib)[media / "photo0.png"] in after
    assert len(after) == 10 and {k: v for k, v in before.items() if k != old}.items() <= after.items()


def test_a_touched_file_is_read_but_not_encoded_again(media, lib, monkeypatch):
    index(lib, media)
    os.utime(media / "film.mp4", (1, 1))
    monkeypatch.setattr(Library, "commit", None)
    assert counts(index(lib, media)) == {"unchanged": 9, "rechecked": 1}


def test_deleted_files_are_forgotten(media, lib):
    index(lib, media)
    (media / "film.mp4").unlink()
    (media / "photo1.png").unlink()
    assert counts(index(lib, media)) == {"unchanged": 8, "removed": 2}
    assert len(content(lib)) == 8 and wrong_with(lib) == []


def test_files_elsewhere_are_left_alone(media, tmp_path, lib):
    index(lib, media)
    other = gallery(tmp_path / "other", photos=1)
    painted(other / "photo0.png", 55)
    index(lib, other)
    held = content(lib)
    shutil.rmtree(media)
    assert counts(index(lib, other)) == {"unchanged": 5, "removed": 4}  # four of them are in `other` too
    assert len(paths(lib)) == 11 and content(lib) == held


def test_a_missing_root_is_refused_and_nothing_forgotten(media, lib):
    index(lib, media)
    shutil.move(media, media.with_name("unmounted"))
    with pytest.raises(AffectError, match="no such file"):
        index(lib, media)
    done = affect("index", media, "--library", lib)
    said = f"affect: {media}: no such file or directory; the library holds 10 files of it: mount its disk, "
    said += f"or forget them with: affect remove {media} --library {lib}\n"
    assert (done.returncode, done.stderr) == (2, said)
    assert len(paths(lib)) == 10


def test_removed_items_come_back(media, lib):
    index(lib, media)
    before = content(lib)
    assert affect("remove", media, "--library", lib).stdout == "forgot 10 files\n"
    assert content(lib) == {}
    assert counts(index(lib, media)) == {"indexed": 10}
    assert content(lib) == before and wrong_with(lib) == []


def test_many_moved_and_bad_files_are_written_down_together(tmp_path, lib, monkeypatch):
    media = tmp_path / "media"
    media.mkdir()
    monkeypatch.setattr(indexer, "UPDATE_BATCH_SIZE", 5)
    photo = painted(media / "one.png", 1)
    index(lib, media)
    for number in range(12):
        shutil.copy(photo, media / f"copy{number}.png")
        (media / f"empty{number}.png").touch()
    assert counts(index(lib, media)) == {"unchanged": 1, "moved": 12, "failed": 12}
    assert len(paths(lib)) == 13 and len(content(lib)) == 1
    assert counts(index(lib, media)) == {"unchanged": 13, "failed": 12}


def test_copies_in_one_run_are_one_item(tmp_path, lib):
    media = tmp_path / "media"
    media.mkdir()
    for number in range(6):
        painted(media / f"{number}.png", 1)
    index(lib, media)
    assert len(paths(lib)) == 6 and len(content(lib)) == 1 and wrong_with(lib) == []


def test_roots_that_overlap(media, lib):
    assert counts(index(lib, media, media, media / "film.mp4", media.parent)) == {"indexed": 10}


def test_the_library_inside_the_folder_is_not_indexed(media):
    lib = media / "lib"
    index(lib, media)
    assert counts(index(lib, media)) == {"unchanged": 10}
