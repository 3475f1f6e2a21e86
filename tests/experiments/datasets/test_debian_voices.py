"""Recordings from Debian packages: what is taken of a package, and what is said where it can't be had."""

import shutil

import pytest

from experiments.datasets import debian_voices
from experiments.datasets.debian_voices import PACKAGES, DebianPackage, PackageUnavailable, fetch_recordings

HERE = DebianPackage(
    name="small-voices", kind="speech", licence="CC0", pattern="usr/share/*/*.ogg", max_files=3, language="de"
)


def laid(root, sizes):
    """Files of these sizes in an unpacked package."""
    folder = root / HERE.name / "usr" / "share" / "talk"
    folder.mkdir(parents=True)
    for number, size in enumerate(sizes):
        (folder / f"{number}.ogg").write_bytes(bytes(size))


def test_the_longer_files_are_taken_evenly(tmp_path):
    laid(tmp_path, [5, 90, 1, 80, 70, 60, 95, 50])
    found = fetch_recordings(tmp_path, [HERE])
    assert [one.path.stem for one in found] == ["1", "4", "6"]  # neither 2 nor 0, the shortest quarter
    assert {one.package.group for one in found} == {"package small-voices de"}


def test_a_package_without_such_files_is_refused(tmp_path):
    laid(tmp_path, [])
    with pytest.raises(PackageUnavailable, match="small-voices: no usr/share"):
        fetch_recordings(tmp_path, [HERE])


def test_without_apt_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageUnavailable, match="apt-get is not here"):
        fetch_recordings(tmp_path / "cache", [HERE])


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="no apt-get here")
def test_a_package_nobody_has_leaves_nothing_behind(tmp_path):
    with pytest.raises(PackageUnavailable, match=r"small-voices: .*run apt-get update"):
        fetch_recordings(tmp_path, [HERE])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb here")
def test_what_was_downloaded_is_laid_out_whole(tmp_path, monkeypatch):
    """The package is built here; only the way it comes is another."""
    source = tmp_path / "source"
    laid(source, [4, 4, 4, 4])
    control = source / HERE.name / "DEBIAN" / "control"
    control.parent.mkdir()
    control.write_text(
        "Package: small-voices\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: a\n"
    )
    run = debian_voices._run_command

    def local(command, folder, name):
        if command[0] == "apt-get":
            command = ["dpkg-deb", "--build", str(source / HERE.name), folder]
        run(command, folder, name)

    monkeypatch.setattr(debian_voices, "_run_command", local)
    assert len(fetch_recordings(tmp_path / "cache", [HERE])) == 3
    monkeypatch.setattr(debian_voices, "_run_command", lambda *_: pytest.fail("downloaded twice"))
    assert len(fetch_recordings(tmp_path / "cache", [HERE])) == 3


def test_a_download_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(debian_voices, "TIMEOUT_SECONDS", 0.1)
    with pytest.raises(PackageUnavailable, match=r"more than 0\.1 s"):
        debian_voices._run_command(["sleep", "5"], str(tmp_path), "small-voices")


def test_every_package_has_a_licence_and_a_kind():
    assert all(one.licence and one.max_files > 0 for one in PACKAGES)
    assert all(bool(one.language) == (one.kind == "speech") for one in PACKAGES)
    tongues = {one.language for one in PACKAGES if one.kind == "speech"}
    assert len(tongues) >= 8
