"""Text files of other encodings and ends of line, and names of files in either Unicode normal form."""

import json
import os
import unicodedata

import pytest
from library_factory import affect, index, painted

from encoders.base import AffectError
from encoders.text_files import decode_text, iterate_lines, split_lines
from experiments.alignment.readings_csv import read_readings_csv
from experiments.datasets.msrvtt import read_official_captions
from experiments.datasets.records import read_table
from retrieval.search.query_file import read_queries
from retrieval.storage.unicode_names import find_on_disk
from retrieval.training.captions_csv import read_captions

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")
NAME = "Café Ånger ño.png"  # four letters that have two forms


def form(name, text=NAME):
    return unicodedata.normalize(name, text)


@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-16-le", "utf-16-be"])
def test_the_mark_says_the_encoding(encoding):
    mark = "\ufeff" if encoding[-2:] in ("le", "be") else ""
    assert decode_text((mark + "naïve 😀\n").encode(encoding)) == "naïve 😀\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"caf\xe9", "not UTF-8 text: unexpected end of data at byte 3"),
        ("text".encode("utf-16-le"), "zero bytes"),
        (b"\xff\xfea", "not UTF-16 text"),
    ],
)
def test_what_is_no_text_is_said(content, said):
    with pytest.raises(ValueError, match=said):
        decode_text(content)


def test_lines_end_as_in_files():
    inside = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"
    assert split_lines(f"{inside}\r\n\n{inside}\rlast") == [inside, "", inside, "last"]
    assert split_lines("one\n") == split_lines("one") == ["one"] and split_lines("") == []


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_lines_of_an_open_file(tmp_path, encoding):
    file = tmp_path / "lines"
    file.write_bytes("one\u2028\r\n\ntwo\rthree\n".encode(encoding))
    with file.open("rb") as stream:
        found = [
            line if isinstance(line, str) else line.decode("utf-8-sig") for line in iterate_lines(stream)
        ]
    assert found == ["one\u2028", "", "two", "three"]


def test_lines_of_plain_files_are_not_waited_for():
    def endless():
        yield b"one\n"
        yield b"two\n"
        raise AssertionError("read ahead")

    lines = iterate_lines(endless())
    assert (next(lines), next(lines)) == (b"one", b"two")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_queries_captions_and_pairs_of_any_encoding(tmp_path, encoding):
    said = '{"id": 1, "text": "a\u2028b"}\n{"id": 2, "text": "c"}\n'
    (tmp_path / "queries").write_bytes(said.encode(encoding))
    with (tmp_path / "queries").open("rb") as stream:
        assert [query.text for _, query in read_queries(stream, {})] == ["a\u2028b", "c"]
    (tmp_path / "a.png").touch()
    (tmp_path / "captions.csv").write_bytes('media,caption\na.png,"one\u2028é"\n'.encode(encoding))
    assert read_captions(tmp_path / "captions.csv")[0].captions == ("one\u2028é",)
    assert [row["caption"] for row in read_table(tmp_path / "captions.csv")] == ["one\u2028é"]
    rows = "".join(f"{n},{n},{n},{n}\n" for n in range(9))
    (tmp_path / "pairs.csv").write_bytes(f"a.valence,a.arousal,b.valence,b.arousal\n{rows}".encode(encoding))
    assert len(read_readings_csv(tmp_path / "pairs.csv").by_modality) == 2
    content = json.dumps({"sentences": [{"video_id": "v", "sen_id": 0, "caption": "é\u2028"}]})
    (tmp_path / "official.json").write_bytes(content.encode(encoding))
    assert read_official_captions(tmp_path / "official.json") == {"v": ["é"]}


def test_tables_that_are_no_text_are_one_line(tmp_path):
    (tmp_path / "captions.csv").write_bytes("media,caption\n".encode("utf-16-le"))
    with pytest.raises(AffectError, match=r"not a CSV file in UTF-8 \(not text: it has zero bytes"):
        read_captions(tmp_path / "captions.csv")


# ---- names of files


@pytest.fixture(params=["NFC", "NFD"])
def named(request, tmp_path):
    """A library of one picture below a folder, in one normal form on disk; and the other form."""
    folder = tmp_path / "media" / form(request.param, "été")
    folder.mkdir(parents=True)
    painted(folder / form(request.param), 1)
    painted(folder / "plain.png", 2)
    index(tmp_path / "lib", tmp_path / "media")
    return folder / form(request.param), "NFD" if request.param == "NFC" else "NFC"


def other(path, name):
    return path.parents[1] / form(name, path.parent.name) / form(name, path.name)


def test_a_path_is_found_in_the_form_on_disk(named):
    path, name = named
    assert other(path, name) != path and not os.path.lexists(other(path, name))
    assert find_on_disk(other(path, name)) == path == find_on_disk(path)
    mixed = path.parent / (form("NFC", "Café Å") + form("NFD", "nger ño.png"))
    assert find_on_disk(mixed) == path
    assert find_on_disk(path.parent / "gone é.png") == path.parent / "gone é.png"


@pytest.mark.parametrize("folder", [False, True])
def test_remove(named, tmp_path, folder):
    path, name = named
    asked = other(path, name).parent if folder else other(path, name)
    done = affect("remove", asked, "-l", tmp_path / "lib")
    assert done.returncode == 0 and done.stdout.startswith(f"forgot {2 if folder else 1} "), done


def test_captions(named, tmp_path):
    path, name = named
    rows = f"media,caption\n{form(name, 'media/été/' + NAME)},one\n"
    (tmp_path / "captions.csv").write_text(rows, encoding="utf-8")
    assert [one.path for one in read_captions(tmp_path / "captions.csv")] == [path]


def test_queries_and_the_command_line(named, tmp_path):
    path, name = named
    asked = other(path, name)
    (tmp_path / "queries").write_text(json.dumps({"image": str(asked)}), encoding="utf-8")
    for words in (("--queries", tmp_path / "queries"), ("--image", asked)):
        done = affect("search", *words, "-l", tmp_path / "lib", "--json", "-k", "1")
        assert json.loads(done.stdout)["results"][0]["path"] == str(path), done
