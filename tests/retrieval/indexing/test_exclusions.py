"""What a scan leaves out by name."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from library_factory import ENCODERS, affect, content, index, painted, paths

from encoders.base import AffectError
from retrieval.indexing.exclusions import SYSTEM_FOLDERS, Exclusions

ROOT = Path("/media/root")


@pytest.fixture
def lib(tmp_path):
    return tmp_path / "lib"


def photo(path, seed=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    return painted(path, seed)


@pytest.mark.parametrize(
    ("pattern", "path", "is_folder", "left_out"),
    [
        ("*.gif", "a/b.GIF", False, True),
        ("*.gif", "a/b.gift", False, False),
        ("thumbs", "thumbs", False, True),
        ("thumbs", "a/b/Thumbs", True, True),
        ("thumbs/", "a/thumbs", True, True),
        ("thumbs/", "a/thumbs", False, False),
        ("/old", "old", True, True),
        ("/old", "a/old", True, False),
        ("a/old", "a/old", True, True),
        ("a/old/", "b/a/old", True, False),
        ("a/*", "a/x.png", False, True),
        ("a/*", "a/b/x.png", False, False),
        ("a/**/x.png", "a/x.png", False, True),
        ("a/**/x.png", "a/b/c/x.png", False, True),
        ("**/c/x.png", "a/b/c/x.png", False, True),
        ("**/c/x.png", "c/x.png", False, True),
        ("/media/root/sub", "sub", True, True),
        ("/media/root/sub", "a/sub", True, False),
        ("[ab].png", "b.png", False, True),
        ("cafe\u0301", "caf\u00e9", True, True),
        ("caf\u00e9", "cafe\u0301", True, True),
        (os.fsdecode(b"\xff*"), os.fsdecode(b"\xffx.png"), False, True),
    ],
)
def test_patterns(pattern, path, is_folder, left_out):
    found = Exclusions([pattern]).find_match(ROOT / path, ROOT, is_folder=is_folder)
    assert found == (pattern if left_out else None)


@pytest.mark.parametrize("pattern", ["", "/", "//", "."])
def test_a_pattern_of_nothing_is_refused(pattern):
    with pytest.raises(AffectError, match="--exclude"):
        Exclusions([pattern])


@pytest.mark.parametrize(
    "folder",
    ["@eaDir", "@EADIR", "#recycle", "#snapshot", "@Recycle", "$RECYCLE.BIN", "$Recycle.Bin", "Trash",
     "Trash-1000", "System Volume Information", "lost+found", "__MACOSX", "node_modules",
     "Lightroom Previews.lrdata", "A.photoslibrary/resources/derivatives", "deep/@eaDir/photo.png"],
)  # fmt: skip
def test_folders_of_systems(tmp_path, lib, folder):
    root = tmp_path / "root"
    kept = [photo(root / "photo.png"), photo(root / "deep" / "A.photoslibrary" / "originals" / "x.png", 3)]
    photo(root / folder / "x.png", 2)
    progress = index(lib, root)
    assert set(paths(lib)) == set(kept)
    assert sum(progress.skip_counts.excluded.values()) == 1
    assert set(progress.skip_counts.excluded) <= set(SYSTEM_FOLDERS)


def test_a_file_or_folder_with_such_a_name_elsewhere_is_taken(tmp_path, lib):
    root = tmp_path / "root"
    kept = [photo(root / "trash.png"), photo(root / "My Trash" / "x.png", 2), root / "Trash"]
    photo(root / "a.png", 3).rename(root / "Trash")
    index(lib, root)
    assert set(paths(lib)) == set(kept)


def test_a_root_is_entered_whatever_its_name(tmp_path, lib):
    nas = tmp_path / "#recycle" / "nas"
    deleted = photo(nas / "#recycle" / "x.png")
    photo(nas / "#recycle" / "@eaDir" / "y.png", 2)
    kept = photo(nas / "z.png", 3)
    index(lib, nas / "#recycle")
    assert set(paths(lib)) == {deleted}
    index(lib, nas, nas / "#recycle", exclude=["#recycle"])
    assert set(paths(lib)) == {deleted, kept}


def test_what_was_indexed_and_is_left_out_now_is_forgotten(tmp_path, lib):
    root = tmp_path / "root"
    kept = [photo(root / f"{seed}.png", seed) for seed in range(3)]
    for seed in range(10, 20):
        photo(root / "thumbs" / f"{seed}.png", seed)
    index(lib, root)
    progress = index(lib, root, exclude=["thumbs", "nothing"])
    assert (progress.removed, progress.missing_count, progress.unchanged) == (10, 0, 3)
    assert progress.skip_counts.excluded == Counter({"thumbs": 1, "nothing": 0})
    assert set(paths(lib)) == set(kept) and len(content(lib)) == 3
    assert index(lib, root).indexed == 10  # it is not remembered


def test_hidden_files_that_were_indexed_by_name_stay(tmp_path, lib):
    root = tmp_path / "root"
    hidden = photo(root / ".hidden" / "x.png")
    photo(root / "y.png", 2)
    index(lib, root / ".hidden")
    index(lib, root)
    assert hidden in paths(lib) and len(paths(lib)) == 2


def test_the_summary_says_what_was_left_out(tmp_path, lib):
    root = tmp_path / "root"
    photo(root / "@eaDir" / "x.png")
    photo(root / "a.png", 2)
    photo(root / "b.png", 3).rename(root / "b.PNG")
    for name in ("a.txt", "b.TXT", "c.pdf", "Mr. Smith", ".hidden"):
        (root / name).write_text("words")
    os.mkfifo(root / "pipe.txt")
    words = "index", root, "-l", lib, "--exclude", "b.*", "--exclude", "*.pdf"
    done = affect(*words, "--encoders", ENCODERS)
    assert "  left out: 2 b.*, 1 *.pdf, 1 @eaDir/\n" in done.stdout
    assert "  no media, skipped: 1 no ending, 1 txt\n" in done.stdout
    facts = json.loads(affect(*words, "--json").stdout)
    assert facts["excluded"] == {"b.*": 2, "*.pdf": 1, "@eaDir/": 1}
    assert facts["skipped"] == {"txt": 1, "no ending": 1}


def test_a_bad_pattern_makes_no_library(tmp_path, lib):
    done = affect("index", tmp_path, "-l", lib, "--exclude", "/")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and not lib.exists()
