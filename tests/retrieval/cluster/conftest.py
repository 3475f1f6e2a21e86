"""A Milvus server for a module of tests."""

import pytest
from milvus_server import MilvusServer, load_package


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    load_package()  # skips before a folder is made
    server = MilvusServer(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.kill()
