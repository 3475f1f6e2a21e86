"""The turn of searches: one after the other, and none for a client that has gone."""

import asyncio
import threading
from contextlib import contextmanager

import pytest
from library_factory import new_library

from retrieval.web.errors import ClientGoneError, UnavailableError
from retrieval.web.library_thread import LibraryThread
from retrieval.web.services import answer_if_connected


class Client:
    """A request as the server sees it: it goes on until the client hangs up."""

    def __init__(self):
        self.has_gone = asyncio.Event()

    async def receive(self):
        await self.has_gone.wait()
        return {"type": "http.disconnect"}


@pytest.fixture
def location(tmp_path):
    new_library(tmp_path / "lib").close()
    return tmp_path / "lib"


@contextmanager
def open_list():
    yield []


def test_a_search_whose_client_has_gone_is_not_done(location):
    """As one types, the page gives up a search for the next one: those must not queue."""
    may_end, done = threading.Event(), []

    async def run():
        thread = LibraryThread(location, open_list)
        first, gone, last = Client(), Client(), Client()
        tasks = [
            asyncio.create_task(answer_if_connected(first, thread.run(lambda _: may_end.wait(30)))),
            asyncio.create_task(answer_if_connected(gone, thread.run(lambda _: done.append("gone")))),
            asyncio.create_task(answer_if_connected(last, thread.run(lambda _: done.append("last")))),
        ]
        await asyncio.sleep(0.05)
        gone.has_gone.set()
        with pytest.raises(ClientGoneError):
            await tasks[1]
        may_end.set()
        await asyncio.gather(tasks[0], tasks[2])
        await thread.close()

    asyncio.run(run())
    assert done == ["last"]


def test_tasks_are_done_in_turn_on_one_thread(location):
    async def run():
        thread = LibraryThread(location, open_list)
        idents = await asyncio.gather(*(thread.run(lambda _: threading.get_ident()) for _ in range(20)))
        orders = await asyncio.gather(
            *(thread.run(lambda seen, n=n: seen.append(n) or [*seen]) for n in range(5))
        )
        await thread.close()
        return idents, orders

    idents, orders = asyncio.run(run())
    assert len(set(idents)) == 1 and threading.get_ident() not in idents
    assert orders[-1] == [0, 1, 2, 3, 4]


def test_an_error_of_a_task_is_that_of_its_request_alone(location):
    async def run():
        thread = LibraryThread(location, open_list)
        with pytest.raises(ZeroDivisionError):
            await thread.run(lambda _: 1 // 0)
        assert await thread.run(lambda _: "next") == "next"
        await thread.close()
        with pytest.raises((UnavailableError, RuntimeError)):
            await thread.run(lambda _: None)

    asyncio.run(run())


def test_a_session_is_closed_with_the_thread(location):
    closed = []

    @contextmanager
    def open_noted():
        yield
        closed.append(threading.get_ident())

    async def run():
        thread = LibraryThread(location, open_noted)
        ident = await thread.run(lambda _: threading.get_ident())
        await thread.close()
        return ident

    assert [asyncio.run(run())] == closed
