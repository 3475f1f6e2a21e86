"""`affect train`: what it prints, and what it refuses."""

import json

import pytest
from captioned_library import COUNT, make_captioned_library, write_captions
from click.testing import CliRunner
from library_factory import affect, content, gallery, index, new_library

from retrieval.cli.main import main
from retrieval.progress_reporter import ProgressReporter
from retrieval.storage.custom_heads import HEADS_FOLDER
from retrieval.training.captions_csv import CaptionedFile
from retrieval.training.data_requirements import FOLD_COUNT, MIN_DISTINCT_CAPTIONS, MIN_ITEMS

pytestmark = pytest.mark.usefixtures("quick_training")


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


def test_the_command_states_needs_first_and_prints_json(tmp_path):
    folder = tmp_path / "lib"
    told = make_captioned_library(folder, media=tmp_path)
    (tmp_path / "stray.png").touch()
    stray = CaptionedFile(
        name="stray.png", path=tmp_path / "stray.png", captions=("a",), split="train", group=""
    )
    table = write_captions(folder, [*told, stray])
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
    told = make_captioned_library(folder, media=tmp_path)
    before, table = content(folder), write_captions(folder, told)

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
