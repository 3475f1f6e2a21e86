"""`affect export`: one file with all of a library."""

import json
import re

import pytest
from library_factory import affect, gallery, index


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Some photos, films and sounds in a library of toy encoders, which give no affect."""
    folder = tmp_path_factory.mktemp("export")
    index(folder / "lib", gallery(folder / "media", photos=3))
    return folder / "lib"


def read_items(html):
    """All items in the script of a page, on the plane and off it."""
    patterns = r"const ITEMS = (\[.*?\]), WORDS", r"\.\.\.ITEMS, \.\.\.(\[.*?\])\]"
    placed, unplaced = (re.search(pattern, html)[1] for pattern in patterns)
    return json.loads(placed) + json.loads(unplaced)


def test_every_item_is_in_the_file_with_its_thumbnail(library, tmp_path):
    done = affect("export", "--library", library, "--html", tmp_path / "all.html", "--json")
    exported, html = json.loads(done.stdout), (tmp_path / "all.html").read_text()
    items = read_items(html)
    assert exported["items"] == len(items) == exported["thumbnails"]
    assert all(item["thumb"].startswith("data:image/jpeg;base64,") for item in items)
    assert {item["name"] for item in items} == {path.name for path in (library.parent / "media").iterdir()}


def test_the_file_fetches_nothing(library, tmp_path):
    affect("export", "--library", library, "--html", tmp_path / "all.html")
    html = (tmp_path / "all.html").read_text()
    assert "default-src 'none'; img-src data:" in html
    assert not re.search(r"(?:src|href)=\"(?!data:)", html)


def test_a_folder_that_can_not_be_written_is_one_line(library, tmp_path):
    (tmp_path / "file").write_text("")
    done = affect("export", "--library", library, "--html", tmp_path / "file" / "all.html")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
