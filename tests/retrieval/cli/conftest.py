"""A folder of media, some of it broken, and its library."""

import pytest
from library_factory import broken, flicker, gallery, index


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A folder of media, some of it broken, and its library."""
    folder = tmp_path_factory.mktemp("shelf")
    media = gallery(folder / "media", photos=8)
    flicker(media / "second.gif", 5)
    broken(media)
    index(folder / "lib", media)
    return media, folder / "lib"
