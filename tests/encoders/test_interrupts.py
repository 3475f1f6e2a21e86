"""Signals end commands at once, cleanly; caches that can't be used and plain streams cost no command."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from library_factory import ENCODERS, ROOT, affect_process, gallery, index, painted

from encoders import files, onnx_runtime
from encoders.interrupts import make_draft_path

STOPPED = "affect: stopped; what was committed stays, run the same command to go on\n"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Media with a name of many scripts, and its library of toy rows."""
    folder = tmp_path_factory.mktemp("shelf")
    media = gallery(folder / "media", photos=4)
    painted(media / "café 猫 \x1b\n\udcff.png", 7)
    index(folder / "lib", media)
    return media, folder / "lib"


def started(*words, cwd=ROOT, module="retrieval", **options):
    command = [sys.executable, "-m", module, *map(os.fspath, words)]
    return subprocess.Popen(command, cwd=cwd, stdout=-1, stderr=-1, text=True, errors="replace", **options)


def await_own_code(run):
    """Until signals are heeded: the interpreter's own start is not ours."""
    while run.poll() is None:
        told = Path(f"/proc/{run.pid}/status").read_text()
        caught, threads = (re.search(rf"{name}:\s*(\w+)", told) for name in ("SigCgt", "Threads"))
        if caught and int(caught[1], 16) & 1 << (signal.SIGINT - 1) and int(threads[1]) > 1:
            return
        time.sleep(0.001)


def workers_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(one) for one in found.split()]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_end(pids, seconds=5):
    limit = time.monotonic() + seconds
    while any(map(is_running, pids)) and time.monotonic() < limit:
        time.sleep(0.02)
    return not any(map(is_running, pids))


def interrupt(run, after, number=signal.SIGINT, usual=0):
    """Send a signal so many seconds into our own code; what was said and whether nothing lingers."""
    await_own_code(run)
    time.sleep(after)
    workers = workers_of(run.pid)
    run.send_signal(number)
    _, said = run.communicate(timeout=30)
    assert run.returncode in (usual, 128 + number, -number), (
        after,  # -number: at the interpreter's end
        run.returncode,
        said,
    )
    assert "Traceback" not in said and "terminate" not in said and "Exception" not in said, (after, said)
    if run.returncode == 128 + signal.SIGINT:
        assert said.endswith(STOPPED), (after, said)
    assert all_end(workers), after


def commands(media, lib, out):
    return {
        "search": ["search", "--image", media / "photo1.png", "-l", lib],
        "index": ["index", media, "-l", out / "new", "--encoders", ENCODERS],
        "map": ["map", "-l", lib, "--out", out / "map"],
        "train": ["train", "-l", lib, "--captions", out / "captions.csv"],
        "feel": ["feel", media / "photo0.png", "--json"],
    }


# -- signals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 0.03, 0.1, 0.3])
@pytest.mark.parametrize("command", ["search", "index"])
def test_control_c_while_a_command_begins(shelf, tmp_path, command, after):
    interrupt(started(*commands(*shelf, tmp_path)[command]), after)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("command", ["search", "index", "map", "train", "feel"])
def test_control_c_at_any_moment(shelf, tmp_path, command):
    """Moments drawn over the whole life, imports and the end included; no draft stays anywhere."""
    words, rng = commands(*shelf, tmp_path)[command], random.Random(1)
    rows = [f"{path},words {path.name}" for path in sorted(shelf[0].glob("photo*"))]
    (tmp_path / "captions.csv").write_text("\n".join(["media,caption", *rows]))
    env = os.environ | {"AFFECT_CACHE": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    begun = time.monotonic()
    whole = started(*words, env=env)
    whole.communicate()
    life = min(time.monotonic() - begun, 10)
    for _ in range(12):
        interrupt(started(*words, env=env), rng.uniform(0, life), usual=whole.returncode)
        assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_a_command_with_their_number(shelf, tmp_path, number):
    run = started(*commands(*shelf, tmp_path)["index"])
    await_own_code(run)
    run.send_signal(number)
    _, said = run.communicate(timeout=20)
    assert (run.returncode, said) == (128 + number, "")


def test_a_command_under_nohup_stays(shelf, tmp_path):
    words = commands(*shelf, tmp_path)["index"]
    run = started(*words, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    await_own_code(run)
    run.send_signal(signal.SIGHUP)
    run.communicate(timeout=60)
    assert run.returncode == 0


NATIVE = """
import sys
from pathlib import Path
from encoders.interrupts import make_draft_path, exit_on_signals
exit_on_signals("stopped")
with make_draft_path(Path(sys.argv[1])) as draft:
    draft.write_text("half")
    print("go", flush=True)
    __import__("numpy").linalg.svd(__import__("numpy").random.rand(6000, 6000))
"""


def test_control_c_does_not_wait_for_native_code_and_removes_drafts(tmp_path):
    command = [sys.executable, "-c", NATIVE, tmp_path / "file.txt"]
    with subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-1, text=True) as run:
        assert run.stdout.readline() == "go\n" and len(list(tmp_path.iterdir())) == 1
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=20)  # the decomposition takes minutes
    assert (run.returncode, said) == (130, "stopped") and list(tmp_path.iterdir()) == []


