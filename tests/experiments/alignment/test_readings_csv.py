"""Readings of a user's CSV file."""

import numpy as np
import pytest

from encoders.base import AffectError
from experiments.alignment.readings_csv import read_readings_csv

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
