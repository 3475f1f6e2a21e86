"""A wheel carries every file that the code reads at run time, and works outside the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT
from setuptools import Distribution
from setuptools.command.build_py import build_py

PACKAGES = ("encoders", "spaces", "fusion", "losses", "retrieval", "experiments")
DATA_ENDINGS = {".safetensors", ".json", ".html", ".md", ".pyi", ".js", ".css", ".svg"}
DATA_FILES = sorted(
    str(path.relative_to(ROOT))
    for package in PACKAGES
    for path in (ROOT / package).rglob("*")
    if (path.suffix in DATA_ENDINGS or path.name == "py.typed") and path.name != "README.md"
)
"""Weights and their cards, tables, pages, and stubs of public names."""


@pytest.fixture(scope="module")
def carried():
    """Paths below the repository of all data files that a wheel would hold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        distribution = Distribution()
        distribution.parse_config_files([str(ROOT / "setup.cfg")])
        command = build_py(distribution)
        command.ensure_finalized()
        return {str(Path(source) / name) for _, source, _, names in command.data_files for name in names}


def test_there_are_weights_and_pages():
    assert {
        "encoders/weights/expression.safetensors",
        "encoders/weights/imagenet-labels.json",
        "encoders/weights/logmel-background.safetensors",
        "encoders/weights/minilm-affect.safetensors",
        "retrieval/report/page.html",
        "retrieval/report/plane.html",
        "retrieval/web/static/index.html",
        "retrieval/web/static/main.js",
        "retrieval/web/static/styles.css",
        "retrieval/search/calibration.json",
        "spaces/weights/activity.safetensors",
        "spaces/weights/affect-events.json",
        "spaces/weights/affect-image.safetensors",
        "spaces/weights/affect-sound.safetensors",
        "spaces/weights/affect-text.safetensors",
        "spaces/weights/audio.safetensors",
        "spaces/weights/object.safetensors",
    } <= set(DATA_FILES)


@pytest.mark.parametrize("file", DATA_FILES)
def test_a_wheel_carries(carried, file):
    assert file in carried


@pytest.mark.slow
def test_a_wheel_works_outside_the_repository(tmp_path):
    """The main steps of `affect demo`: sample media, index, searches, page and map."""
    source, site, work = tmp_path / "source", tmp_path / "site", tmp_path / "work"
    work.mkdir()
    source.mkdir()  # a copy, as a build leaves files beside its source
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, source], check=True
    )
    (wheel,) = tmp_path.glob("affect_fusion-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    outside = {**os.environ, "PYTHONPATH": str(site)}

    def run(*words):
        done = subprocess.run(
            [sys.executable, *words], cwd=work, env=outside, capture_output=True, text=True, timeout=250
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert str(site) in run("-c", "import retrieval; print(retrieval.__file__)")
    demo = run("-m", "retrieval", "demo")
    assert "a cup of coffee" in demo and "skimage-coffee.png" in demo
    assert (work / "demo-library" / "demo.html").exists() and (work / "demo-library" / "map.png").exists()
    assert "all is well" in run("-m", "retrieval", "verify", "--library", "demo-library/library")
