import json
from collections import Counter

import h5py
import numpy as np
import pytest
from repository import DATA

from encoders.base import AffectError, UnknownNameError
from experiments.datasets import (
    hold_out_split,
    load_named_dataset,
    load_vgmidi,
    read_features,
    read_jemc_features,
    sample_captions,
    split_by_group,
)
from experiments.datasets.msrvtt import list_msrvtt_ids, load_msrvtt
from experiments.datasets.msvd import load_msvd
from experiments.datasets.registry import DATASETS, load_caption_csv, load_exercises


@pytest.fixture
def data():
    if not (DATA / "README.md").exists():
        pytest.skip("no ../shared/data here")
    return DATA


def official(folder, counts):
    """An annotation in the official layout; sentences in no order."""
    videos = [{"id": n, "video_id": f"video{n}", "split": "test", "category": 9} for n in counts]
    sentences, number = [], 0
    for n, count in counts.items():
        for index in range(count):
            sentences.append({"video_id": f"video{n}", "sen_id": number, "caption": f"{index} of {n} "})
            number += 1
    file = folder / "test_videodatainfo.json"
    file.write_text(json.dumps({"info": {}, "videos": videos, "sentences": sentences[::-1]}))
    return file


def test_full_has_the_queries_of_the_protocol(tmp_path):
    short = {7010: 19, 8000: 18, 8500: 17}  # six captions missing
    file = official(tmp_path, {n: short.get(n, 20) for n in range(7010, 10000)})
    test = load_msrvtt(tmp_path, annotation=file).select_splits("test")
    assert len(test.items) == 2990 and test.query_rule == "padded"
    mask = test.make_caption_mask()
    assert mask.shape == (2990, 20) and mask.sum() == 59794 == len(test.flatten_captions()[0])
    assert mask[0].tolist() == [True] * 19 + [False]
    assert test.items[0].captions[:2] == ("0 of 7010", "1 of 7010")
    texts, own = test.flatten_captions()
    assert own[19] == 1 and texts[19] == "0 of 7011"


def test_full_says_which_videos_are_not_there(tmp_path):
    official(tmp_path, {0: 20, 1: 20, 6513: 20, 9999: 20})
    found = load_msrvtt(tmp_path, annotation=tmp_path)
    assert Counter(item.split for item in found.items) == {"train": 2, "dev": 1, "test": 1}
    assert found.notes[0] == "train: 2 of 6513 videos, not the published split"
    (tmp_path / "video9999.mp4").write_bytes(b"")
    media = (
        load_msrvtt(tmp_path, annotation=tmp_path, video_folder=tmp_path).select_splits("test").items[0].media
    )
    assert media == (tmp_path / "video9999.mp4",)


def test_more_captions_than_the_width_are_refused(tmp_path):
    with pytest.raises(ValueError, match="21 captions"):
        load_msrvtt(tmp_path, annotation=official(tmp_path, {7010: 21})).make_caption_mask()


@pytest.mark.data
def test_lists_of_each_protocol(data):
    sizes = dict.fromkeys(("full", "1k-a", "1k-a-7k", "1k-b"), 0)
    for name in sizes:
        ids = list_msrvtt_ids(name, data / "msrvtt_annotations")
        sizes[name] = tuple(map(len, ids.values()))
        assert not set(ids["train"]) & set(ids["test"])
    assert sizes == {
        "full": (6513, 497, 2990),
        "1k-a": (9000, 1000),
        "1k-a-7k": (7010, 1000),
        "1k-b": (6656, 1000),
    }
    for split, part in (("train", "train"), ("dev", "val"), ("test", "test")):
        listed = (data / "msrvtt_annotations" / f"{part}_list_full.txt").read_text().split()
        assert set(listed) == set(list_msrvtt_ids("full", data)[split])


