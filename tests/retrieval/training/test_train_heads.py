import csv
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from library_factory import DIM, affect, content, encoded, gallery, index, new_library

from encoders.base import AffectError
from encoders.toy import toy_text
from retrieval.cli.main import main
from retrieval.progress_reporter import ProgressReporter
from retrieval.provenance import record_provenance
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.custom_heads import HEADS_FOLDER, list_custom_heads
from retrieval.storage.library import FileUpdate, Library
from retrieval.training import train_heads
from retrieval.training.captioned_items import format_first_names, match_captions
from retrieval.training.captions_csv import CaptionedFile, read_captions
from retrieval.training.data_requirements import (
    FOLD_COUNT,
    MIN_DISTINCT_CAPTIONS,
    MIN_ITEMS,
    assign_caption_classes,
    count_training_data,
)
from retrieval.training.train_heads import (
    install_better_heads,
    make_default_config,
    restore_packaged_heads,
    train_spaces,
)
from retrieval.training.training_data import prepare_training_data


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """What a small library needs, in a second."""
    schedule = replace(make_default_config(COUNT).schedule, epochs=30, rate=0.01)
    small = replace(make_default_config(COUNT), schedule=schedule, dim=32, dropout=0.1)
    monkeypatch.setattr(train_heads, "make_default_config", lambda item_count, rejects_out_of_domain: small)


PROVENANCE = record_provenance(["affect", "train"], seed=0, data_digest="0f1e")
WORDS = ["red", "green", "blue", "round", "square", "striped", "tiny", "giant"]
COUNT = 120


def pairs(rng):
    """Two words an item, each pair once or twice."""
    both = [(one, other) for one in range(len(WORDS)) for other in range(one)]
    return [both[at] for at in rng.permutation(len(both) * 5)[:COUNT] % len(both)]


def made(folder, *, meaningful=True, count=COUNT, media=None):
    """A library of pictures whose rows are a turned sum of their words' vectors, and its captions."""
    rng = np.random.default_rng(0)
    chosen = pairs(rng)[:count]
    turn = rng.standard_normal((DIM, DIM))
    said = [f"{WORDS[one]} {WORDS[other]} number{at}" for at, (one, other) in enumerate(chosen)]
    rows = toy_text().encode([" ".join(WORDS[word] for word in pair) for pair in chosen]) @ turn
    rows += rng.standard_normal(rows.shape) * 0.1
    if not meaningful:
        rows = rng.standard_normal(rows.shape)
    items = [encoded(f"{at}", objects=row[None]) for at, row in enumerate(rows)]
    if media is not None:  # where there are files of these names, all empty
        items = [replace(one, path=media / one.path.name) for one in items]
        for one in items:
            one.path.touch()
    with closing(new_library(folder)) as library, library.lock_for_writing():
        library.commit(items)
    return [
        CaptionedFile(name=str(one.path), path=one.path, captions=(caption,), split="train", group="")
        for one, caption in zip(items, said, strict=True)
    ]


def taught(folder, told, **options):
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        found = prepare_training_data(library, told)
        trained = train_spaces(found, seed=0, on_progress=lambda *step: None, **options)
        return {one.space: one for one in install_better_heads(library, trained, PROVENANCE)}


def found(folder, words):
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        return [hit.path for hit in engine.search(Query(text=words, k=10))]


def test_what_is_learnt_is_taken_used_and_can_be_taken_back(tmp_path):
    folder = tmp_path / "lib"
    told = made(folder)
    before = content(folder)
    assert found(folder, told[0].captions[0]) == []  # toy encoders have no words for pictures
    outcomes = taught(folder, told)
    assert outcomes["object"].is_used and outcomes["object"].gain_interval[0] > 0
    assert outcomes["object"].trained_map > outcomes["object"].baseline_map
    assert outcomes["activity"].reason and outcomes["audio"].reason and not outcomes["audio"].is_used
    wanted = {str(one.path) for one in told if one.captions[0].split()[:2] == told[0].captions[0].split()[:2]}
    top = found(folder, " ".join(told[0].captions[0].split()[:2]))
    assert len(top) == 10 and set(top[: len(wanted)]) & wanted
    name = Path(own_files_of(folder)["object"])
    files = sorted(file.name for file in (folder / HEADS_FOLDER).iterdir())
    assert files == [name.with_suffix(".md").name, name.name]
    card = " ".join((folder / HEADS_FOLDER / files[0]).read_text().split())
    assert "Made by `affect train` (seed 0)." in card and "SHA-256 0f1e" in card and "numpy" in card
    assert f"{outcomes['object'].trained_map} % with them" in card and "affect index FOLDER" in card
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        restore_packaged_heads(library)
    assert content(folder) == before and not list((folder / HEADS_FOLDER).iterdir())


