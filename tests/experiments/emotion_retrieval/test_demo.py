"""`emotions demo`: the right order, the report's printed order, and means of classes."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from clip_factory import WORDS
from media_factory import clip, cut_short
from stored_clipvip import save_stored_model

from encoders.clipvip.config import REPORT_EMOTIONS
from encoders.clipvip.encoder import clip_vip
from experiments.emotion_retrieval.exploration.clip_ranking import (
    assign_classes,
    average_by_class,
    compare_classes,
    infer_classes,
    order_as_reported,
    rank_clips,
)
from experiments.emotions import main


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return [
        save_stored_model(folder / "base", WORDS),
        save_stored_model(folder / "report", WORDS, emotions=REPORT_EMOTIONS),
    ]


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for number, name in enumerate(("happy1", "happy2", "angry1", "angry2")):
        begins = [round(100 * index * (1 + number)) for index in range(4)]
        clip(folder / f"{name}.mp4", size=(64 + 32 * number, 64), begins=begins)
    cut_short(folder / "angry3.mp4", folder / "angry1.mp4", 0.2)
    return folder


def demo(*arguments):
    return CliRunner().invoke(main, ["demo", *map(str, arguments)])


def test_the_reports_order_is_the_inverse_permutation():
    scores = {"a": 0.1, "b": 0.3, "c": 0.2}  # ranks 3, 1, 2
    assert rank_clips(scores).names == ("b", "c", "a")
    assert order_as_reported(scores) == ["c", "a", "b"]  # as the report's own lines give
    swapped = {"a": 0.2, "b": 0.3, "c": 0.1}
    assert order_as_reported(swapped) == ["b", "a", "c"] == list(rank_clips(swapped).names)
    assert order_as_reported({"a": 0.5, "b": 0.5}) == ["a", "a"]  # a tie prints one name twice


def test_classes_are_parts_of_names_and_inferred_from_their_first_words():
    names = ["happy1.mp4", "happy2.mp4", "Angry 1.mp4", "angry-2.mp4", "other.mp4", "7.mp4"]
    assert infer_classes(names) == ("angry", "happy")
    found = assign_classes(names, ["happy", "angry"])
    assert list(found.values()) == ["happy", "happy", "angry", "angry", None, None]


def test_means_have_intervals_and_an_absent_class_has_none():
    scores = {"happy1": 0.2, "happy2": 0.4, "angry1": 0.1, "angry2": 0.1, "angry3": 0.4}
    classes = ["happy", "angry", "sad"]
    found = assign_classes(list(scores), classes)
    means = average_by_class(scores, found, classes)
    assert means["happy"].value == pytest.approx(0.3) and means["angry"].value == pytest.approx(0.2)
    assert means["happy"].high - 0.3 == pytest.approx(12.706 * 0.1, rel=1e-3)  # t of 1 degree, SE .1
    assert means["sad"] is None and compare_classes(scores, found, "happy", "sad") is None
    gap = compare_classes(scores, found, "happy", "angry")
    assert gap.value == pytest.approx(0.1) and gap.low < 0 < gap.high
    single = average_by_class({"happy1": 0.2}, {"happy1": "happy"}, ["happy"])["happy"]
    assert (single.value, single.low) == (0.2, None)


def test_a_folder_is_ranked_by_two_models(models, clips):
    done = demo(models[0], clips, "a happy dog", "--model", models[1], "--classes", "happy,angry", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert set(found["models"]) == {"base", "report"} and found["emotions"]["joy"] == 1
    assert list(found["unreadable"]) == ["angry3.mp4"] and found["clips"] == 4
    assert found["classes"] == {"happy": 2, "angry": 2}
    for result in found["models"].values():
        scores = [one["score"] for one in result["ranking"]]
        assert scores == sorted(scores, reverse=True) and len(set(scores)) == 4
        by_file = {one["file"]: one["score"] for one in result["ranking"]}
        happy = np.mean([by_file["happy1.mp4"], by_file["happy2.mp4"]])
        assert result["means"]["happy"]["value"] == pytest.approx(happy)
    text = clip_vip(models[1]).encode_text(["a happy dog"])
    assert np.abs(text - clip_vip(models[0]).encode_text(["a happy dog"])).max() > 0.01
    first, second = (found["models"][name]["ranking"] for name in ("base", "report"))
    assert first != second


def test_the_table_has_the_reports_order_beside_only_when_asked(models, clips):
    done = demo(models[0], clips, "a dog", "--report-order", "--classes", "happy,angry,sad")
    assert done.exit_code == 0, done.output
    assert '"a dog" names no emotion' in done.stdout
    assert "| rank | base | cosine | as reported |" in done.stdout
    assert "inverse of the right order" in done.stdout
    assert "sad: no file has it in its name" in done.stdout and "| happy - angry |" in done.stdout
    assert "not ranked: angry3.mp4: " in done.stdout
    done = demo(models[0], clips, "a dog")
    assert "as reported" not in done.stdout and "| angry | 2 |" in done.stdout


def test_what_does_not_go_is_one_line(models, clips, tmp_path):
    for arguments, message in (
        ((models[0], clips, "  "), "the query is empty"),
        ((models[0], tmp_path, "a dog"), "no videos here"),
        ((models[0], tmp_path / "none", "a dog"), "no such file"),
        ((tmp_path, clips, "a dog"), str(tmp_path)),
        ((models[0], clips, "a dog", "--model", models[0]), "given twice"),
        ((models[0], clips, "a dog", "--classes", " , "), "--classes names none"),
    ):
        done = demo(*arguments)
        assert done.exit_code == 2 and message in done.stderr, done.output
        assert done.stderr.count("\n") == 1
