import subprocess
import sys
from importlib import import_module

import pytest


@pytest.mark.parametrize("package", ["spaces", "spaces.joint", "spaces.alignment", "losses", "fusion",
                                     "retrieval.evaluation", "retrieval.training"])  # fmt: skip
def test_every_export_is_there(package):
    module = import_module(package)
    assert all(getattr(module, name) is not None for name in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
    with pytest.raises(AttributeError, match="nowhere"):
        _ = module.nowhere


@pytest.mark.parametrize("package", ["spaces", "spaces.joint", "retrieval.training"])
def test_importing_a_package_imports_no_torch(package):
    code = f"import {package}, sys; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
