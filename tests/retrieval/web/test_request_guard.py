"""Who may ask: DNS rebinding, requests from other sites, tokens, and what may be sent."""

import pytest
from library_factory import painted
from starlette.datastructures import Headers
from web_client import fetch, open_client

from retrieval.web.request_guard import (
    CONTENT_SECURITY_POLICY,
    MAX_BODY_BYTES,
    AccessRules,
)

LOCAL_HOSTS = ("127.0.0.1:8765", "127.0.0.1", "localhost:8765", "LOCALHOST", "[::1]:8765", "127.8.8.8:1")
OTHER_HOSTS = (
    "evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil.example:8765", "",
    "10.0.0.1", "[2001:db8::1]:8765", "127.0.0.1:8765@evil.example", "evil.example#127.0.0.1",
    "127.0.0.1:port", "localhost/..", "0.0.0.0", "2130706433",
)  # fmt: skip
ELSEWHERE = (
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:3000"},
    {"origin": "http://localhost:8765"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
)
CHANGES = (
    ("POST", "/api/index"),
    ("DELETE", "/api/index"),
    ("POST", "/api/sample"),
    ("POST", "/api/uploads"),
)


@pytest.mark.parametrize("host", LOCAL_HOSTS)
def test_names_of_this_machine_are_answered(client, host):
    assert client.get("/api/unreadable", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_other_names_are_refused(client, host):
    """A name whose address an attacker has changed to this machine's is still the attacker's."""
    for path in ("/", "/api/library", "/static/index.html", "/openapi.json"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 403 and set(answer.json()) == {"error"}


def test_two_names_are_refused():
    rules = AccessRules()
    headers = Headers(raw=[(b"host", b"127.0.0.1"), (b"host", b"evil.example")])
    assert rules.find_refusal("GET", "/", headers)
    assert rules.find_refusal("GET", "/", Headers(raw=[]))


@pytest.mark.parametrize("headers", ELSEWHERE)
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/search?text=a"), ("GET", "/api/map"), *CHANGES])
def test_other_sites_are_refused(client, method, path, headers):
    assert client.request(method, path, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example", "content-type": "text/plain"}, {}])
def test_a_form_of_another_site_changes_nothing(client, headers):
    """Browsers send no Origin with some old forms; text/plain is no JSON either way."""
    answer = client.post("/api/index", content='{"paths": ["/"]}', headers=headers)
    assert answer.status_code in (400, 403)
    assert fetch(client, "/api/index")["job"] is None


def test_the_page_itself_and_links_to_it_are_answered(client):
    own = {"origin": "http://127.0.0.1:8765", "sec-fetch-site": "same-origin"}
    assert client.get("/api/map", headers=own).status_code == 200
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/?text=a+dog", headers=link).status_code == 200
    embedded = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert client.get("/", headers=embedded).status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/api/library", "/api/items/none", "/static/none", "/openapi.json", "/none"]
)
def test_every_answer_forbids_what_the_page_does_not_need(client, path):
    headers = client.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "'unsafe" not in CONTENT_SECURITY_POLICY and "http" not in CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers and "server" not in headers


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/static/../app.py", "/static/%2e%2e/app.py", "/..%2fapp.py"]
)
def test_nothing_else_is_served(client, path):
    assert client.get(path).status_code == 404


def test_more_than_may_be_sent_is_refused(client):
    answer = client.post("/api/index", content=b"x" * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413 and "MB" in answer.json()["error"]
    lied = client.post("/api/index", content=b"{}", headers={"content-length": "nine"})
    assert lied.status_code == 413


def test_more_than_may_be_sent_is_refused_without_a_length(client):
    chunks = (b"x" * 100_000 for _ in range(20))
    answer = client.post("/api/index", content=chunks, headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_a_token_is_asked_for_where_others_can_connect(shelf):
    rules = AccessRules(only_loopback=False, token="secret")
    with open_client(shelf[1], rules, follow_redirects=False) as client:
        for path in ("/", "/api/library", "/api/search?text=a", "/static/index.html", "/openapi.json"):
            assert client.get(path).status_code == 401, path
        assert client.get("/?token=wrong").status_code == 401
        assert client.get("/api/map?token=secret").status_code == 401
        assert client.get("/api/map", headers={"authorization": "Bearer secret"}).status_code == 200
        assert client.get("/api/map", headers={"authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/api/map", headers={"authorization": "Bearer sécret".encode()}).status_code == 401
        assert client.get("/api/map", headers={"host": "evil.example"}).status_code == 403
        assert client.get("/api/map", headers={"host": "192.168.1.7:8765"}).status_code == 401
        opened = client.get("/?text=a+dog&token=secret")
        assert (opened.status_code, opened.headers["location"]) == (303, "/?text=a+dog")
        assert "httponly" in opened.headers["set-cookie"].lower()
        assert client.get(opened.headers["location"]).status_code == 200  # with the cookie


def test_a_redirection_stays_on_the_page(shelf):
    with open_client(shelf[1], AccessRules(token="t"), follow_redirects=False) as client:
        answer = client.get("/?token=t&text=%0d%0aset-cookie:%20x")
        assert answer.headers["location"] == "/?text=%0D%0Aset-cookie%3A+x"


def test_refused_uploads_leave_nothing(client, tmp_path):
    file = painted(tmp_path / "a.png", 1)
    for headers in ELSEWHERE:
        answer = client.post("/api/uploads", files={"file": file.read_bytes()}, headers=headers)
        assert answer.status_code == 403