@pytest.mark.data
def test_1k_a_has_one_fixed_caption_a_video(data, tmp_path):
    test = load_named_dataset("msrvtt-1k-a", data).select_splits("test")
    assert len(test.items) == 1000 and test.make_caption_mask().shape == (1000, 1)
    assert test.items[0].id == "video9770"
    assert test.items[0].captions == ("a person is connecting something to system",)
    texts = Counter(test.flatten_captions()[0])
    assert sum(count for count in texts.values() if count > 1) == 9  # queries with duplicate captions
    whole = load_msrvtt(data, "1k-a", annotation=official(tmp_path, {0: 20, 1: 20, 9770: 20}))
    assert (
        len(whole.select_splits("train").items) == 2
        and len(whole.select_splits("train").flatten_captions()[0]) == 40
    )
    assert whole.select_splits("test").items == test.items


@pytest.mark.data
def test_1k_b_asks_the_first_caption(data, tmp_path):
    found = load_msrvtt(data, "1k-b", annotation=official(tmp_path, {0: 20, 8782: 20}))
    assert found.select_splits("test").items[0].captions == ("0 of 8782",)
    assert len(found.select_splits("train").items[0].captions) == 20


@pytest.mark.data
def test_msvd(data):
    found = load_msvd(data)
    assert Counter(item.split for item in found.items) == {"train": 1200, "dev": 100, "test": 670}
    assert len(found.flatten_captions()[0]) == 80827
    test = found.select_splits("test")
    five = sample_captions(test, 5, seed=0)
    assert len(five.flatten_captions()[0]) == 670 * 5 and five == sample_captions(
        test, 5, seed=0
    ) != sample_captions(test, 5, seed=1)
    assert all(set(a.captions) <= set(b.captions) for a, b in zip(five.items, test.items, strict=True))


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
    sit_up = load_exercises(data, include_instructions=True).items[0]
    assert sit_up.captions[0] == "3/4 Sit-Up" and sit_up.captions[1].startswith("Lie down on the floor")
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
        lambda: load_msrvtt(tmp_path, annotation=official(tmp_path, {20000: 1})),
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


def test_groups_never_cross_and_shares_are_met():
    rng = np.random.default_rng(0)
    for seed in range(20):
        groups = rng.integers(0, 60, 500).tolist()
        split = split_by_group(groups, {"train": 0.7, "dev": 0.1, "test": 0.2}, seed)
        assert all(len({s for g, s in zip(groups, split, strict=True) if g == one}) == 1 for one in groups)
        counts = Counter(split.tolist())
        assert abs(counts["train"] - 350) < 20 and abs(counts["dev"] - 50) < 20
        assert (split == split_by_group(groups, {"train": 0.7, "dev": 0.1, "test": 0.2}, seed)).all()
    with pytest.raises(ValueError, match="groups can't fill"):
        split_by_group(["a", "a"], {"train": 1, "test": 1}, 0)
    with pytest.raises(ValueError, match="positive"):
        split_by_group(["a", "b"], {"train": -1, "test": 2}, 0)


def test_a_dev_part_is_carved_from_train_alone(tmp_path):
    rows = [f"{n}.jpg,x,{'test' if n > 79 else 'train'},{n // 4}" for n in range(100)]
    for n in range(100):
        (tmp_path / f"{n}.jpg").touch()
    (tmp_path / "captions.csv").write_text("\n".join(["media,caption,split,group", *rows]))
    before, after = (
        load_named_dataset(str(tmp_path)),
        hold_out_split(load_named_dataset(str(tmp_path)), 0.25, seed=3),
    )
    assert Counter(item.split for item in after.items) == {"train": 60, "dev": 20, "test": 20}
    assert after.select_splits("test").items == before.select_splits("test").items
    assert not {i.group for i in after.select_splits("dev").items} & {
        i.group for i in after.select_splits("train").items
    }


IDS = ("video0", "video1", "-ab_c_5_15")


@pytest.fixture
def frames():
    """Features by id, some of them (time, d); the second id has none."""
    rng = np.random.default_rng(1)
    return {"video0": rng.normal(size=(7, 4)), "-ab_c_5_15": rng.normal(size=4).astype(np.float32)}


