"""Heads trained outside a library, and used in one: `affect index --heads`."""

import hashlib
import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from library_factory import DIM, ENCODERS, affect
from PIL import Image

from encoders.base import AffectError
from experiments import train
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.training import find_heads, train_heads
from spaces.joint import Heads, TowerPair, load_heads, save_heads
from spaces.joint.space import LinearInput, Tower

COLOURS = {
    "red": (230, 20, 20), "green": (20, 200, 30), "blue": (20, 30, 230), "white": (250, 250, 250),
    "black": (5, 5, 5), "yellow": (240, 230, 20), "pink": (250, 120, 200), "grey": (128, 128, 128),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def quick():
    """What so few pictures need, in seconds."""
    default = train_heads.make_default_config(56)
    small = replace(default, schedule=replace(default.schedule, epochs=40, rate=0.01), dim=32, dropout=0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_heads, "make_default_config", lambda item_count, rejects_out_of_domain: small)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Pictures of one colour over another with captions, and heads trained on them by the command."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "media").mkdir()
    rows = ["media,caption"]
    for upper, lower in itertools.permutations(COLOURS, 2):
        pixels = np.empty((64, 64, 3), np.uint8)
        pixels[:32], pixels[32:] = COLOURS[upper], COLOURS[lower]
        Image.fromarray(pixels).save(folder / "media" / f"{upper}-{lower}.png")
        rows.append(f"media/{upper}-{lower}.png,{upper} top{upper} with bottom{lower}")
    (folder / "captions.csv").write_text("\n".join(rows))
    options = [
        "--data",
        folder / "captions.csv",
        "--out",
        folder / "heads",
        "--encoders",
        ENCODERS,
        "--seed",
        3,
    ]
    done = CliRunner().invoke(train.main, ["object", *map(str, options)])
    assert done.exit_code == 0, done.output
    return folder


def make_heads(*, role="objects", signature="x/1/16/none"):
    """Heads of nothing, for an encoder."""
    rows = np.eye(DIM, dtype=np.float32)
    zero, one = np.zeros(DIM, np.float32), np.ones(DIM, np.float32)

    def make_tower(name):
        reader = LinearInput(mean=zero, scale=one, weight=rows, absent=zero)
        return Tower(inputs={name: reader}, bias=zero)

    pair = TowerPair(media=make_tower(role), text=make_tower("text"))
    return Heads(members=(pair,), encoder_signatures={role: signature})


def find_paths(library, words):
    done = affect("search", words, "--library", library, "--json")
    assert done.returncode == 0, done.stderr
    return [hit["path"].rpartition("/")[2] for hit in json.loads(done.stdout)["results"]]


@pytest.mark.slow
def test_words_find_pictures_by_heads_trained_outside_the_library(trained, tmp_path):
    plain, own = tmp_path / "plain", tmp_path / "own"
    media = trained / "media"
    assert affect("index", media, "--library", plain, "--encoders", ENCODERS).returncode == 0
    words = "topred with bottomblue"
    assert find_paths(plain, words) == []  # toy encoders have no words for pictures

    done = affect("index", media, "--library", own, "--encoders", ENCODERS, "--heads", trained / "heads")
    assert done.returncode == 0, done.stderr
    found = find_paths(own, words)
    assert "red-blue.png" in found[:3]

    # a library that is there takes them up without reading its media
    done = affect("index", media, "--library", plain, "--heads", trained / "heads", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["indexed"] == 0
    assert find_paths(plain, words) == found
    digest = load_heads(trained / "heads" / "object.safetensors").digest
    name = f"object-{digest[:12]}"
    assert json.loads(affect("info", "--library", own, "--json").stdout)["own"] == {
        "object": f"{name}.safetensors"
    }
    assert name in affect("info", "--library", own).stdout
    assert sorted(file.name for file in (own / "heads").iterdir()) == [f"{name}.md", f"{name}.safetensors"]

    # a third takes them from that one, and goes back
    third = tmp_path / "third"
    done = affect("index", media, "--library", third, "--encoders", ENCODERS, "--heads", own / "heads")
    assert done.returncode == 0 and find_paths(third, words) == found
    assert affect("train", "--undo", "--library", third).returncode == 0
    assert find_paths(third, words) == [] and not list((third / "heads").iterdir())


@pytest.mark.slow
def test_the_card_says_how_to_use_them_and_where_they_come_from(trained):
    card = " ".join((trained / "heads" / "object.md").read_text().split())
    assert "affect index FOLDER --library LIB --heads" in card
    assert f"python -m experiments.train object --data {trained / 'captions.csv'}" in card
    assert "(seed 3)" in card and "affect-fusion 0." in card and "numpy" in card and "torch" in card
    assert "SHA-256" in card and "Code: commit" in card


@pytest.mark.slow
def test_the_same_training_gives_the_same_bytes_whatever_the_card_says(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("retrieval.provenance.find_commit", lambda file: ("of another day", True))
    options = ["--data", trained / "captions.csv", "--out", tmp_path, "--encoders", ENCODERS, "--seed", 3]
    assert CliRunner().invoke(train.main, ["object", *map(str, options)]).exit_code == 0
    names = (tmp_path / "object.safetensors", trained / "heads" / "object.safetensors")
    first, again = (hashlib.sha256(name.read_bytes()).hexdigest() for name in names)
    assert first == again
    assert "of another day" in (tmp_path / "object.md").read_text()


@pytest.mark.slow
def test_heads_of_other_data_are_not_overwritten(trained, tmp_path):
    lines = (trained / "captions.csv").read_text().splitlines()
    other = trained / "other.csv"
    other.write_text("\n".join([*lines, lines[-1], lines[1] + " twice"]))
    options = ["--data", other, "--out", trained / "heads", "--encoders", ENCODERS]
    before = (trained / "heads" / "object.safetensors").read_bytes()
    done = CliRunner().invoke(train.main, ["object", *map(str, options)])
    assert done.exit_code == 2 and done.stderr.count("\n") == 1
    assert "object.safetensors: heads of other data are there; name another folder" in done.stderr
    assert (trained / "heads" / "object.safetensors").read_bytes() == before
    options[3] = tmp_path
    assert CliRunner().invoke(train.main, ["object", *map(str, options)]).exit_code == 0
    card = " ".join((tmp_path / "object.md").read_text().split())
    assert "Data: other, 56 items with 57 captions; 1 row of other.csv left out" in card


def test_heads_of_other_encoders_are_refused_before_a_library_is_made(tmp_path):
    save_heads(tmp_path / "object.safetensors", make_heads(), {})
    library = tmp_path / "lib"
    done = affect("index", tmp_path, "--library", library, "--encoders", ENCODERS, "--heads", tmp_path)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and not library.exists()
    assert (
        "object.safetensors: trained on other encoders: objects x/1/16/none (here toy-frames" in done.stderr
    )


@pytest.mark.parametrize("given", ["nothing", "empty"])
def test_a_folder_without_heads_is_one_line(tmp_path, given):
    (tmp_path / "empty").mkdir()
    done = affect(
        "index", tmp_path, "--library", tmp_path / "lib", "--encoders", ENCODERS, "--heads", tmp_path / given
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert f"{given}: no trained heads there; wanted object.safetensors or activity" in done.stderr


def test_two_files_of_a_space_are_refused_and_others_are_left(tmp_path):
    pipeline = FeaturePipeline(PipelineConfig.parse(ENCODERS))
    signature = json.loads(pipeline.make_signature())["objects"]
    for name in ("object", "alignment-0f"):
        save_heads(tmp_path / f"{name}.safetensors", make_heads(signature=signature), {})
    assert find_heads(tmp_path, pipeline) == {"object": tmp_path / "object.safetensors"}
    save_heads(tmp_path / "object-12.safetensors", make_heads(signature=signature), {})
    with pytest.raises(
        AffectError, match=r"object.safetensors: object-12.safetensors is of the space object"
    ):
        find_heads(tmp_path, pipeline)


def test_the_helps_say_how_to_use_trained_heads():
    outside = " ".join(CliRunner().invoke(train.main, ["--help"]).output.split())
    assert "affect index FOLDER --library LIB --heads OUT" in outside
    assert "affect index --heads" in " ".join(affect("train", "--help").stdout.split())
    assert "python -m experiments.train --data" in " ".join(affect("index", "--help").stdout.split())
