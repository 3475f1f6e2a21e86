"""Libraries of toy encoders, one to read and one of each test that changes it, and a Milvus server."""

import pytest
from library_factory import broken, flicker, gallery, index
from milvus_server import MilvusServer, load_package


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A folder of media, some of it broken, and its library, which no test changes."""
    folder = tmp_path_factory.mktemp("shelf")
    media = gallery(folder / "media", photos=8)
    flicker(media / "second.gif", 5)
    broken(media)
    index(folder / "lib", media)
    return media, folder / "lib"


@pytest.fixture
def media(tmp_path):
    """Three photos, two videos and two sounds, of this test alone."""
    return gallery(tmp_path / "media", photos=3)


@pytest.fixture
def lib(media, tmp_path):
    """The library of them."""
    index(tmp_path / "lib", media)
    return tmp_path / "lib"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Milvus server of a module of tests."""
    load_package()  # skips before a folder is made
    server = MilvusServer(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.kill()
