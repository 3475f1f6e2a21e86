"""The public names of `encoders`, loaded on first use."""

import subprocess
import sys

import pytest

import encoders
from encoders import base, registry


def test_every_public_name_is_that_of_its_module():
    for name in encoders.__all__:
        assert getattr(encoders, name) is getattr(registry if name == "ENCODERS" else base, name)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = encoders.Nothing


def test_importing_the_package_imports_nothing_large():
    code = "import encoders, sys; sys.exit(bool({'numpy', 'torch', 'av'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
