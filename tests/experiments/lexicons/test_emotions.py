import json

import pytest
from click.testing import CliRunner
from repository import DATA, require_data

from encoders.base import AffectError
from experiments.emotions import main
from experiments.lexicons.annotate_command import MSRVTT_CAPTIONS_FILE, MSRVTT_RELEASED_FILE
from experiments.lexicons.annotation import (
    annotate,
    compare_records,
    count_emotional,
    sample_balanced,
    sort_emotional_first,
)
from experiments.lexicons.caption_files import VideoCaption, read_video_captions

KEYS = [
    "video", "video_id", "caption", "duration", "emotion", "positive", "negative", "neutral", "joy", "trust",
    "surprise", "anticipation", "fear", "sadness", "disgust", "anger",
]  # fmt: skip
JOYFUL, KEYWORD, PLAIN = "a great, wonderful and lovely party", "a ranger saddles up", "a man walks"


def captions(*said):
    return [VideoCaption(caption=one, video_id=f"video{at}") for at, one in enumerate(said)]


def run(*options):
    return CliRunner().invoke(main, [str(one) for one in options])


@pytest.fixture
def real():
    require_data(MSRVTT_RELEASED_FILE)
    return ["--data-root", DATA]


@pytest.mark.data
def test_real_captions_give_the_reports_counts(real, tmp_path):
    done = run(*real, "--out", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["as_reported"] == {"captions": 1000, "vader": 29, "keyword": 7, "together": 34}
    assert told["today"] == {"captions": 1000, "vader": 30, "keyword": 7, "together": 35}
    [other] = told["differ"]
    assert (other["video_id"], other["caption"]) == ("video8666", "a heart is shown")
    assert other["words"] == ["heart"]
    assert told["released"] == {
        "both": 1000, "equal": 1000, "columns_differ": [], "emotion_differs": ["video8666"],
    }  # fmt: skip
    assert told["balanced"] == {"emotional": 35, "neutral": 35}
    assert len(told["records"]) == 1000


@pytest.mark.data
def test_as_reported_the_emotional_records_are_those_released(real, tmp_path):
    done = run(*real, "--as-reported", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "emotional or not: 1000 of 1000 as released" in done.stdout
    assert "29 by VADER, 7 by keyword, 34 together" in done.stdout
    theirs = json.loads((DATA / "msrvtt_annotations" / "msrvtt_test34_emotion.json").read_text())
    ours = json.loads((tmp_path / "emotional.json").read_text())
    assert ours == theirs
    assert [list(record) for record in ours] == [KEYS] * 34
    mixed = json.loads((tmp_path / "balanced.json").read_text())
    assert mixed == ours + json.loads((tmp_path / "neutral.json").read_text())
    assert [record["emotion"] for record in mixed] == [1] * 34 + [0] * 34


@pytest.mark.data
def test_without_an_argument_people_read_what_differs(real, tmp_path):
    done = run(*real, "--out", tmp_path)
    assert 'video8666: "a heart is shown" scores +0.64, there +0.00: its lexicon lacks heart' in done.stdout
    assert "columns: 1000 of 1000 captions as released\n" in done.stdout


def test_records_have_the_types_of_the_released_ones():
    [one] = annotate([VideoCaption(caption=KEYWORD)])
    assert list(one.record) == KEYS
    assert one.record["video"] is one.record["video_id"] is one.record["duration"] is None
    assert type(one.record["emotion"]) is int and one.record["emotion"] == 1
    assert {type(one.record[name]) for name in KEYS[5:]} == {float}


def test_captions_are_emotional_by_vader_or_by_keyword():
    found = annotate(captions(PLAIN, KEYWORD, JOYFUL, "Happy"))
    assert [one.is_emotional for one in found] == [False, True, True, False]
    assert count_emotional(found, as_reported=False).vader == 1
    assert count_emotional(found, as_reported=False).together == 2
    assert [one.source.video_id for one in sort_emotional_first(found)] == [
        "video2",
        "video1",
        "video0",
        "video3",
    ]
    assert [one.is_emotional for one in annotate(captions("Happy"), lower_case=True)] == [True]
    assert not any(one.is_sentimental for one in annotate(captions(JOYFUL), threshold=0.99))


@pytest.mark.parametrize(("emotional", "neutral"), [(3, 20), (20, 3), (0, 5), (5, 0)])
def test_subsets_are_balanced_and_drawn_by_seed(emotional, neutral):
    found = annotate(captions(*[JOYFUL] * emotional, *[PLAIN] * neutral))
    size = min(emotional, neutral)
    one, other = sample_balanced(found, seed=1)
    assert len(one) == len(other) == size
    assert all(item.is_emotional for item in one) and not any(item.is_emotional for item in other)
    assert sample_balanced(found, seed=1) == (one, other)
    if size:
        draws = {
            tuple(item.source.video_id for part in sample_balanced(found, seed=at) for item in part)
            for at in range(9)
        }
        assert len(draws) > 1


def test_records_that_differ_are_named():
    found = annotate(captions(JOYFUL, PLAIN))
    records = [one.record for one in found]
    assert compare_records(found, records).equal == 2
    worse = [{**records[0], "joy": 9.0}, {**records[1], "emotion": 1}, {"video_id": "elsewhere"}]
    assert compare_records(found, worse).columns_differ == ("video0",)
    assert compare_records(found, worse).emotion_differs == ("video1",)
    assert compare_records(found, []).both == 0


FILES = {
    "a.json": '[{"video": "clips/v1.mp4", "caption": "one", "duration": 3},'
    '{"video_id": "v2", "text": "two"}]',
    "a.jsonl": '{"video_id": "v1", "sentence": "one", "duration": "3"}\n\n'
    '{"video_id": "v2", "caption": ["two"]}\n',
    "a.csv": "\ufeffvideo_id,sentence,duration\nv1,one,3\nv2,two,\n",
    "a.tsv": "vid_key\ttext\tduration\nv1\tone\t3\nv2\ttwo\tnan\n",
}


@pytest.mark.parametrize("name", FILES)
def test_captions_are_read_from_any_common_form(name, tmp_path):
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    found = read_video_captions(tmp_path / name)
    assert [(one.caption, one.video_id, one.duration) for one in found] == [
        ("one", "v1", 3.0), ("two", "v2", None),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", FILES)
def test_captions_of_any_encoding(name, encoding, tmp_path):
    (tmp_path / name).write_bytes(FILES[name].removeprefix("\ufeff").encode(encoding))
    assert [one.caption for one in read_video_captions(tmp_path / name)] == ["one", "two"]


def test_only_ends_of_line_end_a_caption(tmp_path):
    said = ["a man\u2028dances\x0chappily", "a dog\u2029runs\x85on\x0bthe grass"]
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"caption": one}, ensure_ascii=False) + "\n" for one in said), encoding="utf-8"
    )
    (tmp_path / "a.csv").write_text("\n".join(["caption", *said]), encoding="utf-8")
    for ending in ("\n", "\r\n", "\r"):
        (tmp_path / "a.txt").write_bytes(ending.join(said).encode())
        for name in ("a.jsonl", "a.csv", "a.txt"):
            assert [one.caption for one in read_video_captions(tmp_path / name)] == said, (name, ending)


