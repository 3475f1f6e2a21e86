import os
import shutil
import subprocess

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:  # a thread each: those of several workers would wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from repository import require_data
from warm_decoders import keep_decoders_warm

import encoders  # noqa: F401 (first of all: it forbids telemetry)

settings.register_profile("no deadline", deadline=None)  # which a loaded machine would miss
settings.load_profile("no deadline")


@pytest.fixture
def bound():
    """What makes permissions bind, which for root takes giving up the right to pass them over."""
    if os.geteuid() != 0:
        return ()
    without = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    if not shutil.which("setpriv") or subprocess.run([*without, "true"], check=False).returncode:
        pytest.skip("permissions do not bind root, and setpriv is not here")
    return without


@pytest.fixture(scope="module", autouse=True)
def warm_decoders():
    """Tests that index and search share their decoder processes."""
    with keep_decoders_warm():
        yield


def pytest_runtest_setup(item):
    """Tests marked `data`, or `data("folder", ...)`, are skipped where the private media are absent."""
    for mark in item.iter_markers("data"):
        require_data(*mark.args)
