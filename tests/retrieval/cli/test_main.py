"""The command as a whole: help, unknown commands, broken pipes."""

import subprocess
import sys
import time
from itertools import pairwise

import pytest
from command_output import bad, ok
from library_factory import ROOT, index, painted


def test_commands_that_make_no_sense():
    assert "Missing option" in bad("search", "words")
    assert "No such command" in bad("serch", "words")
    assert "no library here" in bad("search", "words", "--library", "/nowhere")


@pytest.mark.slow
def test_a_broken_pipe_is_no_traceback(tmp_path):
    media, lib = tmp_path / "media", tmp_path / "lib"
    media.mkdir()
    for seed in range(300):
        painted(media / f"{'long' * 40}{seed}.png", seed)
    index(lib, media)
    queries = tmp_path / "q.jsonl"
    queries.write_text(f'{{"image": "{media / ("long" * 40 + "7.png")}", "k": 200}}\n' * 20)
    for words in (f"list -l {lib}", f"list -l {lib} --json", f"search -l {lib} --queries {queries}"):
        done = subprocess.run(
            f"{sys.executable} -m retrieval {words} | head -n 1",
            shell=True, cwd=ROOT, capture_output=True, text=True, timeout=280,
        )  # fmt: skip
        assert done.stderr == "" and done.stdout.count("\n") == 1, words


def test_help_is_quick_and_imports_no_torch():
    begun = [time.process_time()]
    for _ in range(3):
        assert "Find photos, videos and sound" in ok("--help")
        begun.append(time.process_time())
    assert min(b - a for a, b in pairwise(begun)) < 0.5
    code = "import sys; from retrieval.cli.main import main; main(['--help'], standalone_mode=False)"
    code += "; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout
    heavy = {
        "torch",
        "onnxruntime",
        "transformers",
        "av",
        "decord",
        "cv2",
        "scipy",
        "PIL",
        "rich",
        "tensorflow",
    }
    assert not heavy & set(loaded.split())


@pytest.mark.parametrize(
    "command", ["index", "search", "info", "list", "verify", "rebuild", "remove", "demo"]
)
def test_every_command_has_help(command):
    assert "--library" in ok(command, "--help") or command == "demo"
