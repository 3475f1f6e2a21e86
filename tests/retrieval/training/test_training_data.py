"""Captions that are read and matched with a library's items, and how many of them training needs."""

from contextlib import closing

import numpy as np
import pytest
from captioned_library import COUNT, make_captioned_library

from retrieval.storage.library import FileUpdate, Library
from retrieval.training.captioned_items import format_first_names, match_captions
from retrieval.training.captions_csv import CaptionedFile, read_captions
from retrieval.training.data_requirements import assign_caption_classes, count_training_data


def test_files_left_out_are_named_and_counted_apart(tmp_path):
    folder = tmp_path / "lib"
    told = make_captioned_library(folder, media=tmp_path)  # a path that is gone would give way to its copy's
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