def own_files_of(folder):
    with closing(Library.open(folder)) as library:
        return list_custom_heads(library.catalog)


def test_learning_twice_gives_the_same_heads(tmp_path):
    names = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        told = made(folder)
        taught(folder, told)
        names.append(own_files_of(folder))
    assert names[0] == names[1]


def test_captions_that_mean_nothing_change_nothing(tmp_path):
    folder = tmp_path / "lib"
    told = made(folder, meaningful=False)
    before = content(folder)
    outcome = taught(folder, told)["object"]
    assert not outcome.is_used and outcome.gain_interval[0] <= 0 and not outcome.reason
    assert content(folder) == before and not own_files_of(folder)


def test_too_few_captions_are_told_of(tmp_path):
    folder = tmp_path / "lib"
    with pytest.raises(
        AffectError, match=r"too little.*needs 40 items in 4 groups.*object: 39 items in 39 gr"
    ):
        taught(folder, made(folder, count=MIN_ITEMS - 1))


def test_captions_of_other_files_are_refused(tmp_path):
    folder = tmp_path / "lib"
    made(folder)
    stranger = CaptionedFile(
        name="x.png", path=Path("/elsewhere/x.png"), captions=("a",), split="train", group=""
    )
    with pytest.raises(
        AffectError,
        match=r"none of the captioned files is in .*1 captioned file: not in the library, left out: x.png",
    ):
        taught(folder, [stranger])


def test_a_damaged_head_file_is_one_clear_line(tmp_path):
    folder = tmp_path / "lib"
    taught(folder, made(folder))
    file = folder / HEADS_FOLDER / own_files_of(folder)["object"]
    file.write_bytes(file.read_bytes()[:100])
    ran = affect("search", "red", "--library", folder)
    assert (
        ran.returncode == 2
        and "no trained heads can be read" in ran.stderr
        and len(ran.stderr.splitlines()) == 1
    )


def test_heads_that_are_lost_can_be_undone(tmp_path):
    folder = tmp_path / "lib"
    taught(folder, made(folder))
    (folder / HEADS_FOLDER / own_files_of(folder)["object"]).unlink()
    assert affect("info", "--library", folder).returncode == 0  # looking needs no heads
    ran = affect("search", "red", "--library", folder)
    assert ran.returncode == 2 and "affect train --undo" in ran.stderr
    assert affect("rebuild", "--library", folder).returncode == 2
    assert affect("train", "--undo", "--library", folder).returncode == 0
    assert affect("search", "red", "--library", folder).returncode == 0


def test_a_running_engine_takes_up_new_heads(tmp_path):
    folder = tmp_path / "lib"
    told = made(folder)
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        assert engine.search(Query(text="red round")) == []
        taught(folder, told)
        assert len(engine.search(Query(text="red round"))) == 10
        with closing(Library.open(folder)) as other, other.lock_for_writing():
            restore_packaged_heads(other)
        assert engine.search(Query(text="red round")) == []


def test_a_writer_takes_up_new_heads(tmp_path):
    """Opened before the training, written after it: rows must be those of the new heads."""
    folder = tmp_path / "lib"
    told = made(folder)
    with closing(Library.open(folder)) as stale:
        taught(folder, told)
        with stale.lock_for_writing():
            stale.commit([encoded("late", objects=np.ones((1, DIM)))])
    with closing(Library.open(folder)) as library:
        assert library.catalog.list_vector_files()["object.words"].count == COUNT + 1


