"""The server is killed in the middle: nothing that was acknowledged is lost, and what was asked goes on."""

import threading
import time
from contextlib import closing

import numpy as np
import pytest
from command_output import bad
from library_factory import TOYS, encoded, random_rows

from retrieval.cluster import MilvusLibrary, MilvusUrl, find_problems
from retrieval.search.engine import Engine
from retrieval.search.query import Query

pytestmark = [pytest.mark.slow, pytest.mark.milvus, pytest.mark.timeout(600)]
BATCH, BATCHES = 40, 12


def items(first, count=BATCH):
    """Photos with rows of their own; the same for the same numbers."""
    return [encoded(f"{n:x}", objects=random_rows(1, n)) for n in range(first, first + count)]


def make(server, name):
    return MilvusLibrary.create(MilvusUrl.parse(server.url(name)), TOYS, 15.0)


def kill_later(server, seconds, is_down, has_begun):
    """Kill the server some seconds after the beginning and start it again after some more."""

    def run():
        has_begun.wait()
        time.sleep(seconds)
        server.kill()
        is_down.set()
        time.sleep(1)
        server.start()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_server_killed_in_the_middle_of_inserts_loses_nothing(server):
    with closing(make(server, "inserts")) as library:
        library.commit(items(0))
        is_down, has_begun, acknowledged = threading.Event(), threading.Event(), []
        thread = kill_later(server, 0.5, is_down, has_begun)
        for number in range(1, BATCHES):
            library.commit(items(number * BATCH))
            acknowledged.append((number, is_down.is_set()))
            has_begun.set()
            time.sleep(0 if is_down.is_set() else 0.1)
            if number == BATCHES // 2:
                assert is_down.wait(60)
        thread.join()
        assert not acknowledged[0][1] and acknowledged[-1][1]  # some before the kill, some after
    with closing(MilvusLibrary.open(library.url)) as again:
        assert again.catalog.count_items_by_modality() == {"image": BATCH * BATCHES}
        assert again.catalog.count_files_and_items() == (BATCH * BATCHES, BATCH * BATCHES)
        assert again.count_rows()["objects"] == BATCH * BATCHES and find_problems(again) == []
        again.commit(items(BATCH * 3))  # a second time: nothing new
        assert again.count_rows()["objects"] == again.catalog.count_segments() == BATCH * BATCHES
        with Engine(again) as engine:
            for n in (0, BATCH + 3, BATCH * BATCHES - 1):
                item = engine.snapshot.find_item(f"{n:x}".rjust(16, "0"))
                stored = engine.snapshot.load_features("objects", engine.snapshot.list_segments(item))
                np.testing.assert_array_equal(stored, random_rows(1, n).astype(np.float16))


def test_a_server_killed_in_the_middle_of_queries_answers_again(server):
    with closing(make(server, "queries")) as library:
        library.commit(items(0, 200))
        queries = [Query(item=f"{n:x}".rjust(16, "0"), k=10) for n in range(10)]
        with Engine(library) as engine:
            expected = [engine.search(query) for query in queries]
            is_down, has_begun, answered_after = threading.Event(), threading.Event(), 0
            thread = kill_later(server, 0.3, is_down, has_begun)
            has_begun.set()
            while not answered_after or thread.is_alive():
                engine._load_snapshot()  # forgets what it has read
                was_down = is_down.is_set()
                found = [engine.search(query) for query in queries]
                assert [[hit.id for hit in hits] for hits in found] == [
                    [hit.id for hit in hits] for hits in expected
                ]
                answered_after += was_down
            thread.join()


def test_a_server_that_stays_away_is_one_line(server):
    with closing(make(server, "away")) as library:
        library.commit(items(0, 5))
        server.kill()
        try:
            message = bad("search", "--item", "0" * 16, "--library", server.url("away", patience=1))
            assert message.count("\n") == 1 and "does not answer" in message and "same command" in message
        finally:
            server.start()
        library.commit(items(5, 5))
        assert library.catalog.count_items_by_modality() == {"image": 10}
