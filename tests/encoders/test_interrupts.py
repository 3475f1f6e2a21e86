"""Signals end commands at once, cleanly, and leave no draft."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from library_factory import ENCODERS, ROOT, painted
from process_signals import all_end, await_signal_handler, is_running

from encoders.interrupts import make_draft_path

STOPPED = "affect: stopped; what was committed stays, run the same command to go on\n"


def started(*words, cwd=ROOT, module="retrieval", **options):
    command = [sys.executable, "-m", module, *map(os.fspath, words)]
    return subprocess.Popen(command, cwd=cwd, stdout=-1, stderr=-1, text=True, errors="replace", **options)


def workers_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(one) for one in found.split()]


def interrupt(run, after, number=signal.SIGINT, usual=0):
    """Send a signal so many seconds into our own code; what was said and whether nothing lingers."""
    await_signal_handler(run)
    time.sleep(after)
    workers = workers_of(run.pid)
    run.send_signal(number)
    _, said = run.communicate(timeout=120)
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


@pytest.mark.parametrize(
    "after", [0, *(pytest.param(after, marks=pytest.mark.slow) for after in (0.03, 0.1)), 0.3]
)
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
    await_signal_handler(run)
    run.send_signal(number)
    _, said = run.communicate(timeout=120)
    assert (run.returncode, said) == (128 + number, "")


def test_a_command_under_nohup_stays(shelf, tmp_path):
    words = commands(*shelf, tmp_path)["index"]
    run = started(*words, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    await_signal_handler(run)
    run.send_signal(signal.SIGHUP)
    run.communicate(timeout=120)
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


LATE = """
import os, signal, sys
from encoders.interrupts import exit_on_signals
exit_on_signals("stopped")
class Late:
    def __del__(self, kill=os.kill, own=os.getpid(), number=signal.SIGINT, write=os.write):
        write(1, b"late")
        kill(own, number)
sys.late = Late()
sys.exit(2)
"""


def test_a_signal_while_the_interpreter_ends_leaves_the_exit_code(tmp_path):
    done = subprocess.run([sys.executable, "-c", LATE], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (2, "late", "")


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
    await_signal_handler(run)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=120)
    assert (run.returncode, said) in ((0, ""), (130, f"{name}: interrupted; run it again to go on\n"))


def test_a_command_that_leaves_a_pool_of_processes_says_its_line_alone():
    code = (
        "import multiprocessing, os, signal, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from encoders.interrupts import exit_with_parent\n"
        "from encoders.process_setup import set_up_command\n"
        "set_up_command('it', 'stopped')\n"
        "pool = ProcessPoolExecutor(1, multiprocessing.get_context('spawn'), exit_with_parent)\n"
        "pool.submit(abs, 1).result()\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "it: stopped\n")