def test_a_test_split_is_not_looked_at(tmp_path):
    folder = tmp_path / "lib"
    told = [replace(one, split="test") for one in made(folder)]
    with pytest.raises(AffectError, match=r"none of .*120 captioned files: in the split test, left out"):
        taught(folder, told)


def test_more_items_are_gone_through_fewer_times():
    few, many = make_default_config(100).schedule, make_default_config(100_000).schedule
    assert few.epochs > many.epochs >= 20


def test_needs_that_are_not_met_are_one_line_and_exit_code_2(tmp_path):
    media, folder = gallery(tmp_path / "media"), tmp_path / "lib"
    new_library(folder).close()
    index(folder, media)
    table = media / "captions.csv"
    table.write_text("media,caption\nphoto0.png,a red thing\nphoto1.png,a blue thing\n")
    ran = affect("train", "--library", folder, "--captions", table, "--json")
    assert ran.returncode == 2 and ran.stdout == "" and len(ran.stderr.splitlines()) == 1
    assert "needs 40 items in 4 groups, with 8 captions that differ; " in ran.stderr
    assert "object: 2 items in 2 groups, with 2 captions that differ" in ran.stderr
    assert "audio: 0 items in 0 groups" in ran.stderr
    assert "back to the heads" in affect("train", "--library", folder, "--undo").stdout


def written(folder, told):
    """A table of captions beside a library; media by the paths they have."""
    table = folder.parent / "captions.csv"
    with table.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("media", "caption", "split"))
        writer.writerows((one.name, caption, one.split) for one in told for caption in one.captions)
    return table


def test_files_left_out_are_named_and_counted_apart(tmp_path):
    folder = tmp_path / "lib"
    told = made(folder, media=tmp_path)  # a path that is gone would give way to its copy's
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        entry = library.catalog.load_files()[told[0].path]
        library.record_files(
            [
                FileUpdate(path=tmp_path / "copy.png", stamp=entry.stamp, item_id=entry.item_id, error=None),
                FileUpdate(path=tmp_path / "broken.png", stamp=entry.stamp, item_id=None, error="no picture"),
            ]
        )
        about = {"path": tmp_path, "captions": ("red",), "group": ""}
        names = ["copy.png", "broken.png", *(f"absent{at}.png" for at in range(7)), "odd\nname.png"]
        others = [
            CaptionedFile(**{**about, "path": tmp_path / name}, name=name, split="train") for name in names
        ]
        held = CaptionedFile(**{**about, "path": tmp_path / "held.png"}, name="held.png", split="test")
        found = match_captions(library, [*told, *others, held])
    assert len(found.item_ids) == COUNT and found.captions[0] == (*told[0].captions, "red")
    assert found.format_messages() == [
        "8 captioned files: not in the library, left out: absent0.png, absent1.png, absent2.png, "
        "absent3.png, absent4.png ... and 3 more",
        "1 captioned file: could not be read when indexed, left out: broken.png",
        "1 captioned file: the same content as another captioned file, captions joined: "
        f"copy.png (as {told[0].name})",
        "1 captioned file: in the split test, left out",
    ]
    assert found.to_json() == {
        "absent": [*(f"absent{at}.png" for at in range(7)), "odd\nname.png"],
        "unreadable": ["broken.png"],
        "copies": [{"file": "copy.png", "same_as": told[0].name}],
        "test_split": 1,
    }


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a"], "a"),
        (["a", "b", "c", "d", "e"], "a, b, c, d, e"),
        (["a", "b", "c", "d", "e", "f"], "a, b, c, d, e ... and 1 more"),
        (["a\x1bb"], "a\\x1bb"),
    ],
)
def test_the_first_names(names, said):
    assert format_first_names(names) == said


