"""The command `affect serve` as a process: its address, what it binds, and its end."""

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from library_factory import affect, flicker, gallery, index, paths, wrong_with
from process_signals import all_end
from server_process import run_server_process

from retrieval.storage.locking import find_writer_pid
from retrieval.web.server import bind_listener, is_loopback, make_address


def fetch(address, path, **headers):
    with urllib.request.urlopen(
        urllib.request.Request(address + path, headers=headers), timeout=60
    ) as answer:
        return json.load(answer)


def end(process, number=signal.SIGINT):
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_with_one_line(shelf, number):
    with run_server_process("-l", shelf[1]) as (process, address):
        assert fetch(address.rstrip("/"), "/api/library")["files"] == 13
        events = urllib.request.urlopen(f"{address}api/index/events", timeout=60)
        assert events.readline() == b"event: progress\n"
        assert end(process, number) == (0, "", "affect: the page is closed\n")
        events.close()


def test_searches_that_wait_do_not_keep_it(shelf):
    with run_server_process("-l", shelf[1]) as (process, address):
        host, port = address.removeprefix("http://").rstrip("/").split(":")
        request = f"GET /api/search?text=a+dog&k=1000 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        clients = [socket.create_connection((host, int(port))) for _ in range(50)]
        for client in clients:
            client.sendall(request)
        assert end(process) == (0, "", "affect: the page is closed\n")
        for client in clients:
            client.close()


def test_what_is_asked_stays_out_of_the_terminal(shelf):
    with run_server_process("-l", shelf[1]) as (process, address):
        query = "api/search?mood=calm&then=excited"
        assert len(fetch(address, query)["warnings"]) == 1
        assert end(process) == (0, "", "affect: the page is closed\n")


def test_searches_and_ranges_over_the_network(shelf):
    with run_server_process("-l", shelf[1]) as (_, address):
        base = address.rstrip("/")
        item = fetch(base, "/api/items")["items"][0]
        assert fetch(base, f"/api/search?item={item['id']}")["results"]
        request = urllib.request.Request(
            f"{base}/api/items/{item['id']}/media", headers={"Range": "bytes=2-5"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 206 and answer.read() == Path(item["path"]).read_bytes()[2:6]
        with pytest.raises(urllib.error.HTTPError, match="403"):
            fetch(base, "/api/library", Host="evil.example")


def test_it_binds_this_machine_alone(shelf):
    with run_server_process("-l", shelf[1]) as (_, address):
        port = int(address.rstrip("/").rpartition(":")[2])
        others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for host in others - {"127.0.0.1", "127.0.1.1"}:
            with pytest.raises(OSError), socket.create_connection((host, port), timeout=5):
                pass


def test_other_addresses_take_a_token(shelf):
    with run_server_process("-l", shelf[1], "--host", "0.0.0.0") as (_, address):
        base, _, token = address.partition("/?token=")
        assert len(token) >= 32
        with pytest.raises(urllib.error.HTTPError, match="401"):
            fetch(base, "/api/library")
        assert fetch(base, "/api/library", Authorization=f"Bearer {token}")["files"] == 13


def test_telemetry_stays_off(shelf):
    """FastAPI reports requests to a collector that the environment names."""
    with socket.create_server(("127.0.0.1", 0)) as collector:
        collector.settimeout(1)
        endpoint = f"http://127.0.0.1:{collector.getsockname()[1]}"
        env = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "FASTAPI_OTEL_AUTO_CONFIGURE": "true"}
        with run_server_process("-l", shelf[1], env=env) as (process, address):
            assert fetch(address.rstrip("/"), "/api/library")["files"] == 13
            assert end(process)[0] == 0
        with pytest.raises(TimeoutError):
            collector.accept()


def test_an_address_in_use_is_one_line(shelf):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = affect("serve", "-l", shelf[1], "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "--port" in done.stderr


def test_what_is_no_library_is_one_line(tmp_path):
    (tmp_path / "catalog.sqlite").write_bytes(b"no database" * 1000)
    done = affect("serve", "-l", tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "damaged" in done.stderr


def start_long_run(address, folder):
    """Let a server index a folder that takes a while; the id of the process, once it writes."""
    folder.mkdir()
    for seed in range(40):
        flicker(folder / f"{seed}.gif", seed, frames=60)
    body = json.dumps({"paths": [str(folder)]}).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{address}api/index", body, headers), timeout=60).close()
    deadline = time.monotonic() + 120
    while not (pid := find_writer_pid(folder.parent / "lib") or "").isdigit():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(pid)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_ends_with_its_server(tmp_path, number):
    """Also where the server is killed, and can't tell it to end."""
    lib = tmp_path / "lib"
    index(lib, gallery(tmp_path / "media", photos=2))
    before = paths(lib)
    with run_server_process("-l", lib) as (process, address):
        pid = start_long_run(address, tmp_path / "many")
        process.send_signal(number)
        process.wait(timeout=120)
        assert all_end([pid])
    assert wrong_with(lib) == [] and before.items() <= paths(lib).items()
    assert len(paths(lib)) < len(before) + 40  # it had not ended by itself
    with run_server_process("-l", lib) as (_, address):
        assert fetch(address.rstrip("/"), "/api/index")["writer"] is None


@pytest.mark.slow
def test_a_run_that_hangs_is_killed_with_its_server(tmp_path):
    index(tmp_path / "lib", gallery(tmp_path / "media", photos=2))
    with run_server_process("-l", tmp_path / "lib") as (process, address):
        pid = start_long_run(address, tmp_path / "many")
        os.kill(pid, signal.SIGSTOP)
        assert end(process) == (0, "", "affect: the page is closed\n")
        assert all_end([pid])
    assert wrong_with(tmp_path / "lib") == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("192.168.0.2", False), ("example.org", False)],
)  # fmt: skip
def test_only_this_machine_reaches_loopback(host, expected):
    assert is_loopback(host) == expected


def test_a_file_is_no_library(shelf):
    file = next(path for path in shelf[0].iterdir() if path.is_file())
    done = affect("serve", "-l", file, "--port", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"affect: {file}: is a file; a library is a folder\n"


def test_the_page_is_there_while_milvus_is_not():
    pytest.importorskip("pymilvus")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # nobody else can take the port, and nobody listens
        library = f"milvus://127.0.0.1:{deaf.getsockname()[1]}/x?patience=3600"
        with run_server_process("-l", library) as (process, address):
            state = fetch(address.rstrip("/"), "/api/library")
            assert state["state"] == "unavailable" and "does not answer" in state["notice"]
            assert end(process)[0] == 0


def test_addresses_are_for_people_to_open():
    assert make_address("127.0.0.1", 8765, None) == "http://127.0.0.1:8765/"
    assert make_address("0.0.0.0", 80, "abc") == "http://127.0.0.1:80/?token=abc"
    assert make_address("::1", 80, "a b+c&d") == "http://[::1]:80/?token=a+b%2Bc%26d"
    assert make_address("::1", 8765, None) == "http://[::1]:8765/"


def test_answers_are_sent_at_once():
    """asyncio sets TCP_NODELAY only on sockets whose protocol is named; without it they wait 40 ms."""
    with bind_listener("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
