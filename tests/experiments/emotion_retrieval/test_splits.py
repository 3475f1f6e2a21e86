"""The report's sets of MSR-VTT: from the real lists, and with captions of the user's."""

import json

import pytest
from click.testing import CliRunner
from repository import DATA

from encoders import AffectError
from experiments.emotion_retrieval.data.msrvtt_splits import SETS, TEST_SETS, SplitRule, load_report_sets
from experiments.emotion_retrieval.data.records import read_records
from experiments.emotions import main


@pytest.fixture
def lists(tmp_path):
    """A data root with small lists, and MSR-VTT's annotation of their training videos."""
    folder = tmp_path / "msrvtt_annotations"
    folder.mkdir()
    (folder / "MSRVTT_train.9k.csv").write_text("video_id\nvideo0\nvideo1\nvideo2\n")
    (folder / "MSRVTT_train.7k.csv").write_text("video_id\nvideo0\nvideo1\n")
    (folder / "MSRVTT_JSFUSION_test.csv").write_text(
        "key,vid_key,video_id,sentence\nr,m,video7,a scared cat\nr,m,video8,a cup\nr,m,video9,a door\n"
    )
    texts = {"video0": ["a man", "a road"], "video1": ["a dog", "a happy dog"], "video2": ["a sad man"]}
    sentences = [(video, text) for video, captions in texts.items() for text in captions]
    save_annotation(folder, sentences)
    return tmp_path


def save_annotation(folder, sentences):
    content = {
        "videos": [
            {"video_id": "video1", "start time": 2.0, "end time": 12.5},
            {"video_id": "video0", "start time": 0, "end time": 10},
        ],
        "sentences": [
            {"video_id": video, "sen_id": 10 + number, "caption": text}
            for number, (video, text) in enumerate(sentences)
        ],
    }
    (folder / "train_val_videodatainfo.json").write_text(json.dumps(content))


def test_all_sets_per_video(lists):
    sets = load_report_sets(data_root=lists)
    assert tuple(sets) == SETS
    found = {name: [(one.video_id, one.emotion) for one in records] for name, records in sets.items()}
    assert found["train9k"] == [("video1", True), ("video2", True), ("video0", False)]
    assert found["train7k"] == [("video1", True), ("video0", False)]
    assert found["emotional6k"] == [("video1", True), ("video2", True)]
    assert found["test1k"] == [("video7", True), ("video8", False), ("video9", False)]
    assert found["emotional34"] == [("video7", True)] and len(found["neutral34"]) == 1
    first = sets["train9k"][0]
    assert (first.caption, first.duration, first.video) == ("a dog. a happy dog", 10.5, "video1.mp4")
    assert first.sen_id is None and first.emotions[0] == 1


def test_per_caption_a_record_has_its_own_columns_and_its_videos_flag(lists):
    records = load_report_sets(["emotional6k"], SplitRule(annotating="caption"), data_root=lists)
    found = [(one.sen_id, one.caption, one.emotion, one.emotions[0]) for one in records["emotional6k"]]
    assert found == [(12, "a dog", True, 0), (13, "a happy dog", True, 1), (14, "a sad man", True, 0)]


def test_neutral_videos_are_drawn_by_seed(lists):
    drawn = {
        load_report_sets(["neutral34"], SplitRule(seed=seed), data_root=lists)["neutral34"][0].video_id
        for seed in range(9)
    }
    assert drawn == {"video8", "video9"}


@pytest.mark.data("msrvtt_annotations")
def test_the_real_test_sets_are_the_reports():
    sets = load_report_sets(TEST_SETS, SplitRule(as_reported=True), data_root=DATA)
    folder = DATA / "msrvtt_annotations"
    theirs = {one.video_id: one for one in read_records(folder / "msrvtt_test1k.json")}
    assert {one.video_id: one for one in sets["test1k"]} == theirs and len(sets["test1k"]) == 1000
    assert all(one.emotion for one in sets["test1k"][:34])
    assert sets["emotional34"] == read_records(folder / "msrvtt_test34_emotion.json")
    assert len(sets["neutral34"]) == 34
    assert not {one.video_id for one in sets["neutral34"]} & {one.video_id for one in sets["emotional34"]}


@pytest.mark.data("msrvtt_annotations")
def test_without_captions_of_training_videos_the_command_says_what_goes(tmp_path):
    def run(*options):
        return CliRunner().invoke(
            main, ["splits", "--data-root", str(DATA), "--out", str(tmp_path / "out"), *options]
        )

    done = run()
    assert done.exit_code == 2 and "choose the sets test1k, emotional34, neutral34" in done.stderr
    assert done.stderr.count("\n") == 1 and not (tmp_path / "out").exists()
    done = run("--sets", "test1k,emotional34", "--as-reported", "--json")
    assert json.loads(done.stdout)["sets"]["test1k"] == {"videos": 1000, "records": 1000, "emotional": 34}
    assert len(read_records(tmp_path / "out" / "emotional34.json")) == 34


def test_bad_input_is_one_line(lists):
    with pytest.raises(AffectError, match="no set train8k; sets: train9k"):
        load_report_sets(["train8k"], data_root=lists)
    folder = lists / "msrvtt_annotations"
    save_annotation(folder, [("video0", "x"), ("video1", "y")])
    with pytest.raises(AffectError, match="no captions of 1 of the 3 videos of train9k, such as video2"):
        load_report_sets(data_root=lists)
    assert len(load_report_sets(["train7k"], data_root=lists)["train7k"]) == 2
    save_annotation(folder, [("video0", "x"), ("video1", " ")])
    with pytest.raises(AffectError, match="caption 11 of video1 is empty"):
        load_report_sets(["train7k"], data_root=lists)
    (folder / "train_val_videodatainfo.json").write_text(
        json.dumps({"sentences": [{"video_id": "video0", "sen_id": 4, "caption": text} for text in "xy"]})
    )
    with pytest.raises(AffectError, match="caption 4 of video0 is there twice"):
        load_report_sets(["train7k"], data_root=lists)
    (folder / "MSRVTT_JSFUSION_test.csv").unlink()
    with pytest.raises(AffectError, match=r"MSRVTT_JSFUSION_test\.csv"):
        load_report_sets(["test1k"], data_root=lists)
