"""Files that are not found any more are kept if their disk may not be mounted."""

import json
import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from library_factory import ENCODERS, affect, content, index, new_library, paths
from photo_folders import empty, photos, shown, told

from retrieval.storage import missing_files
from retrieval.storage.library import Library
from retrieval.storage.missing_files import MissingFiles


@pytest.fixture
def lib(tmp_path):
    return tmp_path / "lib"


def mount_again(folder, away):
    folder.rmdir()
    away.rename(folder)


@pytest.mark.parametrize("count", [1, 3])
def test_a_root_that_turned_empty_forgets_nothing(tmp_path, lib, count):
    disk = tmp_path / "mnt" / "disk"
    photos(disk, count)
    index(lib, disk)
    before, places = content(lib), paths(lib)
    away = empty(disk)
    progress = index(lib, disk)
    assert told(progress) == (0, 0, 0, 0, count)
    assert progress.missing_by_folder == [MissingFiles(folder=disk, missing_count=count, known_count=count)]
    assert content(lib) == before and paths(lib) == places and shown(lib) == set(places)
    mount_again(disk, away)
    assert told(index(lib, disk)) == (0, count, 0, 0, 0) and content(lib) == before
    with closing(Library.open(lib)) as library:
        assert library.catalog.execute("SELECT count(*) FROM files WHERE missing") == [(0,)]


def test_a_folder_below_the_root_that_turned_empty(tmp_path, lib):
    root = tmp_path / "mnt"
    kept = photos(root / "here", 4)
    photos(root / "disk" / "deep", 3, first=10)
    index(lib, root)
    before = content(lib)
    away = empty(root / "disk")
    kept[0].unlink()
    progress = index(lib, root)
    assert progress.missing_by_folder == [MissingFiles(folder=root / "disk", missing_count=3, known_count=3)]
    assert told(progress) == (0, 3, 0, 1, 3)  # the deleted one is forgotten all the same
    mount_again(root / "disk", away)
    assert told(index(lib, root)) == (0, 6, 0, 0, 0)
    assert content(lib).items() <= before.items() and len(content(lib)) == 6


def test_a_link_that_dangles_now(tmp_path, lib):
    root = tmp_path / "root"
    photos(root, 8)
    photos(tmp_path / "far" / "disk", 1, first=10)
    (root / "link").symlink_to(tmp_path / "far" / "disk")
    index(lib, root)
    shutil.move(tmp_path / "far" / "disk", tmp_path / "away")
    progress = index(lib, root)
    assert told(progress) == (0, 8, 0, 0, 1)
    assert progress.missing_by_folder == [MissingFiles(folder=root / "link", missing_count=1, known_count=1)]


@pytest.mark.parametrize("deleted", [5, 8])
def test_a_folder_that_lost_most_of_its_files(tmp_path, lib, deleted):
    photos(tmp_path / "root", 30, first=10)
    files = photos(tmp_path / "root" / "sub", 9)
    index(lib, tmp_path / "root")
    for path in files[:deleted]:
        path.unlink()
    progress = index(lib, tmp_path / "root")
    assert progress.removed == 0 and progress.missing_count == deleted
    assert progress.missing_by_folder == [
        MissingFiles(folder=tmp_path / "root" / "sub", missing_count=deleted, known_count=9)
    ]


def test_what_the_command_says_of_an_empty_root(tmp_path, lib):
    disk = tmp_path / "mnt" / "my disk"
    photos(disk, 3)
    assert affect("index", disk, "-l", lib, "--encoders", ENCODERS).returncode == 0
    empty(disk)
    done = affect("index", disk, "-l", lib)
    assert done.returncode == 0 and "3 missing" in done.stdout and "forgotten" not in done.stdout
    hint = f"affect index '{disk}' --prune --library {lib}"
    assert f"missing: 3 of 3 files below {disk}, kept in the library" in done.stdout
    assert done.stdout.count(hint) == 1
    facts = json.loads(affect("index", disk, "-l", lib, "--json").stdout)
    assert (facts["missing"], facts["removed"], facts["files"]) == (3, 0, 3)
    assert facts["missing_below"] == [{"folder": str(disk), "missing": 3, "known": 3}]
    verified = affect("verify", "-l", lib)
    assert verified.returncode == 0 and hint in verified.stdout and "all is well" not in verified.stdout
    found = json.loads(affect("verify", "-l", lib, "--json").stdout)
    assert found["problems"] == [] and len(found["missing"]) == 3
    listed = [json.loads(line) for line in affect("list", "-l", lib, "--json").stdout.splitlines()]
    assert [row["missing"] for row in listed] == [True] * 3
    assert affect("index", disk, "-l", lib, "--prune").stdout.startswith(f"{lib}: 3 forgotten")


