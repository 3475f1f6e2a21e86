"""Links, odd names, and what is no plain file."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from index_runs import counts, reasons
from library_factory import affect, content, index, painted, paths


def test_links(media, lib, tmp_path):
    (media / "loop").symlink_to(media)
    (media / "sub").mkdir()
    (media / "sub" / "up").symlink_to(media.parent)
    (media / "itself.png").symlink_to(media / "itself.png")
    (media / "nowhere.jpg").symlink_to(media / "gone.jpg")
    (media / "again.png").symlink_to(media / "photo0.png")
    progress = index(lib, media)
    assert set(reasons(progress)) == {"itself.png", "nowhere.jpg"}
    assert all("link" in reason for reason in reasons(progress).values())
    assert len(content(lib)) == 10 and media / "again.png" in paths(lib)


def test_links_that_cross_each_other_are_walked_once(tmp_path, lib):
    """Each folder links to all others: entered along every way, these would be a million folders."""
    media = tmp_path / "media"
    folders = [media / str(number) for number in range(10)]
    for number, folder in enumerate(folders):
        folder.mkdir(parents=True)
        painted(folder / "photo.png", number)
        for other in folders:
            if other != folder:
                (folder / f"to{other.name}").symlink_to(other)
    assert counts(index(lib, media)) == {"indexed": 10}
    assert set(paths(lib)) == {folder / "photo.png" for folder in folders}


def test_a_linked_folder_outside_is_followed(media, lib, tmp_path):
    far = tmp_path / "far"
    far.mkdir()
    painted(far / "far.png", 99)
    (media / "link").symlink_to(far)
    assert counts(index(lib, media)) == {"indexed": 11}
    assert media / "link" / "far.png" in paths(lib)


@pytest.mark.slow
def test_a_very_deep_folder(tmp_path, lib):
    media = tmp_path / "media"
    media.mkdir()
    here = os.open(media, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("a", dir_fd=here)
        below = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    painted(media / "a" / "photo.png", 1)
    try:
        assert counts(index(lib, media)) == {"indexed": 1}
    finally:
        subprocess.run(["rm", "-rf", media], check=True)  # shutil and pytest recurse


def test_names_of_all_sorts(media, lib):
    for name in (
        b"caf\xe9.png",
        b"new\nline.png",
        b"-l",
        b"[red].png",
        b"\xf0\x9f\x90\x88.png",
        b"a'b;--.png",
    ):
        painted(media / "next.png", sum(name)).rename(Path(os.fsdecode(os.fsencode(media) + b"/" + name)))
    (media / os.fsdecode(b"bad\xff.mp4")).write_text("only words")
    progress = index(lib, media)
    assert counts(progress) == {"indexed": 16, "failed": 1}
    assert set(reasons(progress)) == {os.fsdecode(b"bad\xff.mp4")}
    assert counts(index(lib, media)) == {"unchanged": 16, "failed": 1}
    listed = affect("list", "--library", lib, "--json").stdout
    listed = [Path(json.loads(line)["path"]) for line in listed.splitlines()]
    assert media / os.fsdecode(b"caf\xe9.png") in listed and all(path.exists() for path in listed)
    found = affect("search", "--image", media / os.fsdecode(b"caf\xe9.png"), "--library", lib)
    assert found.returncode == 0 and "caf\\xe9.png" in found.stdout
    (media / os.fsdecode(b"caf\xe9.png")).unlink()
    assert counts(index(lib, media)) == {"unchanged": 15, "removed": 1, "failed": 1}


def test_what_is_no_plain_file_is_passed_over(media, lib):
    os.mkfifo(media / "pipe.mp4")
    (media / ".hidden.png").write_bytes((media / "photo0.png").read_bytes())
    (media / "folder.png").mkdir()
    (media / "notes.txt").write_text("nothing to see")
    assert counts(index(lib, media)) == {"indexed": 10}


def test_a_folder_full_of_nothing(tmp_path, lib):
    (tmp_path / "empty").mkdir()
    assert counts(index(lib, tmp_path / "empty")) == {}
    assert "no media files found" in affect("index", tmp_path / "empty", "--library", lib).stdout
