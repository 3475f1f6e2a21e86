"""`affect feel` of words."""

from affect_records import KEYS, feel


def test_words():
    code, (record,), _ = feel("--text", "My daughter laughed with joy all day long")
    assert code == 0 and set(record) == {"text", *KEYS} and record["modality"] == "text"
    assert record["affect"]["valence"] > 0.2 and record["experts"]["text"]["vader"] > 0.5
    assert record["experts"]["text"]["lexicon"]["joy"] >= 1
    assert max(record["emotions"], key=record["emotions"].get) == "joy"
    assert {"joy", "laughed"} & {one["what"] for one in record["why"]}


def test_negation():
    _, found, _ = feel("--text", "I am happy")
    _, denied, _ = feel("--text", "I am not happy at all")
    assert denied[0]["affect"]["valence"] < min(0, found[0]["affect"]["valence"] - 0.3)


def test_texts_in_order_and_blank_ones_abstain(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("a funeral in the rain\n\n  \nwe won the cup!\n", encoding="utf-8")
    code, found, _ = feel("--texts", file)
    assert code == 0 and [one["text"] for one in found] == [
        "a funeral in the rain",
        "",
        "  ",
        "we won the cup!",
    ]
    assert [one["affect"] is None for one in found] == [False, True, True, False]
    assert found[0]["affect"]["valence"] < 0 < found[3]["affect"]["valence"]


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "texts.txt").write_bytes(b"caf\xe9\n")
    code, _, said = feel("--texts", tmp_path / "texts.txt")
    assert code == 2 and "not UTF-8" in said


def test_a_line_is_what_a_newline_ends(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_bytes("one\u2028still one\r\ntwo\x0bstill two\nthree".encode())
    _, found, _ = feel("--texts", file)
    assert [one["text"] for one in found] == ["one\u2028still one", "two\x0bstill two", "three"]


def test_words_that_are_not_unicode():
    code, found, said = feel("--text", "\udcff")
    assert code == 2 and not found and "not Unicode" in said


def test_no_words_are_no_confident_neutral():
    _, (sentence,), _ = feel("--text", "the table stands in the room")
    for nothing in ("...", "12345", "?!", ":::"):
        _, (record,), _ = feel("--text", nothing)
        assert record["affect"]["valence_sd"] > sentence["affect"]["valence_sd"]