def check(rows, frames):
    assert rows.shape == (3, 4) and rows.dtype == np.float32
    assert np.allclose(rows[0], frames["video0"].mean(axis=0)) and np.allclose(rows[2], frames["-ab_c_5_15"])
    assert np.isnan(rows[1]).all()


@pytest.mark.parametrize("prefix", ["", "msr_vtt-I3D-RGBFeatures-"])
def test_npy_per_video(tmp_path, frames, prefix):
    for name, entry in frames.items():
        np.save(tmp_path / f"{prefix}{name}.npy", entry)
    np.save(tmp_path / "video10.npy", np.zeros(9))  # of another set
    check(read_features({"activity": tmp_path}, IDS)["activity"], frames)


def test_hdf5_per_video_and_as_a_matrix(tmp_path, frames):
    with h5py.File(tmp_path / "each.h5", "w") as file:
        for name, entry in frames.items():
            file[name] = entry
    means = np.stack([entry if entry.ndim == 1 else entry.mean(axis=0) for entry in frames.values()])
    with h5py.File(tmp_path / "matrix.hdf5", "w") as file:
        file["features"], file["ids"] = means, [name.encode() for name in frames]
    found = read_features({"a": tmp_path / "each.h5", "b": tmp_path / "matrix.hdf5"}, IDS)
    check(found["a"], frames)
    check(found["b"], frames)


def test_the_layout_of_jemc(tmp_path):
    objects, activity, sound = np.random.default_rng(2).normal(size=(3, 5, 6))
    for folder in ("resnet_feat_caffe_all", "video_features", "audio_features"):
        (tmp_path / folder).mkdir()
    np.save(tmp_path / "resnet_feat_caffe_all" / "video7.npy", objects)
    np.save(tmp_path / "video_features" / "msr_vtt-I3D-RGBFeatures-video7.npy", activity)
    with h5py.File(tmp_path / "audio_features" / "video7.mp3.soundnet.h5", "w") as file:
        file["layer24"] = sound
    rows = read_features(tmp_path, ("video6", "video7"))
    assert np.allclose(rows["objects"][1], objects.mean(axis=0))
    assert np.allclose(rows["activity"][1], activity.mean(axis=0))
    assert np.allclose(rows["sound"][1], sound.mean(axis=1))
    assert all(np.isnan(found[0]).all() for found in rows.values())


def test_bad_feature_files_say_which_and_why(tmp_path):
    made = {
        "two": [("video0", np.zeros(4)), ("i3d-video0", np.zeros(4))],
        "widths": [("video0", np.zeros(4)), ("video1", np.zeros(5))],
        "infinite": [("video0", np.full(4, np.inf))],
        "empty": [("video0", np.zeros((0, 4)))],
        "words": [("video0", np.array(["a"]))],
        "cube": [("video0", np.zeros((2, 3, 4)))],
        "none": [],
    }
    reasons = {
        "two": "video0.npy|as well", "widths": "different widths: 4 .*, 5", "infinite": "infinities",
        "empty": r"float64\(0, 4\)", "words": "wanted numbers", "cube": r"\(2, 3, 4\)",
        "none": "nothing named like",
    }  # fmt: skip
    for name, files in made.items():
        (tmp_path / name).mkdir()
        for stem, entry in files:
            np.save(tmp_path / name / f"{stem}.npy", entry)
        with pytest.raises(AffectError, match=reasons[name]) as told:
            read_features({"objects": tmp_path / name}, IDS)
        assert "\n" not in str(told.value)
    (tmp_path / "fake.h5").write_text("no")
    (tmp_path / "none" / "video0.npy").write_text("no")
    h5py.File(tmp_path / "bare.h5", "w").close()
    for place in ("fake.h5", "none", "bare.h5", "gone", "gone.h5"):
        with pytest.raises(AffectError) as told:
            read_features({"objects": tmp_path / place}, IDS)
        assert "\n" not in str(told.value)
    with pytest.raises(AffectError, match="JEMC"):
        read_jemc_features(tmp_path, IDS)
