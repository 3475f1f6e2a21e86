"""A library of toy rows beside its media."""

import pytest
from library_factory import gallery, index, painted


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Media with a name of many scripts, and its library of toy rows."""
    folder = tmp_path_factory.mktemp("shelf")
    media = gallery(folder / "media", photos=4)
    painted(media / "café 猫 \x1b\n\udcff.png", 7)
    index(folder / "lib", media)
    return media, folder / "lib"
