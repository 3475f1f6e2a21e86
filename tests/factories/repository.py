"""Where the repository and the private labelled media are."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


def require_data(*names):
    """The folder of the private media; skips the test, and says why, where one of `names` is absent."""
    absent = [str(name) for name in names or ("README.md",) if not (DATA / name).exists()]
    if absent:
        pytest.skip(f"needs private data: no {', '.join(absent)} in ../shared/data")
    return DATA
