"""What a wheel would carry: every file that the code reads at run time."""

from pathlib import Path

import pytest
from repository import ROOT
from setuptools import Distribution
from setuptools.command.build_py import build_py


@pytest.fixture
def carried(monkeypatch):
    monkeypatch.chdir(ROOT)
    distribution = Distribution()
    distribution.parse_config_files([str(ROOT / "setup.cfg")])
    command = build_py(distribution)
    command.ensure_finalized()
    return {str(Path(folder) / name) for _, folder, _, names in command.data_files for name in names}


@pytest.mark.parametrize(
    "file",
    [
        "encoders/weights/imagenet-labels.json",
        "encoders/weights/logmel-background.safetensors",
        "encoders/weights/logmel-background.md",
        "retrieval/calibration.json",
        "retrieval/page.html",
        "encoders/py.typed",
        "spaces/weights/object.safetensors",
        "spaces/weights/object.md",
        "spaces/weights/activity.safetensors",
        "spaces/weights/audio.safetensors",
    ],
)
def test_a_wheel_carries(carried, file):
    """`carried` holds names relative to the package's folder."""
    package, _, inside = file.partition("/")
    assert (ROOT / file).exists()
    assert any(name in (file, inside) or name.endswith(inside) for name in carried), (package, carried)
