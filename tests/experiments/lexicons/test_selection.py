"""`emotions annotate`: select and annotate per video and per caption."""

import json

import pytest
from click.testing import CliRunner
from repository import DATA

from experiments.emotion_retrieval.data.records import read_records
from experiments.emotions import main

FIVE = [  # the second video is emotional by its last caption alone
    ("b", "a man walks"), ("a", "a man talks"), ("b", "a dog runs"), ("a", "a happy child laughs"),
    ("c", "a car"),
]  # fmt: skip
FILES = ("all", "emotional", "neutral", "balanced")


@pytest.fixture
def annotate(tmp_path):
    """Runs `annotate` on captions of videos; (result, the records of each file by its name)."""

    def run(*options, entries=FIVE, name="captions.json"):
        content = entries
        if isinstance(entries, list):
            content = [{"video_id": video, "caption": text} for video, text in entries]
        (tmp_path / name).write_text(json.dumps(content))
        arguments = ["annotate", tmp_path / name, "--out", tmp_path / "out", *options]
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        paths = {one: tmp_path / "out" / f"{one}.json" for one in FILES}
        return result, {one: json.loads(path.read_text()) for one, path in paths.items() if path.exists()}

    return run


def test_by_default_a_record_is_a_video_without_sen_id(annotate):
    done, files = annotate()
    assert done.exit_code == 0, done.output
    assert [(one["video_id"], one["emotion"]) for one in files["all"]] == [("a", 1), ("b", 0), ("c", 0)]
    assert files["all"][0]["caption"] == "a man talks. a happy child laughs"
    assert "sen_id" not in files["all"][0]
    assert annotate("--select", "video", "--annotate", "video")[1] == files


def test_captions_take_the_flag_of_their_video_and_their_own_columns(annotate):
    done, files = annotate("--annotate", "caption", "--json")
    assert done.exit_code == 0, done.output
    found = [(one["video_id"], one["sen_id"], one["emotion"], one["joy"]) for one in files["all"]]
    assert found == [("a", 1, 1, 0), ("a", 3, 1, 2), ("b", 0, 0, 0), ("b", 2, 0, 0), ("c", 4, 0, 0)]
    assert [one["video_id"] for one in files["emotional"]] == ["a", "a"]
    assert len({one["video_id"] for one in files["neutral"]}) == 1  # as many videos, not captions
    assert files["balanced"] == files["emotional"] + files["neutral"]
    assert list(files["all"][0])[:5] == ["video", "video_id", "caption", "sen_id", "duration"]


def test_captions_selected_on_their_own(annotate, tmp_path):
    done, files = annotate("--select", "caption")
    assert done.exit_code == 0, done.output
    assert [(one["sen_id"], one["emotion"]) for one in files["all"]] == [
        (3, 1), (0, 0), (1, 0), (2, 0), (4, 0),
    ]  # fmt: skip
    assert len(files["emotional"]) == len(files["neutral"]) == 1
    assert [one.sen_id for one in read_records(tmp_path / "out" / "all.json")] == [3, 0, 1, 2, 4]


@pytest.mark.parametrize(("unit", "texts"), [("caption", 5), ("video", 3)])
def test_without_a_selection_there_is_no_flag_and_no_subset(annotate, unit, texts):
    done, files = annotate("--select", "none", "--annotate", unit)
    assert done.exit_code == 0, done.output
    assert set(files) == {"all"} and len(files["all"]) == texts
    assert not any("emotion" in one for one in files["all"]) and "joy" in files["all"][0]
    assert "balanced" not in done.stdout
    assert annotate("--select", "none")[0].exit_code == 0


def test_the_sen_ids_of_a_file_are_kept(annotate):
    content = {"sentences": [{"video_id": "v", "caption": "x", "sen_id": at} for at in (7, 5)]}
    _, files = annotate("--select", "caption", entries=content)
    assert [one["sen_id"] for one in files["all"]] == [7, 5]


def test_an_object_of_captions_by_video(annotate):
    content = {"v2": ["a man", "a happy man"], "v1": ["a dog"]}
    done, files = annotate("--select", "none", entries=content)
    assert done.exit_code == 0, done.output
    assert [(one["video_id"], one["sen_id"]) for one in files["all"]] == [("v2", 0), ("v2", 1), ("v1", 2)]


def test_the_summary_says_how_the_meanings_differ(annotate):
    done, _ = annotate()
    assert "per caption: 1 of 5 emotional (20.00 %)" in done.stdout
    assert "per video, joined: 1 of 3 emotional (33.33 %)" in done.stdout
    found = json.loads(annotate("--json")[0].stdout)
    assert found["per caption"]["texts"] == 5 and found["per video"]["texts"] == 3
    assert found["per video"]["emotional"] == 1 and found["per video"]["without_emotion"] == 2
    done, _ = annotate(entries=[("a", "x"), ("b", "y")])
    assert "per caption" not in done.stdout


@pytest.mark.parametrize(
    ("options", "entries", "message"),
    [
        (["--select", "caption", "--annotate", "video"], FIVE, "leave out --annotate video"),
        (["--annotate", "caption"], {"sentences": [{"caption": "x"}]}, "without video ids"),
        ([], {"sentences": [{"caption": "x", "sen_id": "y"}]}, "sen_id that is no whole number"),
    ],
)
def test_what_does_not_go_together_is_one_line(annotate, options, entries, message):
    done, files = annotate(*options, entries=entries)
    assert done.exit_code == 2 and message in done.stderr and done.stderr.count("\n") == 1
    assert not files


def test_help_has_the_table():
    text = CliRunner().invoke(main, ["annotate", "--help"]).output
    assert "its video's, joined  the caption" in text and "sen_id" in text


@pytest.mark.slow
@pytest.mark.data("msvd_captions")
def test_on_msvd_the_two_meanings_are_far_apart(annotate):
    """The first twenty captions of each video, as many as MSR-VTT has."""
    content = json.loads((DATA / "msvd_captions" / "captions_msvd.json").read_text())
    found = json.loads(annotate("--json", entries={video: c[:20] for video, c in content.items()})[0].stdout)
    assert found["per caption"]["texts"] == 39398 and found["per video"]["texts"] == 1970
    assert found["per caption"]["emotional"] / 39398 == pytest.approx(0.0099, abs=0.0001)
    assert found["per video"]["emotional"] / 1970 == pytest.approx(0.461, abs=0.001)
