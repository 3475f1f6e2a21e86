"""A folder of media, and where its library goes."""

import pytest
from library_factory import gallery


@pytest.fixture
def media(tmp_path):
    return gallery(tmp_path / "media")


@pytest.fixture
def lib(tmp_path):
    return tmp_path / "lib"
