"""Heads trained on a library's own captions: taken where they help, used at once, and undone."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from captioned_library import COUNT, list_own_heads, make_captioned_library, train_and_install
from library_factory import DIM, affect, content, encoded

from encoders.base import AffectError
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.custom_heads import HEADS_FOLDER
from retrieval.storage.library import Library
from retrieval.training.captions_csv import CaptionedFile
from retrieval.training.data_requirements import MIN_ITEMS
from retrieval.training.train_heads import make_default_config, restore_packaged_heads

pytestmark = pytest.mark.usefixtures("quick_training")


def search_paths(folder, words):
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        return [hit.path for hit in engine.search(Query(text=words, k=10))]


def test_what_is_learnt_is_taken_used_and_can_be_taken_back(tmp_path):
    folder = tmp_path / "lib"
    told = make_captioned_library(folder)
    before = content(folder)
    assert search_paths(folder, told[0].captions[0]) == []  # toy encoders have no words for pictures
    outcomes = train_and_install(folder, told)
    assert outcomes["object"].is_used and outcomes["object"].gain_interval[0] > 0
    assert outcomes["object"].trained_map > outcomes["object"].baseline_map
    assert outcomes["activity"].reason and outcomes["audio"].reason and not outcomes["audio"].is_used
    wanted = {str(one.path) for one in told if one.captions[0].split()[:2] == told[0].captions[0].split()[:2]}
    top = search_paths(folder, " ".join(told[0].captions[0].split()[:2]))
    assert len(top) == 10 and set(top[: len(wanted)]) & wanted
    name = Path(list_own_heads(folder)["object"])
    files = sorted(file.name for file in (folder / HEADS_FOLDER).iterdir())
    assert files == [name.with_suffix(".md").name, name.name]
    card = " ".join((folder / HEADS_FOLDER / files[0]).read_text().split())
    assert "Made by `affect train` (seed 0)." in card and "SHA-256 0f1e" in card and "numpy" in card
    assert f"{outcomes['object'].trained_map} % with them" in card and "affect index FOLDER" in card
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        restore_packaged_heads(library)
    assert content(folder) == before and not list((folder / HEADS_FOLDER).iterdir())


def test_learning_twice_gives_the_same_heads(tmp_path):
    names = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        told = make_captioned_library(folder)
        train_and_install(folder, told)
        names.append(list_own_heads(folder))
    assert names[0] == names[1]


def test_captions_that_mean_nothing_change_nothing(tmp_path):
    folder = tmp_path / "lib"
    told = make_captioned_library(folder, meaningful=False)
    before = content(folder)
    outcome = train_and_install(folder, told)["object"]
    assert not outcome.is_used and outcome.gain_interval[0] <= 0 and not outcome.reason
    assert content(folder) == before and not list_own_heads(folder)


def test_too_few_captions_are_told_of(tmp_path):
    folder = tmp_path / "lib"
    with pytest.raises(
        AffectError, match=r"too little.*needs 40 items in 4 groups.*object: 39 items in 39 gr"
    ):
        train_and_install(folder, make_captioned_library(folder, count=MIN_ITEMS - 1))


def test_captions_of_other_files_are_refused(tmp_path):
    folder = tmp_path / "lib"
    make_captioned_library(folder)
    stranger = CaptionedFile(
        name="x.png", path=Path("/elsewhere/x.png"), captions=("a",), split="train", group=""
    )
    with pytest.raises(
        AffectError,
        match=r"none of the captioned files is in .*1 captioned file: not in the library, left out: x.png",
    ):
        train_and_install(folder, [stranger])


def test_a_damaged_head_file_is_one_clear_line(tmp_path):
    folder = tmp_path / "lib"
    train_and_install(folder, make_captioned_library(folder))
    file = folder / HEADS_FOLDER / list_own_heads(folder)["object"]
    file.write_bytes(file.read_bytes()[:100])
    ran = affect("search", "red", "--library", folder)
    assert (
        ran.returncode == 2
        and "no trained heads can be read" in ran.stderr
        and len(ran.stderr.splitlines()) == 1
    )


def test_heads_that_are_lost_can_be_undone(tmp_path):
    folder = tmp_path / "lib"
    train_and_install(folder, make_captioned_library(folder))
    (folder / HEADS_FOLDER / list_own_heads(folder)["object"]).unlink()
    assert affect("info", "--library", folder).returncode == 0  # looking needs no heads
    ran = affect("search", "red", "--library", folder)
    assert ran.returncode == 2 and "affect train --undo" in ran.stderr
    assert affect("rebuild", "--library", folder).returncode == 2
    assert affect("train", "--undo", "--library", folder).returncode == 0
    assert affect("search", "red", "--library", folder).returncode == 0


def test_a_running_engine_takes_up_new_heads(tmp_path):
    folder = tmp_path / "lib"
    told = make_captioned_library(folder)
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        assert engine.search(Query(text="red round")) == []
        train_and_install(folder, told)
        assert len(engine.search(Query(text="red round"))) == 10
        with closing(Library.open(folder)) as other, other.lock_for_writing():
            restore_packaged_heads(other)
        assert engine.search(Query(text="red round")) == []


def test_a_writer_takes_up_new_heads(tmp_path):
    """Opened before the training, written after it: rows must be those of the new heads."""
    folder = tmp_path / "lib"
    told = make_captioned_library(folder)
    with closing(Library.open(folder)) as stale:
        train_and_install(folder, told)
        with stale.lock_for_writing():
            stale.commit([encoded("late", objects=np.ones((1, DIM)))])
    with closing(Library.open(folder)) as library:
        assert library.catalog.list_vector_files()["object.words"].count == COUNT + 1


def test_a_test_split_is_not_looked_at(tmp_path):
    folder = tmp_path / "lib"
    told = [replace(one, split="test") for one in make_captioned_library(folder)]
    with pytest.raises(AffectError, match=r"none of .*120 captioned files: in the split test, left out"):
        train_and_install(folder, told)


def test_more_items_are_gone_through_fewer_times():
    few, many = make_default_config(100).schedule, make_default_config(100_000).schedule
    assert few.epochs > many.epochs >= 20
