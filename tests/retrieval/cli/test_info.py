"""`affect info`, `affect list` and what the system refuses."""

import json

from click.testing import CliRunner
from command_output import answers, bad, ok

from retrieval.cli.main import main


def test_what_the_system_refuses_is_told_in_a_line(shelf, monkeypatch):
    def refuses(library):
        raise PermissionError(13, "Permission denied", "/else\udcffwhere")

    monkeypatch.setattr("retrieval.report.get_library_info", refuses)
    done = CliRunner().invoke(main, ["info", "--library", str(shelf[1])])
    assert (done.exit_code, done.stderr) == (2, "affect: /else\\xffwhere: permission denied\n")


def test_info(shelf):
    _, lib = shelf
    facts = json.loads(ok("info", "--library", lib, "--json"))
    assert facts["items"] == {"audio": 2, "image": 8, "video": 3}
    assert (facts["files"], facts["unreadable"], facts["index"], facts["segment"]) == (13, 3, "auto", 15)
    assert facts["encoders"]["objects"] == "toy-frames" and facts["rows"]["objects"] == 11
    assert "image: 8" in ok("info", "--library", lib)


def test_list(shelf):
    _, lib = shelf
    rows = answers(ok("list", "--library", lib, "--json"))
    assert len(rows) == 13 and set(rows[0]) == {
        "id",
        "modality",
        "duration",
        "width",
        "height",
        "segments",
        "incomplete",
        "missing",
        "path",
    }
    assert len(answers(ok("list", "--library", lib, "--json", "--modalities", "audio"))) == 2
    failed = answers(ok("list", "--library", lib, "--failed", "--json"))
    assert {row["path"].rpartition("/")[2] for row in failed} == {"empty.jpg", "text.mp4", "cut.jpg"}
    assert "film.mp4" in ok("list", "--library", lib)
    assert "no modality 'smell'" in bad("list", "--library", lib, "--modalities", "smell")
