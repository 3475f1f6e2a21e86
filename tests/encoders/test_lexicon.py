import csv
import json
import re
import string
import subprocess
import sys
from collections import Counter

import pytest
from repository import DATA, require_data

from encoders import lexicon
from encoders.base import MissingBackendError
from encoders.lexicon import (
    EMOTION_KEYWORDS,
    EMOTIONS,
    NRC_COLUMNS,
    WORDS_NOT_IN_NLTK,
    compute_nrc_columns,
    count_nrc_emotions,
    has_emotion_keyword,
    is_sentimental,
    normalise_text,
    score_sentiment,
    tokenize_for_nrc,
)

ANNOTATIONS = DATA / "msrvtt_annotations"
EMOBANK = ANNOTATIONS.parent / "emobank" / "emobank.csv"


def released(name):
    require_data("msrvtt_annotations")
    return json.loads((ANNOTATIONS / name).read_text())


def test_import_is_light():
    code = (
        "import encoders.lexicon, sys; print(sorted({'nltk', 'torch', 'vaderSentiment'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_columns_count_every_occurrence():
    found = compute_nrc_columns("a young girl in a horror movie is haunted")
    assert list(found) == list(NRC_COLUMNS)
    assert found["fear"] == 2
    assert found["positive"] == 1
    twice = count_nrc_emotions("horror, and then: horror!")
    assert twice == Counter({name: 2 * count for name, count in count_nrc_emotions("horror").items()})
    assert all(type(value) is float for value in found.values())


def test_neutral_is_one_without_a_polarity_and_emotions_may_stand_without_one():
    assert compute_nrc_columns("two men walk") == {name: float(name == "neutral") for name in NRC_COLUMNS}
    assert compute_nrc_columns("")["neutral"] == 1
    assert compute_nrc_columns("horror")["neutral"] == 0


def test_words_count_in_the_case_they_are_written_as_in_the_seed():
    assert count_nrc_emotions("Horror") == Counter()
    assert count_nrc_emotions("horrors") != count_nrc_emotions("horror")  # no lemmas


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the mother's joy.", ["the", "mother", "joy"]),
        ("happy,sad;(joy) 'vote'", ["happy", "sad", "joy", "vote"]),
        ("don't fear...well-known", ["do", "fear", "well-known"]),
        ("1,000 joys/fears", ["1,000", "joys/fears"]),
        ("", []), (" -- ?!", []),
    ],
)  # fmt: skip
def test_words_are_cut_as_textblob_cuts_them(text, words):
    assert tokenize_for_nrc(text) == words


@pytest.mark.data
def test_words_of_the_lexicon_are_those_nltk_finds():
    """On sentences of news, letters and fiction, against the tokeniser behind TextBlob."""
    from nltk.tokenize.destructive import NLTKWordTokenizer

    require_data("emobank")
    cut, known = NLTKWordTokenizer().tokenize, lexicon._load_nrc_lexicon()
    with EMOBANK.open(newline="", encoding="utf-8") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)][::3]
    other = [
        text
        for text in texts
        if Counter(word for word in tokenize_for_nrc(text) if word in known)
        != Counter(word for token in cut(text) if (word := token.strip(string.punctuation)) in known)
    ]
    assert [text for text in other if "wanna" not in text] == []


@pytest.mark.data
@pytest.mark.parametrize(("name", "count"), [("msrvtt_test68_e.json", 68), ("msrvtt_test1k.json", 1000)])
def test_columns_are_those_released(name, count):
    records = released(name)
    assert len(records) == count
    unequal = [
        record["video_id"]
        for record in records
        if compute_nrc_columns(record["caption"]) != {column: record[column] for column in NRC_COLUMNS}
    ]
    assert unequal == []


def test_keywords_are_the_seeds():
    assert EMOTION_KEYWORDS.count("|") == 22
    assert "| anger|" in EMOTION_KEYWORDS
    for text in ("a happy man", "he drew back in anger", "saddle", "unhappy", "fearfully", "surprised"):
        assert has_emotion_keyword(text)
    for text in ("danger", "anger", "Happy", "a man runs", ""):  # "anger" alone lacks the blank before it
        assert not has_emotion_keyword(text)


def test_sentiment():
    assert score_sentiment("what a great and wonderful day").compound > 0.6
    assert score_sentiment("a terrible, horrible disaster").compound < -0.6
    assert score_sentiment("not happy at all").compound < 0 < score_sentiment("happy").compound
    parts = score_sentiment("a good man")
    assert parts.positive + parts.negative + parts.neutral == pytest.approx(1, abs=0.002)
    nothing = score_sentiment("")
    assert (nothing.compound, nothing.positive, nothing.negative, nothing.neutral) == (0, 0, 0, 0)


def test_sentimental_lies_beyond_the_bound_on_either_side():
    assert is_sentimental(score_sentiment("a terrible, horrible disaster"))
    assert not is_sentimental(score_sentiment("a man walks"))
    assert is_sentimental(score_sentiment("a good man"), 0.4) and not is_sentimental(
        score_sentiment("a good man"), 0.5
    )


def test_words_can_be_left_out_of_vaders_lexicon():
    assert score_sentiment("a heart is shown").compound == pytest.approx(0.6369)
    assert score_sentiment("a heart is shown", excluded_words=WORDS_NOT_IN_NLTK).compound == 0
    assert score_sentiment("a heart is shown").compound > 0.6  # the lexicon itself is left as it was


def test_a_lexicon_that_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "vaderSentiment", None)
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    lexicon._load_analyser.cache_clear()
    with pytest.raises(MissingBackendError, match="pip install vaderSentiment"):
        score_sentiment("good")
    monkeypatch.setitem(sys.modules, "nrclex", None)
    lexicon._load_nrc_lexicon.cache_clear()
    with pytest.raises(MissingBackendError, match="pip install nrclex"):
        count_nrc_emotions("good")
    monkeypatch.undo()
    assert count_nrc_emotions("good")


def test_emotions_are_plutchiks():
    from spaces.circumplex import EMOTION_SCHEMES

    assert set(EMOTIONS) == set(EMOTION_SCHEMES["plutchik"])
    assert all(re.fullmatch("[a-z]+", name) for name in NRC_COLUMNS)


@pytest.mark.parametrize("apostrophe", "’‘ʼ＇´`")
def test_features_read_any_apostrophe_as_the_straight_one(apostrophe):
    curly, straight = (
        f"I don{apostrophe}t like it, it isn{apostrophe}t good",
        "I don't like it, it isn't good",
    )
    assert normalise_text(curly) == straight
    assert score_sentiment(normalise_text(curly)) == score_sentiment(straight) != score_sentiment(curly)


def test_emoji_have_names():
    assert normalise_text("so 😭😭") == "so loudly crying face loudly crying face"
    assert normalise_text("❤\ufe0f") == "red heart" and normalise_text("👍🏽").startswith("thumbs up")
    assert normalise_text("№ 1 * 2\n") == "№ 1 * 2\n" and normalise_text("") == ""
