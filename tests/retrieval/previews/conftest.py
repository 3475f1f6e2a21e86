"""The previews of a library of its own."""

import pytest

from retrieval.previews import PreviewStore


@pytest.fixture
def store(lib):
    opened = PreviewStore.open(lib)
    yield opened
    opened.close()
