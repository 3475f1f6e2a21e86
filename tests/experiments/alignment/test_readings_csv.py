"""Readings of a user's CSV file."""

import numpy as np
import pytest

from encoders.base import AffectError
from experiments.alignment.csv_columns import ColumnChoice, split_block_names
from experiments.alignment.readings_csv import name_files, read_readings_csv

CSV = """face.valence,face.arousal,voice.valence,voice.arousal,words.joy,group,emotion
.1,.2,.3,.4,1,a,glad
.5,,.3,.4,0,a,
-.1,.2,-.3,.4,.5,b,sad
"""


def test_blocks_of_columns(tmp_path):
    (tmp_path / "mine.csv").write_text(CSV)
    pairs = read_readings_csv(tmp_path / "mine.csv").make_pairs()
    assert [pair.modalities for pair in pairs] == [("face", "voice"), ("face", "words"), ("voice", "words")]
    first = pairs[0]
    assert first.name == "mine: face to voice" and first.columns == ("valence", "arousal")
    assert np.isnan(first.source[1, 1]) and first.target[2].tolist() == [-0.3, 0.4]
    assert first.exchange == "groups" and first.groups.tolist() == ["a", "a", "b"]
    assert first.emotions.tolist() == ["glad", "", "sad"]
    assert not first.standardise and pairs[1].standardise
    assert read_readings_csv(tmp_path / "mine.csv", exchange="within").make_pairs()[0].exchange == "within"
    (tmp_path / "plain.csv").write_text("a.x,b.x\n1,2\n3,4\n")
    plain = read_readings_csv(tmp_path / "plain.csv").make_pairs()[0]
    assert plain.exchange == "rows" and plain.groups.tolist() == ["0", "1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        ("a.x,b.x\n", "no rows"),
        ("a.x,a.y\n1,2\n", "two or more blocks of columns are needed"),
        ("a.x,b.x\n1,two\n", "line 2, b.x: 'two' is not a number"),
        ("a.x,b.x\n1,2\n1\n", "line 3: 1 cells, not 2"),
        ("a.x,b.x\n1,inf\n", "line 2, b.x: not finite"),
        ("a.x,a.x,b.x\n1,2,3\n", "a column is there twice"),
        (b"a.x,b.x\n\xff\xfe,2\n", "not utf-8 text: invalid start byte"),
    ],
)
def test_malformed_files(tmp_path, text, message):
    file = tmp_path / "bad.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(AffectError, match=message) as error:
        read_readings_csv(file)
    assert "\n" not in str(error.value)
    with pytest.raises(AffectError, match="no such file"):
        read_readings_csv(tmp_path / "nowhere.csv")


RATERS = """rater1_valence,rater1_arousal,rater2_valence,rater2_arousal,film,control
.1,.2,.3,.4,a,
.5,.1,.3,.4,a,no
.1,.2,.3,.4,a,
-.1,.2,-.3,.4,b,yes

.5,.1,.3,.4,a,no
"""
CHOICE = ColumnChoice(
    source=("rater1_valence", "rater1_arousal"), target=("rater2_valence", "rater2_arousal"), group="film"
)


@pytest.fixture
def raters(tmp_path):
    path = tmp_path / "raters.csv"
    path.write_text(RATERS)
    return path


def test_columns_by_name(raters):
    pairs = read_readings_csv(raters, choice=CHOICE).make_pairs()[0]
    assert pairs.name == "raters: rater1 to rater2" and pairs.columns == ("valence", "arousal")
    assert not pairs.standardise  # the same two names: readings on one plane
    assert pairs.groups.tolist() == ["a"] * 4 and pairs.exchange == "groups"


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (("r1_v", "r1_a"), ("r2_v", "r2_a"), (("r1", ("v", "a")), ("r2", ("v", "a")))),
        (("v_r1",), ("v_r2",), (("r1", ("v",)), ("r2", ("v",)))),
        (("v.r1", "a.r1"), ("v.r2", "a.r2"), (("r1", ("v", "a")), ("r2", ("v", "a")))),
        (("x", "y"), ("z",), (("a", ("x", "y")), ("b", ("z",)))),
        (("face_joy",), ("voice_joy",), (("face", ("joy",)), ("voice", ("joy",)))),
    ],
)
def test_names_of_modalities_from_columns(source, target, expected):
    assert split_block_names(source, target) == expected


def test_rows_marked_as_controls_are_a_set_of_their_own(raters):
    readings = read_readings_csv(raters, choice=CHOICE)
    pairs, controls = readings.make_pairs()
    assert (len(pairs), len(controls)) == (4, 1) and controls.groups.tolist() == ["b"]
    assert not pairs.construction and "marks these rows as controls" in controls.construction
    assert "1 row marked as a control is a set of its own" in pairs.notes
    assert len(readings.drop_controls().row_groups) == 4
    raters.write_text(RATERS.replace(",no", ",maybe"))
    with pytest.raises(AffectError, match="line 3, control: 'maybe' is neither yes nor no"):
        read_readings_csv(raters, choice=CHOICE)


def test_repeated_rows_are_counted(raters):
    notes = read_readings_csv(raters, choice=CHOICE).notes
    assert notes == ("2 rows repeat earlier ones in every column; they are counted as pairs of their own",)
    raters.write_text("\n".join(RATERS.splitlines()[:3]) + "\n")
    assert read_readings_csv(raters, choice=CHOICE).notes == ()


def test_unknown_columns_are_listed_with_those_there_are(raters):
    message = "raters.csv: no column joy; columns: rater1_valence, rater1_arousal, rater2_valence"
    with pytest.raises(AffectError, match=message):
        read_readings_csv(raters, choice=ColumnChoice(source=("joy",), target=("rater2_valence",)))
    with pytest.raises(AffectError, match="no column scene; columns"):
        read_readings_csv(raters, choice=ColumnChoice(group="scene"))
    with pytest.raises(AffectError, match="--a and --b go together"):
        ColumnChoice(source=("x",))
    with pytest.raises(AffectError, match="x is named twice"):
        ColumnChoice(source=("x",), target=("x",))


def test_files_of_one_name_get_names_of_their_own(tmp_path):
    paths = [tmp_path / "one" / "pairs.csv", tmp_path / "two" / "pairs.csv", tmp_path / "mine.csv"]
    assert list(name_files(paths)) == ["one/pairs", "two/pairs", "mine"]
    assert list(name_files([paths[0], paths[0]])) == ["pairs"]
    assert list(name_files([tmp_path / "x.csv", tmp_path / "x.txt"])) == ["x.csv", "x.txt"]
