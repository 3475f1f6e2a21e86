import numpy as np
import pytest

from encoders.base import AffectError
from spaces.joint.vocabulary import SPECIAL_TOKENS, Vocabulary, read_word_vectors, tokenise

TRAIN = ["A dog runs.", "a DOG sleeps, the cat doesn't", "Zebras run"]


def told(raised):
    """The message of a caught error, once it is known to be one line."""
    message = str(raised.value)
    assert "\n" not in message
    return message


def written(folder, text, name="vectors.txt", encoding="utf-8"):
    file = folder / name
    file.write_bytes(text.encode(encoding))
    return file


def test_words_are_lower_case_and_without_punctuation():
    assert tokenise("The DOG's ball -- isn't it Émile's, no_7?") == (
        ["the", "dog's", "ball", "isn't", "it", "émile's", "no", "7"]
    )
    assert tokenise(" ...!? ") == []


def test_the_special_words_come_first_and_the_others_in_order():
    vocabulary = Vocabulary.from_sentences(TRAIN)
    assert SPECIAL_TOKENS == ("<pad>", "<unk>", "<start>", "<end>")
    assert vocabulary.words == (
        *SPECIAL_TOKENS,
        *("a", "cat", "doesn't", "dog", "run", "runs", "sleeps", "the", "zebras"),
    )
    assert len(vocabulary) == len(vocabulary.words) == 13
    assert Vocabulary.from_sentences(reversed(TRAIN)) == vocabulary


def test_rare_words_can_be_left_out():
    assert Vocabulary.from_sentences(TRAIN, min_count=2).words == (*SPECIAL_TOKENS, "a", "dog")
    assert Vocabulary.from_sentences(TRAIN, min_count=3).words == SPECIAL_TOKENS
    assert Vocabulary.from_sentences(["dog dog"], min_count=2).words == (
        *SPECIAL_TOKENS,
        "dog",
    )  # in one sentence counts twice


def test_words_of_other_splits_are_unknown():
    vocabulary = Vocabulary.from_sentences(TRAIN)
    dog, unknown = vocabulary.words.index("dog"), 1
    assert vocabulary.encode(["dog giraffe dog"]).tolist() == [[2, dog, unknown, dog, 3]]
    assert len(vocabulary) == 13  # numbering teaches it nothing


def test_a_sentence_cannot_speak_the_special_words():
    vocabulary = Vocabulary.from_sentences(["<pad> <start> dog"])
    assert vocabulary.words == (*SPECIAL_TOKENS, "dog", "pad", "start")
    assert vocabulary.encode(["<pad> <end> dog"]).tolist() == [[2, 5, 1, 4, 3]]


def test_tokens_end_in_padding():
    vocabulary = Vocabulary.from_sentences(["b c d e"])
    table = vocabulary.encode(["d", "", "e c b"])
    assert table.dtype == np.int64
    assert table.tolist() == [[2, 6, 3, 0, 0], [2, 3, 0, 0, 0], [2, 7, 5, 4, 3]]
    with pytest.raises(ValueError):
        vocabulary.encode([])


def test_long_sentences_lose_the_rest_but_not_the_end():
    vocabulary = Vocabulary.from_sentences(["b c"])
    table = vocabulary.encode(["b " * 63 + "c c", "c"])
    assert table.shape == (2, 66)
    assert table[0].tolist() == [2, *[4] * 63, 5, 3]
    assert vocabulary.encode(["b c b c", "b"], max_words=2).tolist() == [[2, 4, 5, 3], [2, 4, 3, 0]]


def test_word_vectors_of_known_words_are_read_and_others_are_nan(tmp_path):
    vocabulary = Vocabulary.from_sentences(["cat dog emu"])
    file = written(tmp_path, "dog 1 2.5 -3e-1\ngnu 9 9 9\ncat 4 5 6\n")
    rows = read_word_vectors(file, vocabulary)
    assert rows.dtype == np.float32
    nothing = [np.nan] * 3
    want = np.array([*[nothing] * 4, [4, 5, 6], [1, 2.5, -0.3], nothing], np.float32)
    np.testing.assert_array_equal(rows, want)


@pytest.mark.parametrize(
    "around",
    [
        "2 3\n{}",  # word2vec's first line tells words and width
        "\n{}\n\n",
        "dog name@domain.com 9 9 9\n. . . 9 9 9\n{}",  # entries of several words, as in GloVe 840B
    ],
)
def test_what_other_tools_write_besides_is_passed_over(tmp_path, around):
    file = written(tmp_path, around.format("dog 1 2 3\ncat 4 5 6\n"))
    rows = read_word_vectors(file, Vocabulary.from_sentences(["cat dog"]))
    assert rows[4:].tolist() == [[4, 5, 6], [1, 2, 3]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dog 1 2 3\ncat 4 5\n", "different widths [2, 3]"),
        ("gnu 1 2 3\n", "none of the words"),
        ("", "none of the words"),
        ("dog 1 2 x\n", "no word vectors"),
    ],
)
def test_bad_word_vectors_are_told_in_one_line(tmp_path, text, reason):
    file = written(tmp_path, text, "odd\nname.txt")
    with pytest.raises(AffectError) as raised:
        read_word_vectors(file, Vocabulary.from_sentences(["cat dog"]))
    assert reason in told(raised)
    assert "odd\\x0aname.txt" in told(raised)


def test_word_vectors_that_cannot_be_read_are_told_in_one_line(tmp_path):
    vocabulary = Vocabulary.from_sentences(["café dog"])
    latin = written(tmp_path, "dog 1 2\ncafé 1 2\n", encoding="latin-1")
    for file in (latin, tmp_path / "none.txt", tmp_path):
        with pytest.raises(AffectError) as raised:
            read_word_vectors(file, vocabulary)
        assert file.name in told(raised)
        assert "no word vectors" in told(raised)
