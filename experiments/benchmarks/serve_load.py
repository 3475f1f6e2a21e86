"""`affect serve` under load: first results of a warm server, and many clients at once, over the loopback."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import click
import numpy as np

from encoders import AffectError
from experiments.benchmarks.synthetic_library import open_synthetic_library
from experiments.statistics.report import (
    BenchmarkReport,
    Requirement,
    add_seed_option,
    json_option,
    print_report,
)
from retrieval.evaluation import Estimate
from retrieval.search.calibration import BACKGROUND_SENTENCES

MAX_FIRST_MS = 100.0  # median of a search by words with nothing else to do
START_SECONDS = 120.0  # until the server has opened the library
REQUEST_SECONDS = 60.0  # after which a request counts as an error
WARM_UP_QUERIES = 5
OK = 200
MILLI = 1e-3


@dataclass(kw_only=True)
class Timings:
    """Seconds of successful requests, and what went wrong with the others."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def summarise(self) -> dict[str, Estimate | float]:
        """A row: median with least and most, 95th and 99th percentile in ms, and the number of errors."""
        row: dict[str, Estimate | float] = {"requests": len(self.seconds), "errors": len(self.errors)}
        if self.seconds:
            ms = np.array(self.seconds) / MILLI
            row["median, ms (least to most)"] = Estimate(
                float(np.median(ms)), float(ms.min()), float(ms.max())
            )
            row |= {f"p{q}, ms": float(np.percentile(ms, q)) for q in (95, 99)}
        return row


@click.command("serve", short_help="Latency of the page's server, alone and with many clients.")
@click.option("--items", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--clients", type=click.IntRange(1), default=200, show_default=True)
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=60.0, show_default=True)
@click.option("--queries", type=click.IntRange(1), default=100, show_default=True, help="One after another.")
@add_seed_option
@json_option
def command(items: int, clients: int, seconds: float, queries: int, seed: int, as_json: bool) -> None:
    """Search a library of synthetic items through a server in a process of its own.

    First one client asks alone. Then all ask at once, each again as soon as it is answered, which is more
    than people do: so the time is that of the queue, and the rate is what the server can do.
    """
    library = open_synthetic_library(items, seed, "auto")
    with run_server_process(library) as address:
        alone = time_single_client(address, queries)
        crowd, elapsed = time_many_clients(address, clients, seconds)
    print_report(make_report(items, clients, alone, crowd, elapsed), as_json=as_json)


def make_report(
    item_count: int, client_count: int, alone: Timings, crowd: Timings, elapsed: float
) -> BenchmarkReport:
    """The report of one client alone, and of many for `elapsed` seconds."""
    rate = len(crowd.seconds) / elapsed
    return BenchmarkReport(
        benchmark="serve",
        settings={"items": item_count, "clients": client_count, "seconds": round(elapsed, 1)},
        rows=[
            {"clients": "1", **alone.summarise()},
            {"clients": f"{client_count}", **crowd.summarise(), "searches a second": rate},
        ],
        requirements=[
            Requirement(
                "first results of a warm server, ms (median)",
                float(np.median(alone.seconds)) / MILLI if alone.seconds else float("inf"),
                MAX_FIRST_MS,
                is_minimum=False,
            ),
            Requirement("errors", len(alone.errors) + len(crowd.errors), 0, is_minimum=False),
        ],
        notes=[*sorted(set(alone.errors + crowd.errors))[:5], "clients and server share the machine"],
    )


@contextmanager
def run_server_process(library: Path) -> Iterator[str]:
    """The address of a server of the library that is ready. Raises AffectError if it does not start."""
    command = [sys.executable, "-m", "retrieval", "serve", "--library", str(library), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            match = re.search(r"http://\S+", process.stdout.readline())
            if match is None:
                raise AffectError("the server did not start; what it said is above")
            wait_until_ready(match[0])
            yield match[0]
        finally:
            process.terminate()


def wait_until_ready(address: str) -> None:
    """Return once the library is open. Raises AffectError if that takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        status, body = get(connect(address), "/api/library")
        if status == OK and json.loads(body)["state"] == "ready":
            return
        time.sleep(0.1)
    raise AffectError(f"the server was not ready within {START_SECONDS:.0f} s")


def time_single_client(address: str, query_count: int) -> Timings:
    """Searches one after the other, each of other words; the first few are not counted."""
    timings, connection = Timings(), connect(address)
    for number in range(-WARM_UP_QUERIES, query_count):
        counted = timings if number >= 0 else Timings()
        time_request(connection, make_search_path(number), counted)
    return timings


def time_many_clients(address: str, client_count: int, seconds: float) -> tuple[Timings, float]:
    """Searches of clients that ask without a pause for a time; also the seconds until all were answered."""
    timings = [Timings() for _ in range(client_count)]
    start = time.perf_counter()
    deadline = start + seconds

    def run_client(number: int) -> None:
        connection, query_number = connect(address), number * len(BACKGROUND_SENTENCES) // client_count
        while time.perf_counter() < deadline:
            time_request(connection, make_search_path(query_number), timings[number])
            query_number += 1

    threads = [threading.Thread(target=run_client, args=(number,)) for number in range(client_count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = Timings(
        seconds=[value for part in timings for value in part.seconds],
        errors=[error for part in timings for error in part.errors],
    )
    return whole, time.perf_counter() - start


def make_search_path(number: int, sentences: Sequence[str] = BACKGROUND_SENTENCES) -> str:
    """A search by the words of one of the sentences, in turns."""
    return f"/api/search?{urlencode({'text': sentences[number % len(sentences)]})}"


def connect(address: str) -> HTTPConnection:
    """A connection that is kept open between requests."""
    return HTTPConnection(urlsplit(address).netloc, timeout=REQUEST_SECONDS)


def get(connection: HTTPConnection, path: str) -> tuple[int, bytes]:
    """Status and body of an answer."""
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def time_request(connection: HTTPConnection, path: str, timings: Timings) -> None:
    """Add the seconds of a request, or what went wrong."""
    start = time.perf_counter()
    try:
        status, body = get(connection, path)
    except (OSError, HTTPException) as error:
        connection.close()
        timings.errors.append(repr(error))
        return
    if status == OK:
        timings.seconds.append(time.perf_counter() - start)
    else:
        timings.errors.append(f"{status} {body[:200].decode('utf-8', 'replace')}")
