from pathlib import Path

import pytest

from experiments.benchmarks.labelled_gallery import GalleryItem, list_mixed_queries, make_bag
from experiments.benchmarks.mixed_gallery import score_hits
from retrieval.search import Hit


def item(name, modality, *bags, label=""):
    return GalleryItem(
        path=Path(f"/{name}"),
        modality=modality,
        source=modality,
        label=label,
        bags=tuple(map(make_bag, bags)),
    )


GALLERY = {
    f"/{one.path.name}": one
    for one in (
        item("a.jpg", "image", "two dogs on grass"),
        item("b.jpg", "image", "a car"),
        item("c.mp4", "video", "dog", "skateboarding dog"),
        item("d.wav", "audio", "car engine", label="car engine"),
        item("e.wav", "audio", "dog growl"),
    )
}


def make_hit(rank, path):
    return Hit(
        rank=rank, id=path, path=path, modality=GALLERY[path].modality, score=0.5, space_scores={},
        start=None, end=None, segment=rank, view_scores={},
    )  # fmt: skip


def test_a_query_is_right_where_all_its_words_are_in_one_bag():
    assert GALLERY["/a.jpg"].matches("a dog") is False  # the article is a word
    assert GALLERY["/a.jpg"].matches("dogs") and GALLERY["/c.mp4"].matches("skateboarding dog")
    assert not GALLERY["/d.wav"].matches("dog") and GALLERY["/d.wav"].matches("car")
    assert not item("f", "video", "dog", "skateboard").matches("dog skateboard")


def test_queries_are_labels_of_sounds_and_words_with_an_answer():
    assert list_mixed_queries([*GALLERY.values()]) == ["car", "car engine", "dog", "grass"]


@pytest.mark.parametrize(
    ("paths", "precision", "shown"),
    [
        (["/a.jpg", "/c.mp4", "/e.wav", "/b.jpg"], 1, [True, True, True]),
        (["/b.jpg", "/d.wav", "/a.jpg"], 1 / 3, [False, True, False]),
        ([], 0, [False, False, False]),
    ],
)
def test_a_word_is_scored_by_what_is_right_among_the_first_five(paths, precision, shown):
    result = score_hits([make_hit(i, path) for i, path in enumerate(paths, 1)], GALLERY, "dog")
    assert result.precision == pytest.approx(precision)
    assert result.modalities == dict(zip(["audio", "image", "video"], shown, strict=True))
