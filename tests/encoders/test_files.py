"""A cache that can't be used, or is damaged, costs no command."""

import os
import subprocess
import sys

import numpy as np
import pytest
from library_factory import ROOT

from encoders import files


def unusable(kind, folder):
    """An environment whose cache can't be written, for one who is not root."""
    folder.chmod(0o777)
    (folder / "file").touch()
    (folder / "locked").mkdir(mode=0o555)
    return {
        "file": {"AFFECT_CACHE": str(folder / "file")},
        "locked": {"AFFECT_CACHE": str(folder / "locked")},
        "below": {"AFFECT_CACHE": str(folder / "locked" / "below")},
        "home": {"HOME": str(folder / "locked")},
        "no home": {"HOME": str(folder / "gone" / "nobody")},
        "full": {"AFFECT_CACHE": "/dev/full/cache"},
    }[kind]


DIGEST = """
import logging, sys
from pathlib import Path
from encoders.files import compute_sha256
logging.basicConfig(format="affect: %(message)s")
print(compute_sha256(Path(sys.argv[1])), compute_sha256(Path(sys.argv[1]), Path(sys.argv[1])))
"""


@pytest.mark.parametrize("kind", ["file", "locked", "below", "home", "no home", "full"])
def test_without_a_cache_there_is_one_warning_and_the_same_digests(tmp_path, bound, kind):
    (tmp_path / "some").write_text("words")
    env = {"PATH": os.environ["PATH"], **unusable(kind, tmp_path)}
    if kind == "no home":
        (tmp_path / "gone").mkdir(mode=0o555)
    command = [*bound, sys.executable, "-c", DIGEST, tmp_path / "some"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    usual = subprocess.run(
        [sys.executable, "-c", DIGEST, tmp_path / "some"],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"AFFECT_CACHE": str(tmp_path / "good")},
    )  # fmt: skip
    assert usual.stdout and not usual.stderr and done.stdout == usual.stdout
    assert done.stderr.count("\n") == 1 and "set AFFECT_CACHE to a folder" in done.stderr


def test_a_user_without_a_home_or_an_entry_has_no_cache(tmp_path):
    (tmp_path / "some").write_text("words")
    if os.geteuid() != 0:
        pytest.skip("only root can become a user who has no entry")
    code = f"import os; os.setreuid(54321, 0)\n{DIGEST}"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, tmp_path / "some"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "no home folder" in done.stderr, done
    assert [path.name for path in tmp_path.iterdir()] == ["some"]


@pytest.mark.parametrize("damage", [b"", b"\0", "cut", "zeros", "flip"])
def test_what_is_damaged_in_the_cache_counts_as_absent(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("AFFECT_CACHE", str(tmp_path))
    content = np.random.default_rng(1).bytes(5000)
    file = tmp_path / "deep" / "note"
    files.write_cached(file, content)
    assert files.read_cached(file) == content
    whole = file.read_bytes()
    worse = {"cut": whole[:-1], "zeros": bytes(len(whole)), "flip": b"\x00" + whole[1:]}
    file.write_bytes(worse.get(damage, damage) if isinstance(damage, str) else damage)
    assert files.read_cached(file) is None
