"""Records in the report's format: read strictly, written back unchanged."""

import json

import pytest
from repository import DATA

from encoders import AffectError
from encoders.lexicon import EMOTIONS, NRC_COLUMNS
from experiments.emotion_retrieval.data.records import (
    EmotionRecord,
    read_records,
    require_video_ids,
    write_records,
)


def save(folder, *entries):
    path = folder / "records.json"
    path.write_text(json.dumps(entries))
    return path


def full(**changes):
    columns = dict.fromkeys(NRC_COLUMNS, 0.0)
    return {"video": "a.mp4", "video_id": "a", "caption": "a happy dog", "duration": 2.5, "emotion": 1,
            **columns, "joy": 2.0, "anger": 1.0, **changes}  # fmt: skip


def test_columns_are_read_in_the_one_order_whatever_their_order_in_the_file(tmp_path):
    entry = dict(reversed(full().items()))
    [record] = read_records(save(tmp_path, entry))
    assert record.emotions == (2, 0, 0, 0, 0, 0, 0, 1) and EMOTIONS[0] == "joy" and EMOTIONS[-1] == "anger"
    assert (record.video, record.video_id, record.duration, record.emotion) == ("a.mp4", "a", 2.5, True)
    assert record.sen_id is None


def test_what_a_file_lacks_is_missing_and_counted_when_asked(tmp_path):
    [record] = read_records(save(tmp_path, {"video": "clips/b.webm", "caption": "a happy baby"}))
    assert (record.video_id, record.video) == ("b", "clips/b.webm")
    assert record.emotions is record.emotion is record.duration is record.polarity is None
    assert record.counts[0] == 2.0  # joy: "happy", "baby"
    [record] = read_records(save(tmp_path, {"video_id": "b", "caption": "x"}))
    assert record.video == "b.mp4"


@pytest.mark.parametrize("name", ["msrvtt_test1k", "msrvtt_test34_emotion", "msrvtt_test68_e"])
@pytest.mark.data("msrvtt_annotations")
def test_the_reports_own_files_come_back(tmp_path, name):
    path = DATA / "msrvtt_annotations" / f"{name}.json"
    records = read_records(path)
    write_records(tmp_path / "again.json", records)
    theirs = [{"video": f"{one['video_id']}.mp4", **one} for one in json.loads(path.read_text())]
    assert json.loads((tmp_path / "again.json").read_text()) == theirs
    assert read_records(tmp_path / "again.json") == records


def test_a_list_is_a_record_of_each_text_and_sen_ids_keep_equal_captions_apart(tmp_path):
    records = read_records(save(tmp_path, full(caption=["one", "two", "one"])))
    assert [record.caption for record in records] == ["one", "two", "one"]
    assert {record.emotions for record in records} == {(2, 0, 0, 0, 0, 0, 0, 1)}
    records = read_records(save(tmp_path, full(sen_id=4), full(sen_id=5)))
    assert [record.sen_id for record in records] == [4, 5]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "no records"),
        (["text"], "entry 1 is no record"),
        ([full(), {"video_id": "b"}], 'entry 2 has no "caption"'),
        ([full(caption="  ")], "entry 1 has an empty caption"),
        ([full(caption=[])], "entry 1 has an empty caption"),
        ([full(caption=["a", 3])], "entry 1 has an empty caption"),
        ([{"caption": "x"}], 'entry 1 has no "video_id" and no "video"'),
        ([full(video_id=7)], "entry 1 has a video_id that is no name: 7"),
        ([full(sadness=None)], "but not sadness"),
        ([full(joy="2")], "joy that is no number of 0 or more: '2'"),
        ([full(joy=-1)], "joy that is no number"),
        ([full(duration=float("nan"))], "duration that is no number"),
        ([full(emotion=2)], "neither 0 nor 1: 2"),
        ([full(sen_id="x")], "sen_id that is no whole number"),
        ([full(), full(video_id="b"), full()], "entry 3 repeats the caption of entry 1, both of a"),
        ([full(sen_id=1), full(sen_id=1, caption="other")], "entry 2 repeats the sen_id of entry 1"),
    ],
)
def test_a_malformed_file_is_one_line_that_names_the_entry(tmp_path, entries, message):
    with pytest.raises(AffectError) as raised:
        read_records(save(tmp_path, *entries))
    assert message in str(raised.value) and "records.json" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_other_files_are_one_line(tmp_path):
    (tmp_path / "object.json").write_text('{"sentences": []}')
    for name in ("absent.json", "object.json"):
        with pytest.raises(AffectError, match="a JSON list of records"):
            read_records(tmp_path / name)


def test_a_video_that_nobody_has_is_named():
    records = [EmotionRecord(video_id=name, caption="x", video=f"{name}.mp4") for name in "abca"]
    require_video_ids(records, "abc", "the list")
    with pytest.raises(AffectError, match=r"^2 videos are not in the list: the first is b$"):
        require_video_ids(records, "a", "the list")
