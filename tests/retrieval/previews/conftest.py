"""A folder of media, and the library of it."""

import pytest
from library_factory import gallery, index

from retrieval.previews import PreviewStore


@pytest.fixture
def media(tmp_path):
    return gallery(tmp_path / "media", photos=3)


@pytest.fixture
def lib(tmp_path, media):
    index(tmp_path / "lib", media)
    return tmp_path / "lib"


@pytest.fixture
def store(lib):
    opened = PreviewStore.open(lib)
    yield opened
    opened.close()