def test_a_curly_apostrophe_counts_as_in_the_report_and_help_says_so():
    curly, straight = annotate(captions("I don’t like it", "I don't like it"))
    assert curly.nrc_scores["trust"] == 1 and straight.nrc_scores["trust"] == 0
    assert curly.compound > 0 > straight.compound
    assert "apostrophe" in run("annotate", "--help").output
    assert "annotate" in run("--help").output


def test_plain_text_is_one_caption_a_line_in_its_order(tmp_path):
    (tmp_path / "said.txt").write_text("b, first\n\n  a second \n")
    assert read_video_captions(tmp_path / "said.txt") == [
        VideoCaption(caption="b, first"),
        VideoCaption(caption="a second"),
    ]


def test_captions_of_one_video_are_joined_and_sorted_by_id(tmp_path):
    said = [("v9", "one"), ("v10", "two"), ("v9", "three")]
    file = tmp_path / "MSRVTT_data.json"
    file.write_text(json.dumps({"sentences": [{"video_id": name, "caption": text} for name, text in said]}))
    assert [(one.video_id, one.caption) for one in read_video_captions(file)] == [
        ("v10", "two"),
        ("v9", "one. three"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "{", "not captions as a JSON list"), ("a.json", '{"a": 1}', "neither a list"),
        ("a.json", '[{"video": "v"}]', "entry 1 has no caption, text or sentence"),
        ("a.json", '[{"caption": 5}]', "entry 1 has no"), ("a.json", "[3]", "entry 1 is no record"),
        ("a.json", '[{"caption": "x", "duration": "long"}]', "duration that is no number"),
        ("a.json", "[]", "no captions"), ("a.jsonl", '{"caption": "x"}\n{', "line 2"),
        ("a.csv", "a,b\n1,2\n", "no column caption"),
        ("a.csv", 'caption\nx\n" "\n', "row 2 has no caption"),
        ("a.txt", "", "no captions"), ("a.txt", b"\xff\xfe\x00", "not captions"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_2(name, content, said, tmp_path):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = run(file, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_places_that_are_not_there_are_named(tmp_path):
    assert "no such file" in run(tmp_path / "none.json").stderr
    assert "a folder" in run(tmp_path).stderr
    (tmp_path / "said.txt").write_text(PLAIN)
    (tmp_path / "taken").write_text("")
    done = run(tmp_path / "said.txt", "--out", tmp_path / "taken")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert run(tmp_path / "said.txt", "--released", tmp_path / "gone.json").exit_code == 2
    assert run("--data-root", tmp_path).exit_code == 2
    assert str(tmp_path / MSRVTT_CAPTIONS_FILE) in run("--data-root", tmp_path).stderr


def test_own_captions_end_to_end(tmp_path):
    (tmp_path / "said.txt").write_text("\n".join([PLAIN, JOYFUL, KEYWORD]))
    done = run(tmp_path / "said.txt", "--out", tmp_path / "out", "--seed", 3)
    assert done.exit_code == 0, done.output
    assert "1 by VADER, 1 by keyword, 2 together" in done.stdout
    assert "balanced: 1 emotional + 1 neutral, seed 3" in done.stdout
    every = json.loads((tmp_path / "out" / "all.json").read_text())
    assert [record["caption"] for record in every] == [JOYFUL, KEYWORD, PLAIN]
    with pytest.raises(AffectError):
        read_video_captions(tmp_path / "out")
