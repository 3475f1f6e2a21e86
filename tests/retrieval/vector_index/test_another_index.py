"""One more kind of index: a class and a row of the registry are all that the engine and its tools need."""

import json

import numpy as np
import pytest
from command_process import command_process
from library_factory import affect, gallery, index

from encoders.base import UnknownNameError
from retrieval.vector_index import get_index_kind, list_index_choices

# Rounds rows to int8 and keeps them in one file: an index of its own, with a file and an option of its own.
ROUNDED_INDEX = """
import numpy as np
from retrieval.vector_index.base import IndexKind, IndexOption
from retrieval.vector_index.exact import ExactIndex
from retrieval.vector_index.registry import INDEX_KINDS

class RoundedIndex(ExactIndex):
    @classmethod
    def build(cls, rows, path, options, seed):
        levels = options["levels"]
        with path.open("wb") as stream:
            np.save(stream, np.round(np.asarray(rows, np.float32) * levels) / levels)
        return cls.load(path, rows)

    @classmethod
    def load(cls, path, rows):
        with path.open("rb") as stream:
            return cls(np.load(stream).astype(np.float32))

levels = IndexOption(name="levels", default=100, minimum=2, maximum=127, help="Steps from 0 to 1.")
INDEX_KINDS["rounded"] = IndexKind(
    name="rounded", build=RoundedIndex.build, load=RoundedIndex.load, file_suffix=".i8", options=(levels,)
)
"""


@pytest.fixture
def run(tmp_path):
    """The command line in a process in which the kind of index is registered; (exit code, output, errors)."""
    with command_process(tmp_path, "rounded_index", ROUNDED_INDEX) as run_there:
        yield run_there


def test_a_new_kind_is_built_searched_verified_and_measured(tmp_path, run):
    lib, media = tmp_path / "lib", gallery(tmp_path / "media")
    index(lib, media)
    query = ("search", "--image", media / "photo1.png", "--library", lib, "--json")
    exact = json.loads(affect(*query).stdout)

    code, out, _ = run("rebuild", "--library", lib, "--index", "rounded", "--levels", "50", "--json")
    assert code == 0 and json.loads(out)["index"] == "rounded"
    assert 0.5 < json.loads(out)["recall"]["object.looks.image"] <= 1
    files = sorted(lib.glob("rounded/*/*.i8"))
    assert files
    code, out, _ = run(*query)
    found = json.loads(out)
    assert code == 0 and [hit["id"] for hit in found["results"]] == [hit["id"] for hit in exact["results"]]

    assert run("verify", "--library", lib)[0] == 0
    np.save(files[0].with_suffix(".i8.npy"), np.zeros(3))
    files[0].write_bytes(b"damaged")
    code, out, _ = run("verify", "--library", lib)
    assert code == 1 and files[0].name in out
    assert run("rebuild", "--library", lib)[0] == 0 and run("verify", "--library", lib)[0] == 0
    assert (
        json.loads(affect("rebuild", "--library", lib, "--index", "exact", "--json").stdout)["recall"] == {}
    )

    code, out, err = run(
        "index", "--sizes", "300", "--queries", "4", "--levels", "50", "--json", module="experiments.bench"
    )
    assert code == 0, err
    measured = json.loads(out)
    assert "rounded" in {row["way"] for row in measured["rows"]} and measured["settings"]["levels"] == 50


def test_an_unknown_kind_is_named(tmp_path):
    with pytest.raises(
        UnknownNameError, match=f"no index 'none'; known: {', '.join(sorted(list_index_choices()))}"
    ):
        get_index_kind("none")