def test_a_draft_is_removed_when_it_is_left(tmp_path):
    with pytest.raises(KeyError), make_draft_path(tmp_path / "long.png") as draft:
        draft.touch()
        assert draft.suffix == ".png" and draft.parent == tmp_path
        raise KeyError
    assert list(tmp_path.iterdir()) == []


PARENT = """
import sys
from pathlib import Path
sys.path.insert(0, "tests/factories")
from encoders.media.decoder_pool import DecoderPool
with DecoderPool(1, reader="misbehaving:reader") as pool:
    print(pool._workers[0]._process.pid, flush=True)
    for event in pool.read([Path(sys.argv[1])]):
        print(event, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("mishap", ["spin", "hang"])
def test_a_worker_that_hangs_ends_with_its_parent(tmp_path, number, mishap):
    """Also in one C loop, where no thread of its own could end it."""
    file = painted(tmp_path / f"{mishap}.png", 1)
    with subprocess.Popen([sys.executable, "-c", PARENT, file], cwd=ROOT, stdout=-1, text=True) as parent:
        worker = int(parent.stdout.readline())
        assert "Opened" in parent.stdout.readline()
        time.sleep(0.2)
        assert is_running(worker)
        parent.send_signal(number)
        parent.wait()
        assert all_end([worker])


@pytest.mark.parametrize("name", ["ablate", "align", "emotions", "train", "bench", "synthetic"])
def test_control_c_while_an_experiment_begins(name):
    run = started("--help", module=f"experiments.{name}")
    await_own_code(run)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert (run.returncode, said) in ((0, ""), (130, f"{name}: interrupted; run it again to go on\n"))


# -- caches -----------------------------------------------------------------------------------------------


def unusable(kind, folder):
    """An environment whose cache can't be written, for one who is not root."""
    folder.chmod(0o777)
    (folder / "file").touch()
    (folder / "locked").mkdir(mode=0o555)
    return {
        "file": {"AFFECT_CACHE": str(folder / "file")},
        "locked": {"AFFECT_CACHE": str(folder / "locked")},
        "below": {"AFFECT_CACHE": str(folder / "locked" / "below")},
        "home": {"HOME": str(folder / "locked")},
        "no home": {"HOME": str(folder / "gone" / "nobody")},
        "full": {"AFFECT_CACHE": "/dev/full/cache"},
    }[kind]


DIGEST = """
import logging, sys
from pathlib import Path
from encoders.files import compute_sha256
logging.basicConfig(format="affect: %(message)s")
print(compute_sha256(Path(sys.argv[1])), compute_sha256(Path(sys.argv[1]), Path(sys.argv[1])))
"""


@pytest.mark.parametrize("kind", ["file", "locked", "below", "home", "no home", "full"])
def test_without_a_cache_there_is_one_warning_and_the_same_digests(tmp_path, bound, kind):
    (tmp_path / "some").write_text("words")
    env = {"PATH": os.environ["PATH"], **unusable(kind, tmp_path)}
    if kind == "no home":
        (tmp_path / "gone").mkdir(mode=0o555)
    command = [*bound, sys.executable, "-c", DIGEST, tmp_path / "some"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    usual = subprocess.run(
        [sys.executable, "-c", DIGEST, tmp_path / "some"],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"AFFECT_CACHE": str(tmp_path / "good")},
    )  # fmt: skip
    assert usual.stdout and not usual.stderr and done.stdout == usual.stdout
    assert done.stderr.count("\n") == 1 and "set AFFECT_CACHE to a folder" in done.stderr


