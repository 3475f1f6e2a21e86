"""Exports of a package that are imported on first use, so that importing the package is quick."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def load_export(package: str, modules: Mapping[str, str], name: str) -> Any:
    """The object `name` of the submodule that `modules` names, for a package's `__getattr__`.

    Raises AttributeError for a name that is not in `modules`.
    """
    if name not in modules:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(import_module(f"{package}.{modules[name]}"), name)
