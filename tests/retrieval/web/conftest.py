"""A client of the server of a library that no test changes."""

import pytest
from web_client import open_client, wait_until_ready


@pytest.fixture(scope="session")
def client(shelf):
    """A client of the shelf's server, which is ready."""
    with open_client(shelf[1]) as client:
        assert wait_until_ready(client)["state"] == "ready"
        yield client
