import pytest

from encoders.base import AffectError
from spaces.circumplex import (
    LANDMARKS,
    parse_mood,
    suggest_landmark,
)


@pytest.mark.parametrize("text", ["scary", "clam", "calm,sad", "infinity", "nan", "怖い", "a 2nd time"])
def test_any_other_words_are_a_phrase(text):
    assert parse_mood(f"  {text} ") == text


@pytest.mark.parametrize(
    ("word", "landmark"),
    [
        ("clam", "calm"), ("hapy", "happy"), ("Happpy", "happy"), ("hsppy", "happy"), ("sereen", "serene"),
        ("angre", "angry"), ("joi", "joyful"), ("xalm", "calm"), ("", None), ("scary", None),
        ("displeased", None), ("unsatisfied", None), ("calm", None),
    ],
)  # fmt: skip
def test_a_slip_of_a_landmark_is_found(word, landmark):
    assert suggest_landmark(word) == landmark


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("calm", LANDMARKS["calm"]), (" Happy ", LANDMARKS["happy"]), ("sadness", LANDMARKS["sad"]),
        ("0.3,-0.5", (0.3, -0.5)), (" -1 , 1 ", (-1, 1)),
    ],
)  # fmt: skip
def test_moods_are_read(text, point):
    assert parse_mood(text) == point


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no mood ''.*landmarks: afraid"), ("?!", "no words in it"), ("0.3;0.2", "no words in it"),
        ("0.3", "two numbers"), ("1,2,3", "two numbers"), ("nan,0", "valence must lie"),
        ("0,inf", "arousal must lie"),
        ("1.01,0", "valence must lie"),
    ],
)  # fmt: skip
def test_moods_that_are_none_are_refused_in_one_line(text, said):
    with pytest.raises(AffectError, match=said) as caught:
        parse_mood(text)
    assert "\n" not in str(caught.value)
