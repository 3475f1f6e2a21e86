"""Tests of decoding start their own decoder processes."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def warm_decoders():
    """Nothing is shared where the pool itself is tested."""
