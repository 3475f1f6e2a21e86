"""Libraries are made whole or not at all, and only where nothing else is."""

from contextlib import closing

import pytest
from library_factory import content, new_library, painted, wrong_with
from stored_library import refused

from encoders.base import AffectError
from retrieval.storage import schema
from retrieval.storage.library import Library


def test_a_new_library_is_empty_and_whole(tmp_path):
    new_library(tmp_path / "deep" / "down").close()
    assert wrong_with(tmp_path / "deep" / "down") == []
    assert content(tmp_path / "deep" / "down") == {}


@pytest.mark.parametrize("left_over", ["lock", *schema.UNFINISHED_NAMES])
def test_a_kill_while_a_library_is_made_is_no_hindrance(tmp_path, left_over):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / left_over).write_bytes(b"\0" * 700)
    assert not Library.exists(tmp_path / "lib")
    new_library(tmp_path / "lib").close()
    assert wrong_with(tmp_path / "lib") == []


def test_no_catalogue_without_its_contents(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "SCHEMA", schema.SCHEMA + "; CREATE NONSENSE")
    with pytest.raises(AffectError):
        new_library(tmp_path / "lib")
    assert not Library.exists(tmp_path / "lib")


def test_a_folder_of_other_things_is_refused(tmp_path):
    painted(tmp_path / "photo.png", 1)
    with pytest.raises(AffectError, match="holds no library"):
        new_library(tmp_path)
    with pytest.raises(AffectError, match="holds no library"):
        new_library(tmp_path / "photo.png")


def test_no_library(tmp_path):
    assert "no library here" in refused(tmp_path, "info")
    assert "no library here" in refused(tmp_path / "nowhere", "list")


def test_a_library_of_a_later_format_is_refused(lib):
    with closing(Library.open(lib)) as library:
        library.catalog.set_meta("format", "99")
    assert "format 99" in refused(lib, "info")
