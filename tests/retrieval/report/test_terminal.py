"""What people see on terminals of several widths, and what a pipe gets."""

import json
import os
import re

import pytest
from library_factory import affect, affect_process, broken, gallery, hum, index, painted
from rich.cells import cell_len
from terminal_factory import on_terminal, on_terminal_process

from retrieval.report.results_table import list_remarks
from retrieval.report.terminal import format_affect_record
from retrieval.report.text_columns import Column, format_table, shorten_paths
from retrieval.search.hits import Hit
from retrieval.search.query import Query

WIDTHS = (40, 60, 80, 100, 120)
DEEP = "a folder of holiday pictures/two thousand and twenty-six/the long weekend by the sea"
LONG = "photograph of the lighthouse taken from the harbour wall shortly before sunset"
WIDE = "海辺の灯台の写真と夕焼けの空の色とても長い名前"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Media in a deep folder, with long names, wide ones, and the same name twice."""
    folder = tmp_path_factory.mktemp("terminal")
    media = gallery(folder / "media" / DEEP, photos=3)
    painted(media / f"{LONG} 1.png", 11)
    painted(media / f"{LONG} 2.png", 12)
    painted(media / f"{WIDE}.png", 13)
    for seed, place in enumerate(("north", "south")):
        (media / place / "same").mkdir(parents=True)
        painted(media / place / "same" / f"{LONG}.png", 20 + seed)
    broken(media)
    index(folder / "lib", folder / "media")
    return media, folder / "lib"


def fits(lines, width):
    return [line for line in lines if cell_len(line) > width] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_rank_score_and_the_end_of_the_path_are_there_at_any_width(shelf, width):
    media, lib = shelf
    code, lines = on_terminal(width, "search", "--image", media / "photo1.png", "-l", lib, "-k", "9")
    assert code == 0 and fits(lines, width), lines
    rows = [re.match(r" ?(\d+)  ([01]\.\d\d)  .*\S$", line) for line in lines[1:10]]
    assert [int(row[1]) for row in rows] == list(range(1, 10))
    assert all(re.search(r"\.(png|gif|mp4)$", line) for line in lines[1:10])
    assert lines[1].endswith("photo1.png") and lines[10:11] == ["1 is the file asked with"]
    files = [line.rpartition("  ")[2] for line in lines[1:10]]
    assert len(set(files)) == 9, files


def test_columns_come_back_one_after_another_as_there_is_room(shelf):
    media, lib = shelf
    headers = {
        width: on_terminal(width, "search", "--image", media / "photo1.png", "-l", lib)[1][0].split()
        for width in (40, 80, 120, 200)
    }
    assert headers[40] == ["score", "file"] and "kind" in headers[80]
    assert headers[200] == ["score", "object", "activity", "audio", "mood", "id", "kind", "when", "file"]
    assert set(headers[40]) < set(headers[80]) < set(headers[120]) <= set(headers[200])


def test_the_width_may_stand_in_the_environment(shelf):
    media, lib = shelf
    asked = ("search", "--image", media / "photo1.png", "-l", lib)
    assert on_terminal_process(200, *asked, env={"COLUMNS": "60"}) == on_terminal(60, *asked)


def test_a_pipe_gets_whole_paths(shelf):
    media, lib = shelf
    said = affect_process(
        "search", "--image", media / f"{LONG} 1.png", "-l", lib, env={**os.environ, "COLUMNS": "40"}
    )
    assert str(media / f"{LONG} 1.png") in said.stdout and "…" not in said.stdout
    assert str(media / f"{WIDE}.png") in affect("list", "-l", lib).stdout
    failed = affect("list", "--failed", "-l", lib).stdout
    assert str(media / "empty.jpg") in failed and "…" not in failed


@pytest.mark.parametrize("width", WIDTHS)
def test_explain_is_wrapped_below_its_row(shelf, width):
    media, lib = shelf
    code, lines = on_terminal(width, "search", "--image", media / "photo1.png", "-l", lib, "--explain")
    assert code == 0 and fits(lines, width)
    assert any(line.startswith("    ") and "object.looks" in line for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", [("list",), ("list", "--failed"), ("info",), ("verify",)])
def test_other_commands_fit_the_terminal(shelf, words, width):
    _, lib = shelf
    code, lines = on_terminal(width, *words, "-l", lib)
    assert code == 0 and fits(lines, width), lines
    if words == ("list",):
        assert sum(line.endswith((".png", ".gif", ".mp4", ".wav")) for line in lines) == 12
    if words == ("list", "--failed"):
        assert "empty.jpg" in "".join(lines) and "empty file" in " ".join(lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_encoders_are_a_table_and_then_what_to_run_in_one_piece(width):
    code, lines = on_terminal(width, "encoders")
    rows = lines[: lines.index("") if "" in lines else None]
    assert code == 0 and fits(rows, width) and rows[0].split()[0] == "name"
    names = {line.split()[0] for line in rows[1:] if not line.startswith(" ")}
    told = [json.loads(line) for line in affect("encoders", "--json").stdout.splitlines()]
    assert names == {row["name"] for row in told}
    absent = [row for row in told if row["weights"].startswith("not here: ")]
    for row in absent:
        assert f"{row['name']}: {row['weights'].removeprefix('not here: ')}" in lines


def test_wide_characters_count_double():
    columns = (Column(name="n"), Column(name="file", fill="path"))
    path = f"/{WIDE}/{WIDE}.png"
    for width in range(12, 120):
        lines = format_table(columns, [["1", path]], width)
        assert cell_len(lines[1]) <= width and lines[1].endswith("g"), lines
    assert format_table(columns, [["1", path]], None)[1] == f"1  {path}"


def test_a_path_is_cut_from_the_left_and_a_name_in_its_middle():
    path = "/data/anna/pictures/summer/beach.jpeg"
    assert shorten_paths([path], 40) == [path]
    assert shorten_paths([path], 26) == ["…/summer/beach.jpeg"]
    assert shorten_paths([path], 12) == ["…/beach.jpeg"]
    assert shorten_paths([path], 10) == ["beach.jpeg"]
    assert shorten_paths([path], 9) == ["be…h.jpeg"] or shorten_paths([path], 9)[0].endswith(".jpeg")
    assert shorten_paths(["/a/" + "x" * 50 + ".png"], 20)[0].endswith("x.png")


def test_paths_that_would_read_the_same_show_where_they_differ():
    paths = ["/data/first/2026/beach/img.jpg", "/data/second/2026/beach/img.jpg"]
    short = shorten_paths(paths, 22)
    assert short == ["first/…/img.jpg", "second/…/img.jpg"]
    assert shorten_paths([paths[0]] * 2, 22) == ["…/2026/beach/img.jpg"] * 2


def hit(rank, score, modality="image", copy=False):
    return Hit(
        rank=rank,
        id="a" * 16,
        path="/a",
        modality=modality,
        score=score,
        space_scores={},
        start=None,
        end=None,
        segment=1,
        view_scores={},
        is_copy=copy,
    )


def test_scores_that_do_not_fall_are_explained_and_others_are_not():
    query = Query(text="a")
    turns = ["photos, videos and sounds take turns (--balance 1 orders by score alone)"]
    assert list_remarks(query, [hit(1, 0.75), hit(2, 0.77, "video")]) == turns
    assert list_remarks(query, [hit(1, 0.77), hit(2, 0.75, "video")]) == []
    assert list_remarks(query, [hit(1, 0.751), hit(2, 0.754, "video")]) == []  # printed alike
    assert list_remarks(Query(text="a", balance=1), [hit(1, 0.75), hit(2, 0.77)]) == []
    assert list_remarks(query, [hit(1, 1.0, copy=True), hit(2, 0.5)]) == ["1 is the file asked with"]


def test_the_line_about_turns_is_printed(shelf, tmp_path):
    _, lib = shelf
    asked = painted(tmp_path / "other.png", 99)
    said = affect("search", "--image", asked, "-l", lib, "--balance", "4").stdout
    assert said.rstrip().endswith("photos, videos and sounds take turns (--balance 1 orders by score alone)")
    assert "take turns" not in affect("search", "--image", asked, "-l", lib, "--balance", "1").stdout


def test_names_with_controls_are_escaped_for_people(tmp_path):
    media = tmp_path / "media"
    media.mkdir()
    hum(media / "a\x1b[31mred\nline.wav", 600)
    index(tmp_path / "lib", media)
    for said in (
        affect("search", "--audio", media / "a\x1b[31mred\nline.wav", "-l", tmp_path / "lib").stdout,
        affect("list", "-l", tmp_path / "lib").stdout,
    ):
        assert "a\\x1b[31mred\\x0aline.wav" in said and "\x1b" not in said


def test_the_sound_events_that_gave_a_sound_its_affect_are_printed():
    point = {"valence": -0.5, "arousal": 0.4, "valence_sd": 0.4, "arousal_sd": 0.3}
    events = [{"name": "Explosion", "share": 0.41, "valence": -0.79, "arousal": 0.55}]
    sound = {**point, "share": {"valence": 1.0, "arousal": 1.0}, "kind": {}, "events": events}
    record = {
        "path": "bang.ogg", "affect": point, "experts": {"image": None, "sound": sound},
        "speech_emotion": None, "face_emotion": None, "trajectory": [], "why": [],
    }  # fmt: skip
    lines = list(format_affect_record(record))
    assert "  heard  Explosion 41% (-0.79 +0.55)" in lines
    record["experts"]["sound"] = None
    assert not any("heard" in line for line in format_affect_record(record))
