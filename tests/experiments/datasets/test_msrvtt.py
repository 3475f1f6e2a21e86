import json
from collections import Counter

import pytest
from repository import require_data

from experiments.datasets import load_named_dataset
from experiments.datasets.msrvtt import list_msrvtt_ids, load_msrvtt


@pytest.fixture
def data():
    return require_data()


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
