"""The README is true: its commands run, its tables name what there is."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

from encoders.registry import ENCODERS

CATS = ("skimage-chelsea.png", "iscc_samples-demo.jpg")
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


TOO_LITTLE = {"train": "too little to learn from", "align": "too little to align on"}
"""Commands that need more than the demo has, and what they say then."""


def start(folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=280, check=False
    )


def run(folder, *arguments):
    done = start(folder, *arguments)
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A folder in which `affect demo` has run, as `make demo` runs it."""
    folder = tmp_path_factory.mktemp("readme")
    said = run(folder, "-m", "retrieval", "demo")
    assert "a cup of coffee" in said
    page = (folder / "demo-library" / "demo.html").read_text()
    assert page.count("data:image/jpeg;base64") > 20
    return folder


def test_ten_things(demo):
    query = {"id": "q1", "text": "a cat", "k": 3, "modalities": ["image"]}
    assert json.dumps(query) in README
    (demo / "queries.jsonl").write_text(json.dumps(query) + "\n")
    table = demo / "captions.csv"
    table.write_text("media,caption\ndemo-library/media/skimage-chelsea.png,our cat\n")
    commands = [line for line in "".join(blocks("sh")).splitlines() if line.startswith("affect ")]
    assert len(commands) >= 10
    for command in commands:
        words = shlex.split(command)[1:]
        if words[0] in TOO_LITTLE:
            done = start(demo, "-m", "retrieval", *words)
            assert done.returncode == 2 and TOO_LITTLE[words[0]] in done.stderr
            continue
        said = run(demo, "-m", "retrieval", *words)
        if "search" in command and "--json" in command:
            assert Path(json.loads(said)["results"][0]["path"]).name in CATS


def test_research_commands_know_their_options(tmp_path):
    """Run for real by their own tests; here, that README spells them right."""
    lines = [
        line.split("#")[0].split() for line in "".join(blocks("sh")).splitlines() if "experiments." in line
    ]
    assert len(lines) >= 4
    for _, _, module, *words in lines:
        said = run(ROOT, "-m", module, "--help")
        assert all(word in said for word in words if word.startswith("--"))


def test_python_example(demo):
    (example,) = blocks("python")
    run(demo, "-m", "retrieval", "index", "demo-library/media", "--library", "lib")
    assert "coffee" in run(demo, "-c", example).splitlines()[0]


def test_every_encoder_is_listed():
    assert set(ENCODERS) <= set(re.findall(r"`([\w-]+)`", README))


def test_the_two_commands_are_in_the_makefile():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", README)) <= targets


def test_its_pictures_are_here():
    for file in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / file).exists()


def test_measured_figures_name_their_commands():
    from experiments.bench import BENCHMARKS

    assert set(re.findall(r"python -m experiments\.bench (\w+)", README)) == set(BENCHMARKS)