def test_the_command_states_needs_first_and_prints_json(tmp_path):
    folder = tmp_path / "lib"
    told = made(folder, media=tmp_path)
    (tmp_path / "stray.png").touch()
    stray = CaptionedFile(
        name="stray.png", path=tmp_path / "stray.png", captions=("a",), split="train", group=""
    )
    table = written(folder, [*told, stray])
    ran = CliRunner().invoke(main, ["train", "-l", str(folder), "--captions", str(table), "--json"])
    assert ran.exit_code == 0, ran.output
    lines = ran.stderr.splitlines()
    assert lines[0] == "affect: 1 captioned file: not in the library, left out: stray.png"
    assert lines[1] == (
        f"affect: object: {COUNT} items in {COUNT} groups, with {COUNT} captions that differ "
        "(needs 40 items in 4 groups, with 8 captions that differ)"
    )
    said = json.loads(ran.stdout)
    assert said["absent"] == ["stray.png"]
    assert {one["space"]: one["taken"] for one in said["spaces"]} == {
        "object": True, "activity": False, "audio": False
    }  # fmt: skip


def test_stopped_while_training_it_leaves_the_library_as_it_was(tmp_path, monkeypatch):
    folder = tmp_path / "lib"
    told = made(folder, media=tmp_path)
    before, table = content(folder), written(folder, told)

    def stopped(*step):
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressReporter, "update", stopped)
    ran = CliRunner().invoke(main, ["train", "-l", str(folder), "--captions", str(table)])
    assert ran.exit_code == 130 and ran.stderr.endswith("affect: stopped; the library is as it was\n")
    assert content(folder) == before and not list((folder / HEADS_FOLDER).glob("*"))


def test_the_help_states_what_is_needed():
    said = " ".join(CliRunner().invoke(main, ["train", "--help"]).output.split())
    assert (
        f"{MIN_ITEMS} items in {FOLD_COUNT} groups, with {MIN_DISTINCT_CAPTIONS} captions that differ" in said
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--captions FILE, or --undo"),
        (["--captions", "{media}/nothing.csv"], "no such file"),
        (["--captions", "{media}/photo0.png"], "not a CSV file"),
        (["--captions", "{media}/bad.csv"], "no column caption"),
        (["--captions", "{media}/lost.csv"], "none of the captioned files is in"),
        (["--undo", "--captions", "{media}/lost.csv"], "--captions FILE, or --undo"),
    ],
)
def test_bad_input_is_one_line(tmp_path, words, said):
    media, folder = gallery(tmp_path / "media", photos=1), tmp_path / "lib"
    new_library(folder).close()
    (media / "bad.csv").write_text("media,words\nphoto0.png,red\n")
    (media / "lost.csv").write_text("media,caption\ngone.png,red\n")
    ran = affect("train", "--library", folder, *(word.format(media=media) for word in words))
    assert ran.returncode == 2 and said in ran.stderr and len(ran.stderr.splitlines()) == 1


def test_captions_are_read_with_their_groups(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    table = tmp_path / "c.csv"
    table.write_text("media,caption,split,group\na.png,one,val,x\na.png,two,val,x\nb.png,three,,\n")
    assert read_captions(table) == [
        CaptionedFile(name="a.png", path=tmp_path / "a.png", captions=("one", "two"), split="dev", group="x"),
        CaptionedFile(name="b.png", path=tmp_path / "b.png", captions=("three",), split="train", group=""),
    ]


@pytest.mark.parametrize(
    ("items", "groups", "said", "suffices"),
    [
        (40, 4, 40, True),
        (39, 39, 39, False),
        (40, 3, 40, False),
        (80, 80, 8, True),
        (80, 80, 7, False),
    ],
)
def test_what_is_needed(items, groups, said, suffices):
    captions = [[f"word {at % said}"] for at in range(items)]
    supply = count_training_data("object", captions, [f"group {at % groups}" for at in range(items)])
    assert (supply.item_count, supply.group_count, supply.distinct_caption_count) == (items, groups, said)
    assert supply.is_sufficient == suffices == (not supply.insufficiency_reason)


def test_items_of_which_the_same_is_said_are_of_one_kind():
    texts, owner = ["A cat", "a CAT", "a dog", "rain", "a dog"], np.array([0, 1, 1, 2, 3])
    kinds = assign_caption_classes(texts, owner, 4)
    assert kinds[0] == kinds[1] == kinds[3] != kinds[2]
    assert assign_caption_classes([], owner[:0], 3).tolist() == [0, 1, 2]
