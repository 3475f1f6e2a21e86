"""Wordings of a noun, how far two of them are apart, and the benchmark on a few photos."""

import numpy as np
import pytest
from PIL import Image

from experiments.benchmarks import wording
from experiments.benchmarks.query_wordings import WORDINGS, find_nouns, misspell, pluralise
from experiments.benchmarks.wording import summarise_difference
from experiments.datasets import LabelledFile


def test_nouns_are_singular_and_occur_twice():
    captions = ["A dog on a hill .", "the dog is by a tree , a cat", "the tree in the snow", "The dogs run"]
    assert find_nouns(captions) == ["dog", "tree"]


@pytest.mark.parametrize(
    ("noun", "plural"),
    [
        ("cat", "cats"),
        ("bus", "buses"),
        ("lady", "ladies"),
        ("toy", "toys"),
        ("fireman", "firemen"),
        ("child", "children"),
    ],
)
def test_plurals(noun, plural):
    assert pluralise(noun) == plural


@pytest.mark.parametrize("noun", ["frisbee", "great dane", "snow", "kettle"])
def test_a_typing_error_is_one_letter_and_always_the_same(noun):
    wrong = misspell(noun)
    assert wrong == misspell(noun) and abs(len(wrong) - len(noun)) <= 1 and wrong[0] == noun[0]
    changed = [at for at, (a, b) in enumerate(zip(wrong, noun, strict=False)) if a != b]
    if len(wrong) == len(noun):
        assert len(changed) <= 2


def test_equal_scores_differ_by_nothing_and_moved_ones_by_what_they_moved():
    plain = np.linspace(0, 0.8, 40).reshape(2, 20)
    same, moved = summarise_difference(plain, plain, 0), summarise_difference(plain, plain + 0.15, 0)
    assert (same["difference"].value, same["within .1"].value, same["tau"].value) == (0, 1, pytest.approx(1))
    assert moved["difference"].value == pytest.approx(0.15) and moved["within .1"].value == 0
    assert moved["top 10"].value == 1 and summarise_difference(plain, -plain, 0)["top 10"].value == 0


@pytest.mark.slow
def test_the_benchmark_of_a_few_photos(tmp_path, monkeypatch):
    data = pytest.importorskip("skimage.data")
    monkeypatch.setattr(wording, "NAME_STEP", 200)
    photos = []
    for name, caption in {
        "chelsea": "a kitten on a sofa",
        "coffee": "a spoon by a cup",
        "rocket": "a rocket at night",
    }.items():
        Image.fromarray(getattr(data, name)()).save(tmp_path / f"{name}.png")
        photos.append(
            LabelledFile(path=tmp_path / f"{name}.png", labels=(caption, f"{caption} ."), split="dev")
        )
    report = wording.run_benchmark(photos, "dev", 0)
    rows = {(row["texts"], row.get("wording"), row["way"]): row for row in report.rows}
    assert len(rows) == 2 * len(WORDINGS) * 3 + 2
    assert rows["nouns", "cat!!", "as typed"]["difference"].value > 0
    assert rows["nouns", "cat!!", "as read"]["difference"].value == 0
    assert report.requirements[0].is_met
