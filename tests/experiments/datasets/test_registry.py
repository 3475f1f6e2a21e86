import json

import pytest
from repository import require_data

from encoders.base import AffectError, UnknownNameError
from experiments.datasets import load_named_dataset, load_vgmidi
from experiments.datasets.exercise_activity import load_exercises
from experiments.datasets.msrvtt import load_msrvtt
from experiments.datasets.registry import DATASETS, load_caption_csv


@pytest.fixture
def data():
    return require_data()


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "items", "captions"),
    [
        ("flickr1k", 800, 4000), ("exercise_activity", 698, 698), ("oasis", 661, 661),
        ("animal_sounds", 689, 689), ("av_clips", 48, 48), ("ravdess_speech", 1200, 1200),
    ],
)  # fmt: skip
def test_sets_of_the_folder(data, name, items, captions):
    found = load_named_dataset(name, data)
    assert (len(found.items), len(found.flatten_captions()[0])) == (items, captions)
    assert all(file.exists() for item in found.items for file in item.media)
    assert len(set(found.ids)) == items


@pytest.mark.data
def test_what_the_sets_say(data):
    sit_up = load_exercises(data).items[0]
    assert sit_up.captions == ("3/4 Sit-Up",)
    assert sit_up.descriptions[0].startswith("Lie down on the floor")
    assert sit_up.descriptions[1] == "body only, abdominals, strength, pull"
    assert len(sit_up.media) == 2
    series = {item.group for item in load_exercises(data).items if item.id.startswith("Bench Press - ")}
    assert series == {"bench press"}
    assert {c for item in load_named_dataset("animal_sounds", data).items for c in item.captions} >= {
        "dog",
        "cat",
        "frog",
    }
    music = load_vgmidi(data)
    assert len(music) == 148 and all(-1 <= one.valence <= 1 for one in music) and music[0].path.exists()
    for set_name in ("oasis", "ravdess_speech"):
        splits = {}
        for item in load_named_dataset(set_name, data).items:
            splits.setdefault(item.group, set()).add(item.split)
        assert all(len(found) == 1 for found in splits.values())


def table(folder, text):
    for name in ("a.jpg", "b.jpg"):
        (folder / name).touch()
    (folder / "captions.csv").write_text(text)
    return folder / "captions.csv"


def test_csv(tmp_path):
    file = table(tmp_path, "media,caption,split\na.jpg,one,train\na.jpg,two,train\nb.jpg,three,Validation\n")
    found = load_named_dataset(str(tmp_path))
    assert found == load_caption_csv(file)
    assert [(i.id, i.captions, i.split) for i in found.items] == [
        ("a.jpg", ("one", "two"), "train"),
        ("b.jpg", ("three",), "dev"),
    ]
    assert found.items[0].media == (tmp_path / "a.jpg",)
    assert found.make_caption_mask().tolist() == [[True, True], [True, False]]
    assert found.select_splits("dev").ids == ("b.jpg",)
    assert load_caption_csv(table(tmp_path, "media,caption\nb.jpg,x\n")).items[0].split == "train"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("media,caption\n", "no rows"),
        ("image,caption\na.jpg,x\n", "no column media; needed: media, caption"),
        ("media,caption\na.jpg,x\nb.jpg,\n", "line 3 has no caption"),
        ("media,caption\na.jpg,x\nb.jpg\n", "line 3 has no caption"),
        ("media,caption\n,x\n", "line 2 has no media"),
        ("media,caption\nc.jpg,x\n", "names c.jpg, which is not there"),
        ("media,caption,split\na.jpg,x,train\na.jpg,y,test\n", "line 3 puts a.jpg into another split"),
    ],
)
def test_a_bad_csv_says_where(tmp_path, text, reason):
    with pytest.raises(AffectError, match=reason) as told:
        load_caption_csv(table(tmp_path, text))
    assert "captions.csv" in str(told.value) and "\n" not in str(told.value)


def test_what_is_not_there_is_said_in_one_line(tmp_path):
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "other.json").write_text("[]")
    sentence = {"video_id": "video20000", "sen_id": 0, "caption": "of no protocol"}
    (tmp_path / "alien.json").write_text(json.dumps({"sentences": [sentence]}))
    (tmp_path / "latin.csv").write_bytes(b"media,caption\n\xe9,x\n")
    tries = [
        lambda: load_named_dataset("nothing"),
        lambda: load_named_dataset("flickr1k", tmp_path),
        lambda: load_named_dataset("msvd", tmp_path),
        lambda: load_named_dataset("msrvtt-full", tmp_path),
        lambda: load_named_dataset("msrvtt-1k-b", tmp_path),
        lambda: load_msrvtt(tmp_path, "1k-c"),
        lambda: load_msrvtt(tmp_path, annotation=tmp_path / "gone.json"),
        lambda: load_msrvtt(tmp_path, annotation=tmp_path / "bad.json"),
        lambda: load_msrvtt(tmp_path, annotation=tmp_path / "other.json"),
        lambda: load_msrvtt(tmp_path, annotation=tmp_path / "alien.json"),
        lambda: load_caption_csv(tmp_path / "latin.csv"),
        lambda: load_caption_csv(tmp_path),
    ]
    for attempt in tries:
        with pytest.raises(AffectError) as told:
            attempt()
        assert str(told.value).count("\n") == 0 and len(str(told.value)) > 20
    with pytest.raises(UnknownNameError, match="animal_sounds"):
        load_named_dataset("nothing")
    assert "msvd" in DATASETS


@pytest.mark.parametrize(("inside", "given"), [("", "captions.csv"), ("", "."), ("sub", "../captions.csv")])
def test_a_captions_csv_is_named_with_its_folder(tmp_path, monkeypatch, inside, given):
    folder = tmp_path / "holiday"
    (folder / "sub").mkdir(parents=True)
    table(folder, "media,caption\na.jpg,x\n")
    monkeypatch.chdir(folder / inside)
    assert load_named_dataset(given).name == "holiday-captions"


def test_other_tables_are_named_by_their_file(tmp_path):
    file = table(tmp_path, "media,caption\na.jpg,x\n")
    assert load_named_dataset(str(file.rename(tmp_path / "mine.csv"))).name == "mine"


def test_media_may_be_missing_where_features_are_given(tmp_path):
    file = table(tmp_path, "media,caption\na.jpg,x\ngone.jpg,y\nlost.jpg,z\n")
    with pytest.raises(AffectError, match=r"names gone\.jpg and 1 more, which is not there.*--features"):
        load_named_dataset(str(file))
    found = load_named_dataset(str(file), needs_media=False)
    assert [bool(item.media) for item in found.items] == [True, False, False]
    assert found.ids == ("a.jpg", "gone.jpg", "lost.jpg")


def test_repeated_rows_are_told(tmp_path):
    file = table(tmp_path, "media,caption\na.jpg,x\na.jpg,x\na.jpg,y\nb.jpg,x\nb.jpg,x\nb.jpg,x\n")
    told = load_named_dataset(str(file))
    assert told.notes == ("3 rows of captions.csv left out: the same media and caption as another",)
    assert [item.captions for item in told.items] == [("x", "y"), ("x",)]
    assert load_caption_csv(table(tmp_path, "media,caption\na.jpg,x\nb.jpg,x\n")).notes == ()