def test_a_user_without_a_home_or_an_entry_has_no_cache(tmp_path):
    (tmp_path / "some").write_text("words")
    if os.geteuid() != 0:
        pytest.skip("only root can become a user who has no entry")
    code = f"import os; os.setreuid(54321, 0)\n{DIGEST}"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, tmp_path / "some"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "no home folder" in done.stderr, done
    assert [path.name for path in tmp_path.iterdir()] == ["some"]


@pytest.mark.parametrize("damage", [b"", b"\0", "cut", "zeros", "flip"])
def test_what_is_damaged_in_the_cache_counts_as_absent(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("AFFECT_CACHE", str(tmp_path))
    content = np.random.default_rng(1).bytes(5000)
    file = tmp_path / "deep" / "note"
    files.write_cached(file, content)
    assert files.read_cached(file) == content
    whole = file.read_bytes()
    worse = {"cut": whole[:-1], "zeros": bytes(len(whole)), "flip": b"\x00" + whole[1:]}
    file.write_bytes(worse.get(damage, damage) if isinstance(damage, str) else damage)
    assert files.read_cached(file) is None


@pytest.mark.slow
def test_a_damaged_network_is_made_again_and_is_an_onnx_file(tmp_path, monkeypatch):
    import onnx
    import torch

    monkeypatch.setenv("AFFECT_CACHE", str(tmp_path))
    torch.manual_seed(0)
    module = torch.nn.Linear(3, 2)
    example = np.ones((2, 3), np.float32)

    def outputs():
        return onnx_runtime.load_network("net-1", lambda: module, [example], [{0: "n"}])(example)[0]

    first, file = outputs(), tmp_path / "net-1.onnx"
    onnx.checker.check_model(onnx.load(file))
    good = file.read_bytes()
    for bad in (
        b"",
        good[:100],
        bytes(len(good)),
        good[: len(good) // 2] + b"\1" + good[len(good) // 2 + 1 :],
    ):
        file.write_bytes(bad)
        assert np.array_equal(outputs(), first) and files.read_cached(file) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["net-1.onnx"]
    monkeypatch.setenv("AFFECT_CACHE", str(file))
    assert np.array_equal(outputs(), first)


# -- streams ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_stream_of_few_characters_shows_the_rest_in_ascii(shelf, encoding):
    media, lib = shelf
    env = os.environ | ASCII | {"PYTHONIOENCODING": encoding}
    for words in (
        ["search", "--image", media / "photo1.png", "-l", lib],
        ["search", "--image", media / "photo1.png", "-l", lib, "--explain"],
        ["list", "-l", lib],
        ["info", "-l", lib],
        ["search", "--image", media / "gone é.png", "-l", lib],
        ["--help"],
        ["feel", "--help"],
        ["encoders"],
    ):
        done = affect_process(*words, env=env, text=False)
        shown = (done.stdout + done.stderr).decode(encoding)
        assert done.returncode == (2 if "gone" in str(words) else 0) and "Traceback" not in shown, shown
        assert shown.isascii() or encoding != "ascii"
    table = affect_process(
        "search", "--image", media / "photo1.png", "-l", lib, env=env, encoding=encoding
    ).stdout
    assert re.search(r" [01]\.\d\d +#+\.* ", table) and "\\u2588" not in table, table


def test_json_is_the_same_on_a_stream_of_few_characters(shelf):
    media, lib = shelf
    words = "search", "--image", media / "photo1.png", "-l", lib, "--json"
    plain, usual = (
        json.loads(affect_process(*words, env=env).stdout)["results"]
        for env in (os.environ | ASCII, os.environ)
    )
    for results in (plain, usual):  # the same bytes: how they are decoded depends on the locale
        for result in results:
            result["path"] = os.fsencode(result["path"])
    assert plain == usual != []


@pytest.mark.parametrize("name", ["ablate", "align", "emotions", "bench"])
def test_experiments_write_to_ascii_streams_too(name):
    code = f"import sys; sys.argv = ['-m']; sys.orig_argv = ['python', '-m', 'experiments.{name}']\n"
    code += r"import experiments, click; click.echo('\u2588 \xb1 \u732b'); click.echo('\xb7', err=True)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | ASCII, capture_output=True)
    assert (done.stdout, done.stderr) == (b"# +- \\u732b\n", b"-\n")


def test_output_that_nobody_reads_is_no_traceback(shelf):
    _, lib = shelf
    for words in (f"list -l {lib}", "--help", f"search --item x -l {lib} --help", f"info -l {lib}"):
        line = f"{sys.executable} -m retrieval {words} | true"
        done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True)
        assert done.stderr == "", words
