"""A client of the server's application, in this process."""

import time
from contextlib import contextmanager

from starlette.testclient import TestClient

from retrieval.web import Services, make_app
from retrieval.web.request_guard import AccessRules

ADDRESS = "http://127.0.0.1:8765"


@contextmanager
def open_client(library, rules=None, **options):
    """A client of a library's server; exceptions of the server are answers, as over the network."""
    app = make_app(Services(location=library), rules or AccessRules())
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False, **options) as client:
        yield client


def fetch(client, path, **parameters):
    """The JSON of a successful answer."""
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def wait_until_ready(client, seconds=120):
    """The library's state, once it is no longer loading."""
    deadline = time.monotonic() + seconds
    while (state := fetch(client, "/api/library"))["state"] == "loading":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return state


def wait_for_job(client, seconds=200):
    """The state of the last command, once it has ended."""
    deadline = time.monotonic() + seconds
    while (state := fetch(client, "/api/index"))["running"]:
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    return state
