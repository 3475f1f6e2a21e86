"""The public names of packages, listed in their stubs and loaded on first use."""

import ast
import subprocess
import sys
from importlib import import_module

import pytest
from repository import ROOT

STUBS = sorted(ROOT.glob("[!.]*/**/__init__.pyi"))


def get_package(stub):
    return ".".join(stub.parent.relative_to(ROOT).parts)


@pytest.mark.parametrize("stub", STUBS, ids=get_package)
def test_every_public_name_is_that_of_its_module(stub):
    package, count = import_module(get_package(stub)), 0
    for node in ast.parse(stub.read_text()).body:
        module = import_module(f"{get_package(stub)}.{node.module}")
        for alias in node.names:
            assert alias.name in package.__all__
            assert getattr(package, alias.name) is getattr(module, alias.name)
            count += 1
    assert count == len(package.__all__) > 0


@pytest.mark.parametrize("package", ["encoders", "retrieval", "spaces"])
def test_importing_a_package_imports_nothing_large(package):
    code = f"import {package}, sys; sys.exit(bool({{'numpy', 'torch', 'av'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
    with pytest.raises(AttributeError, match="Nothing"):
        _ = import_module(package).Nothing
