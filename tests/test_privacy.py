"""Nothing leaves the machine: no connection, no name look-up, no file outside our own folders."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from library_factory import ROOT, gallery, painted

TALKS = re.compile(r"\b(connect|sendto|sendmsg|sendmmsg)\(.*AF_INET|\bsocket\(AF_INET6?, SOCK_DGRAM")
WRITES = re.compile(
    r'"([^"]*)"[^"]*O_(?:WRONLY|RDWR|CREAT)|\b(?:mkdir|creat)\("([^"]*)"|mkdirat\(\w+, "([^"]*)"'
)
MISSED = ("ENOENT (No such file or directory)", "EEXIST (File exists)")
LOOKS_UP = re.compile(r"/etc/(resolv\.conf|hosts|hostname|machine-id)")
ONNX = """
import onnx.helper as make
pair = [make.make_tensor_value_info(name, 1, [2]) for name in "xy"]
graph = make.make_graph([make.make_node("Relu", ["x"], ["y"])], "g", pair[:1], pair[1:])
model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8).SerializeToString()
import onnxruntime
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
"""


@pytest.fixture
def home(tmp_path):
    """An empty home and an empty folder for temporary files, and an environment that names no other."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    env = {**kept, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}
    return tmp_path / "home", env | {"PYTHONDONTWRITEBYTECODE": "1"}


def below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def traced(words, env, trace):
    """Run a command; the calls by which it left the machine, and the files that it opened to write.

    Both are empty where there is no strace, or where it may not trace.
    """
    watch = ["strace", "-f", "-e", "trace=network,open,openat,creat,mkdir,mkdirat", "-o", trace]
    usable = shutil.which("strace") and not subprocess.run([*watch, "true"], capture_output=True).returncode
    command = [*(watch if usable else []), sys.executable, "-m", "retrieval", *words]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    lines = trace.read_text().splitlines() if usable else []
    lines = [line for line in lines if not line.endswith(MISSED)]
    left = [line for line in lines if TALKS.search(line) or LOOKS_UP.search(line)]
    written = {next(filter(None, found.groups())) for line in lines if (found := WRITES.search(line))}
    return left, {path for path in written if not path.startswith(("/dev/", "/proc/"))}


def python(code, env):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "first", ["encoders", "retrieval", "spaces.affect_regression", "experiments.statistics.report"]
)
def test_onnxruntime_reports_nothing_where_this_project_is_imported_first(home, first):
    folder, env = home
    python(f"import {first}\n{ONNX}", env)
    assert below(folder) == [] and below(folder.with_name("tmp")) == []


def test_these_checks_see_the_telemetry_of_onnxruntime(home):
    """What the others look for is there where nothing forbids it, unless this version reports nothing."""
    folder, env = home
    python(ONNX, env)
    if not below(folder):
        pytest.skip("this onnxruntime has no telemetry")
    assert any("onnxruntime" in path for path in below(folder))


def test_decoding_workers_report_nothing_either(tmp_path):
    """They forbid it themselves: a program may have changed the environment since it imported us."""
    code = "import os, sys; from pathlib import Path; sys.path.insert(0, 'tests/factories')\n"
    code += "from encoders.media.decoder_pool import DecoderPool\n"
    code += "del os.environ['ORT_DISABLE_TELEMETRY']\n"
    code += "with DecoderPool(1, reader='misbehaving:reader') as pool: print(*pool.read([Path(sys.argv[1])]))"
    file = painted(tmp_path / "tell.png", 1)
    done = subprocess.run([sys.executable, "-c", code, file], cwd=ROOT, capture_output=True, text=True)
    assert "ORT_DISABLE_TELEMETRY=1" in done.stdout, done


def test_tests_report_nothing_either():
    assert os.environ["ORT_DISABLE_TELEMETRY"] == os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


def life(media, lib, out):
    """Commands from making a library to looking at it, in order."""
    return (
        ["index", media, "-l", lib],
        ["search", "a dog", "-l", lib],
        ["search", "--audio", f"{media}/low.wav", "-l", lib, "--html", f"{out}/page.html"],
        ["feel", f"{media}/film.mp4", f"{media}/photo0.png"],
        ["feel", "--text", "happy"],
        ["map", "-l", lib, "--out", f"{out}/map"],
        ["encoders"],
        ["encoders", "--check"],
        ["rebuild", "-l", lib, "--index", "annoy"],
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_leaves_the_machine_and_nothing_is_written_elsewhere(home, tmp_path):
    """With the packaged encoders, from an empty cache, under strace where it is here."""
    folder, env = home
    media, lib, out = gallery(tmp_path / "media", photos=2), str(tmp_path / "lib"), str(tmp_path / "out")
    Path(out).mkdir()
    cache = str(folder / ".cache" / "affect-fusion")
    ours = (lib, out, cache, env["TMPDIR"])
    for number, words in enumerate(life(str(media), lib, out)):
        left, written = traced(words, env, tmp_path / f"{number}.trace")
        assert left == [], words
        assert {path for path in written if not path.startswith(ours)} <= {str(folder / ".cache")}, words
        assert [path for path in below(folder) if not path.startswith(".cache/affect-fusion/")] == []
        assert list(Path(env["TMPDIR"]).iterdir()) == [], words


@pytest.mark.slow
def test_a_command_needs_no_network(home, tmp_path):
    """In a network namespace without interfaces; the models come from packages."""
    _, env = home
    alone = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here")
    command = [*alone, sys.executable, "-m", "retrieval", "feel", "--text", "happy", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0 and '"valence"' in done.stdout, done.stderr
    assert "warning" not in done.stderr.casefold()
