"""The benchmark of the server runs against a real one; how fast that is is not asked here."""

import json

import pytest
from click.testing import CliRunner
from library_factory import gallery, index

from experiments import bench
from experiments.benchmarks import serve_load
from experiments.benchmarks.serve_load import Timings


def test_timings_are_summarised():
    timings = Timings(seconds=[value / 1000 for value in range(1, 101)], errors=["503"])
    row = timings.summarise()
    assert (row["requests"], row["errors"]) == (100, 1)
    assert row["median, ms (least to most)"].value == pytest.approx(50.5)
    assert (row["p95, ms"], row["p99, ms"]) == (pytest.approx(95.05), pytest.approx(99.01))
    assert Timings().summarise() == {"requests": 0, "errors": 0}


@pytest.mark.slow
def test_many_clients_of_a_real_server(tmp_path, monkeypatch):
    index(tmp_path / "lib", gallery(tmp_path / "media", photos=3))
    monkeypatch.setattr(serve_load, "open_synthetic_library", lambda *_: tmp_path / "lib")
    done = CliRunner().invoke(
        bench.main, ["serve", "--clients", "8", "--seconds", "2", "--queries", "5", "--json"]
    )
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    alone, crowd = report["rows"]
    assert (alone["requests"], alone["errors"], crowd["errors"]) == (5, 0, 0)
    assert crowd["requests"] >= 8 and crowd["p95, ms"] >= crowd["median, ms (least to most)"]["low"]
    assert [bar["met"] for bar in report["bars"] if bar["what"] == "errors"] == [True]
