"""A library of toy encoders, and a client of its server."""

import pytest
from library_factory import broken, flicker, gallery, index
from web_client import open_client, wait_until_ready


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A folder of media, some of it broken, and its library."""
    folder = tmp_path_factory.mktemp("web")
    media = gallery(folder / "media", photos=8)
    flicker(media / "second.gif", 5)
    broken(media)
    index(folder / "lib", media)
    return media, folder / "lib"


@pytest.fixture(scope="session")
def client(shelf):
    """A client of the shelf's server, which is ready."""
    with open_client(shelf[1]) as client:
        assert wait_until_ready(client)["state"] == "ready"
        yield client
