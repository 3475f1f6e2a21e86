"""Encoding in a local Ray cluster gives the rows of encoding without it, whatever happens to workers."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress

import numpy as np
import psutil
import pytest
from command_output import bad, ok
from library_factory import ENCODERS, broken, gallery, index
from repository import ROOT

from retrieval.previews import PreviewStore
from retrieval.storage.integrity import find_problems
from retrieval.storage.library import Library
from retrieval.storage.snapshot_loading import load_snapshot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed (pip install 'affect-fusion[ray]')"
)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    media = gallery(tmp_path_factory.mktemp("media") / "media", photos=40)
    broken(media)
    return media


@pytest.fixture(scope="module")
def expected(media, tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected") / "lib"
    index(folder, media)
    return read_library(folder)


def read_library(folder):
    """Path, spans and raw rows of each item by id, and the files that can't be read."""
    with closing(Library.open(folder)) as library:
        assert find_problems(library) == []
        snapshot, content = load_snapshot(library), {}
        for item in library.catalog.list_items():
            segments = snapshot.list_segments(snapshot.resolve_item(item.id))
            rows = {role: library.vectors.load(role, segments) for role in library.pipeline.media_roles}
            content[item.id] = item.path, snapshot.select_spans(segments), rows
        return content, library.catalog.list_unreadable()


def assert_same(found, expected):
    assert found[1] == expected[1] and found[0].keys() == expected[0].keys()
    for item, (path, spans, rows) in expected[0].items():
        assert found[0][item][0] == path
        np.testing.assert_array_equal(found[0][item][1], spans)
        for role in rows:
            np.testing.assert_allclose(found[0][item][2][role], rows[role], rtol=2e-3, atol=1e-5)


def list_workers(command):
    """The actors that the Ray cluster of a process runs now."""
    processes = psutil.Process(command).children(recursive=True)
    return [process for process in processes if is_worker(process)]


def is_worker(process):
    try:
        return any("MapWorker" in word or "ExpertActor" in word for word in process.cmdline())
    except psutil.Error:
        return False


def start_command(folder, media):
    words = ["index", media, "--library", folder, "--encoders", ENCODERS, "--ray", "local"]
    return subprocess.Popen(
        [sys.executable, "-m", "retrieval", *map(os.fspath, words)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@needs_ray
def test_a_killed_worker_loses_and_doubles_nothing(media, expected, tmp_path):
    with start_command(tmp_path / "lib", media) as command:
        killed = []

        def kill_a_worker():
            while command.poll() is None and not killed:
                with suppress(psutil.Error):  # it has ended since
                    for worker in list_workers(command.pid)[:1]:
                        worker.kill()
                        killed.append(worker.pid)
                time.sleep(0.05)

        thread = threading.Thread(target=kill_a_worker)
        thread.start()
        output, errors = command.communicate(timeout=300)
        thread.join()
    assert command.returncode == 0, errors
    assert killed and "indexed" in output
    assert "got previews" not in output  # the actors made them
    with closing(PreviewStore.open(tmp_path / "lib")) as store:
        assert store.list_missing(expected[0]) == [] and store.count()["images"] == 42
    assert_same(read_library(tmp_path / "lib"), expected)


@needs_ray
def test_stopped_by_ctrl_c_and_run_again(media, expected, tmp_path):
    with start_command(tmp_path / "lib", media) as command:
        while not list_workers(command.pid) and command.poll() is None:
            time.sleep(0.05)
        command.send_signal(signal.SIGINT)
        errors = command.communicate(timeout=120)[1]
        assert command.returncode in (0, 130) and "Traceback" not in errors, errors
    ok("index", media, "--library", tmp_path / "lib", "--json")
    assert_same(read_library(tmp_path / "lib"), expected)


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:port", "nowhere.invalid:6379"])
def test_no_cluster_is_one_line(address, media, tmp_path):
    message = bad("index", media, "--library", tmp_path / "lib", "--encoders", ENCODERS, "--ray", address)
    assert "no Ray cluster answers" in message and "Traceback" not in message