def test_a_root_that_is_gone_says_what_to_do(tmp_path, lib):
    photos(tmp_path / "root", 3)
    index(lib, tmp_path / "root")
    shutil.rmtree(tmp_path / "root")
    for root in (tmp_path / "root", tmp_path / "root" / "1.png"):
        done = affect("index", root, "-l", lib)
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert f"affect remove {root} --library {lib}" in done.stderr
    stranger = affect("index", tmp_path / "stranger", "-l", lib)
    assert stranger.stderr == f"affect: {tmp_path / 'stranger'}: no such file or directory\n"
    assert len(paths(lib)) == 3
    pruned = affect("index", tmp_path / "root", "-l", lib, "--prune")
    assert (pruned.returncode, paths(lib)) == (0, {}) and "3 forgotten" in pruned.stdout


def test_copies_on_a_disk_that_is_not_mounted_are_kept(tmp_path, lib):
    disk, home = tmp_path / "a-mnt" / "disk", tmp_path / "home"
    photos(home, 4)
    shutil.copytree(home, disk)
    index(lib, home, disk)
    away = empty(disk)
    assert told(index(lib, home, disk)) == (0, 4, 0, 0, 4)
    assert told(index(lib, home)) == (0, 4, 0, 0, 0)
    assert shown(lib) == {*home.iterdir()} and len(paths(lib)) == 8  # those that are there are shown
    mount_again(disk, away)
    assert told(index(lib, home, disk)) == (0, 8, 0, 0, 0)


@pytest.fixture
def mount(tmp_path):
    """Mounts a small file system, or a folder again, at a folder that is made."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting takes root")
    mounted = []

    def at(folder, *how):
        folder.mkdir(parents=True)
        if subprocess.run(["mount", *how, folder], capture_output=True).returncode:
            pytest.skip("nothing can be mounted here")
        mounted.append(folder)

    yield at
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], capture_output=True)


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize("bind", [False, True])
def test_a_disk_below_the_root_that_is_unmounted(tmp_path, lib, mount, bind, removed):
    """With a single file, which elsewhere would be taken for deleted."""
    root, source = tmp_path / "root", tmp_path / "source"
    photos(root / "here", 4)
    source.mkdir()
    how = ("--bind", source) if bind else ("-t", "tmpfs", "tmpfs")
    mount(root / "a disk", *how)
    photos(root / "a disk" / "sub", 1, first=10)
    index(lib, root)
    before = content(lib)
    subprocess.run(["umount", root / "a disk"], check=True)
    if removed:
        (root / "a disk").rmdir()
    for _ in range(2):
        assert told(index(lib, root)) == (0, 4, 0, 0, 1)
    assert content(lib) == before
    assert told(index(lib, root, prune=True)) == (0, 4, 0, 1, 0)


def test_a_mount_point_that_became_a_folder(tmp_path, lib, mount):
    root = tmp_path / "root"
    mount(root / "disk", "-t", "tmpfs", "tmpfs")
    photos(root / "disk", 3)
    index(lib, root)
    shutil.copytree(root / "disk", tmp_path / "copy")
    subprocess.run(["umount", root / "disk"], check=True)
    (root / "disk").rmdir()
    (tmp_path / "copy").rename(root / "disk")
    index(lib, root)
    (root / "disk" / "1.png").unlink()
    assert index(lib, root).removed == 1


def test_mount_points_with_odd_names(tmp_path, monkeypatch):
    table = tmp_path / "mountinfo"
    table.write_bytes(b"36 35 98:0 / /mnt/a\\040disk\\134\xff rw - ext4 /dev/sda1 rw\n")
    monkeypatch.setattr(missing_files, "_MOUNTINFO_PATH", table)
    folder = Path(os.fsdecode(b"/mnt/a disk\\\xff"))
    assert missing_files.find_mount_points([Path("/mnt")], [folder / "x.png"]) == {folder}
    assert missing_files.is_mount_point(folder) and not missing_files.is_mount_point(Path("/mnt"))
    assert missing_files.find_mount_points([Path("/mnt")], [Path("/mnt/b/x.png")]) == set()


def test_a_new_library_has_no_mounts(lib):
    new_library(lib).close()
    index(lib)
    assert paths(lib) == {}
