"""A small library."""

from contextlib import closing

import pytest
from library_factory import encoded, new_library, random_rows


@pytest.fixture
def lib(tmp_path):
    """A library of three items: two photos and a video of four segments with sound."""
    with closing(new_library(tmp_path / "lib")) as library, library.lock_for_writing():
        library.commit([encoded("aa", random_rows(1, 1)), encoded("bb", random_rows(1, 2))])
        library.commit([encoded("cc", random_rows(4, 3), random_rows(4, 4), modality="video")])
    return tmp_path / "lib"
