"""Nothing leaves the machine: no connection, no name look-up, no file outside our own folders."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx2
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


def make_traced_command(words, trace):
    """A command that leaves its calls in a file; as it is where there is no strace, or it may not trace."""
    watch = ["strace", "-f", "-e", "trace=network,open,openat,creat,mkdir,mkdirat", "-o", trace]
    usable = shutil.which("strace") and not subprocess.run([*watch, "true"], capture_output=True).returncode
    return [*(watch if usable else []), sys.executable, "-m", "retrieval", *words]


def traced(words, env, trace):
    """Run a command; the calls by which it left the machine, and the files that it opened to write.

    Both are empty where there is no strace, or where it may not trace.
    """
    command = make_traced_command(words, trace)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return read_trace(trace)


def read_trace(trace):
    """The calls by which a command left the machine, and the files that it opened to write."""
    lines = trace.read_text().splitlines() if trace.exists() else []
    lines = [line for line in lines if not line.endswith(MISSED)]
    left = [line for line in lines if TALKS.search(line) or LOOKS_UP.search(line)]
    written = {next(filter(None, found.groups())) for line in lines if (found := WRITES.search(line))}
    return left, {path for path in written if not path.startswith(("/dev/", "/proc/"))}


def traced_server(lib, media, env, trace):
    """Serve a library to some requests on loopback; the same of the server."""
    command = make_traced_command(["--end-with-input", "serve", "-l", lib, "--port", "0"], trace)
    server = subprocess.Popen(
        command, cwd=ROOT, env=env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        line = server.stdout.readline()
        ask_server(re.search(r"http://\S+", line)[0].rstrip("/"), media)
        _, said = server.communicate(timeout=120)  # closes its input, which ends it
        assert "Traceback" not in said and server.returncode in (0, 130), (server.returncode, said)
    finally:
        server.kill()
        server.wait()
    return read_trace(trace)


def ask_server(address, media):
    """What a page asks: itself, searches, an item with its file and preview, and an index run."""
    with httpx2.Client(base_url=address, timeout=120) as client:

        def fetch(path, **parameters):
            answer = client.get(path, params=parameters)
            assert answer.status_code in (200, 206), answer.text
            return answer

        for path in ("/", "/static/main.js", "/static/theme.css", "/api/map", "/api/index"):
            fetch(path)
        item = fetch("/api/search", text="a dog", modalities="image", explain=1).json()["results"][0]["id"]
        with (media / "photo1.png").open("rb") as picture:
            sent = client.post("/api/uploads", files={"file": picture}, headers={"Origin": address}).json()
        assert fetch("/api/search", image=sent["upload"], mood="calm").json()["results"]
        fetch("/api/search", mood="a bit scary")
        for path in ("", "/media", "/preview"):
            fetch(f"/api/items/{item}{path}")
        started = client.post("/api/index", json={"paths": [str(media)]}, headers={"Origin": address})
        assert started.status_code == 202, started.text
        while fetch("/api/index").json()["running"]:
            time.sleep(0.2)
        assert fetch("/api/index").json()["error"] is None


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
    painted(media / "new.png", 9)
    left, written = traced_server(lib, media, env, tmp_path / "serve.trace")
    assert left == [] and {path for path in written if not path.startswith(ours)} == set()
    assert list(Path(env["TMPDIR"]).iterdir()) == []


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
