"""The documentation is true: its commands run, its tables name what there is, its links lead somewhere."""

import json
import re
import shlex
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from urllib.request import urlopen

import pytest
from repository import ROOT
from server_process import run_server_process

from encoders.registry import ENCODERS

CATS = ("skimage-chelsea.png", "iscc_samples-demo.jpg")
NAMES = (
    "README.md",
    "CONTRIBUTING.md",
    "encoders/README.md",
    "spaces/README.md",
    "retrieval/README.md",
    "retrieval/web/README.md",
    "experiments/README.md",
)
PAGES = {name: (ROOT / name).read_text() for name in NAMES}
README_MAX_BYTES = 9000
TOO_LITTLE = {"train": "too little to learn from", "align": "too little to align on"}
"""Commands that need more than the demo has, and what they say then."""
PAGE_ADDRESS = "http://127.0.0.1:8765"


def find_blocks(language, pages=NAMES):
    """The code blocks of a language, page by page."""
    return [
        block for name in pages for block in re.findall(rf"```{language}\n(.*?)```", PAGES[name], re.DOTALL)
    ]


def find_shell_lines(pages=NAMES):
    return "".join(find_blocks("sh", pages)).splitlines()


def find_commands(pages=NAMES):
    return [line for line in find_shell_lines(pages) if line.startswith("affect ")]


def list_experiment_commands():
    """The words of every `python -m experiments.NAME ...`, in blocks and in running text."""
    inline = [
        code for page in PAGES.values() for code in re.findall(r"`(python -m experiments\.[^`\n]+)`", page)
    ]
    lines = [line for line in find_shell_lines() if "experiments." in line and not line.startswith("#")]
    return [shlex.split(line, comments=True) for line in [*lines, *inline]]


def make_anchor(heading):
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


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


def test_readme_is_short():
    assert (ROOT / "README.md").stat().st_size < README_MAX_BYTES


@pytest.mark.slow
def test_ten_things(demo):
    query = {"id": "q1", "text": "a cat", "k": 3, "modalities": ["image"]}
    assert json.dumps(query) in PAGES["retrieval/README.md"]
    (demo / "queries.jsonl").write_text(json.dumps(query) + "\n")
    table = demo / "captions.csv"
    table.write_text("media,caption\ndemo-library/media/skimage-chelsea.png,our cat\n")
    assert len(find_commands(["README.md"])) >= 10
    for command in find_commands():
        words = shlex.split(command)[1:]
        if words[0] in TOO_LITTLE:
            done = start(demo, "-m", "retrieval", *words)
            assert done.returncode == 2 and TOO_LITTLE[words[0]] in done.stderr
            continue
        if words[0] == "serve":  # until Ctrl-C
            with run_server_process(*words[1:], cwd=demo) as (process, address):
                assert json.load(urlopen(f"{address}api/library"))["files"] > 20
                process.send_signal(signal.SIGINT)
                assert process.wait(120) == 0
            continue
        said = run(demo, "-m", "retrieval", *words)
        if "search" in command and "--json" in command:
            assert Path(json.loads(said)["results"][0]["path"]).name in CATS


@pytest.mark.slow
def test_research_commands_know_their_options():
    """Run for real by their own tests; here, that the pages spell them right."""
    commands = list_experiment_commands()
    assert len([line for line in find_shell_lines(["experiments/README.md"]) if "experiments." in line]) >= 4
    known = {}
    for _, _, module, *words in commands:
        subcommand = tuple(words[:1]) if module.endswith((".bench", ".emotions")) else ()
        if (module, subcommand) not in known:
            known[module, subcommand] = run(ROOT, "-m", module, *subcommand, "--help")
        assert all(word in known[module, subcommand] for word in words if word.startswith("--")), words
    assert len(known) > 4


def test_ablations_name_rows_and_settings_that_there_are():
    from experiments.ablation.row_plan import check_row_prefixes
    from experiments.ablation.settings import AblationSettings, apply_overrides

    options = [
        (option, value)
        for _, _, module, *words in list_experiment_commands()
        for option, value in pairwise(words)
        if module.endswith(".ablate")
    ]
    check_row_prefixes([row for option, value in options if option == "--rows" for row in value.split(",")])
    assert apply_overrides(AblationSettings(), [value for option, value in options if option == "--set"])


@pytest.mark.slow
def test_python_examples(demo):
    examples = find_blocks("python", ["README.md", "retrieval/README.md"])
    assert examples
    for example in examples:
        assert "coffee" in run(demo, "-c", example).splitlines()[0]


@pytest.mark.slow
def test_example_of_the_api(demo):
    (example,) = find_blocks("python", ["retrieval/web/README.md"])
    assert PAGE_ADDRESS in example
    with run_server_process("--library", "demo-library/library", cwd=demo) as (_, address):
        printed = run(demo, "-c", example.replace(PAGE_ADDRESS, address.rstrip("/"))).splitlines()
    assert "coffee" in printed[0] and "shows" in printed[0] and "calm" in printed[-1]


@pytest.mark.slow
def test_research_examples_print_what_the_page_says():
    page = PAGES["experiments/README.md"]
    examples = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)
    assert len(examples) == len(find_blocks("python", ["experiments/README.md"])) >= 3
    for example, printed in examples:
        assert len(example.splitlines()) <= 20
        assert run(ROOT, "-c", example) == printed


def test_every_encoder_is_listed():
    assert set(ENCODERS) <= set(re.findall(r"`([\w-]+)`", PAGES["encoders/README.md"]))


def test_the_commands_of_make_are_in_the_makefile():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for page in PAGES.values() for target in re.findall(r"`make ([\w-]+)", page)}
    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize("name", NAMES)
def test_pictures_and_links_lead_somewhere(name):
    for link in re.findall(r"\]\((?!http)([^)]+)\)", PAGES[name]):
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in map(make_anchor, headings), link


@pytest.mark.parametrize("name", NAMES)
def test_tables_render(name):
    """Each run of lines with bars has a line of dashes below its head, and as many cells in every line."""
    text = re.sub(r"```.*?```", "", PAGES[name], flags=re.DOTALL)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, dashes, *rows = [line.strip("|").split("|") for line in table.splitlines()]
        assert all(cell.strip() == "---" for cell in dashes), table
        assert {len(row) for row in (dashes, *rows)} == {len(head)}, table


def test_measured_figures_name_their_commands():
    from experiments.bench import BENCHMARKS

    named = re.findall(r"python -m experiments\.bench (\w+)", "".join(PAGES.values()))
    assert set(named) == set(BENCHMARKS)


def test_every_weights_file_has_a_card():
    weights = [file for file in ROOT.glob("*/weights/*") if file.suffix == ".safetensors"]
    assert len(weights) > 5
    assert not [file for file in weights if not file.with_suffix(".md").exists()]


def test_every_card_is_linked():
    linked = "".join(PAGES.values())
    assert not [card.name for card in ROOT.glob("*/weights/*.md") if f"weights/{card.name})" not in linked]
