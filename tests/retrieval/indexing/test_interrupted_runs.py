"""A run that is killed or interrupted loses nothing and leaves nothing half there."""

import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from library_factory import (
    ENCODERS,
    ROOT,
    affect,
    broken,
    content,
    flicker,
    gallery,
    hum,
    index,
    paths,
    wrong_with,
)
from process_signals import await_signal_handler

from retrieval.storage.library import Library

RUN = """
import sys
from pathlib import Path
sys.path.insert(0, "tests/factories")
from library_factory import index
from retrieval.features import batching
from retrieval.indexing.indexer import Indexer
from retrieval.storage.library import Library
batching.BATCH_FRAMES = 6
library = Library.open(Path(sys.argv[1]))
print("ready", flush=True)
with library.lock_for_writing():
    Indexer(library, lambda counts: print(counts.indexed, flush=True)).run([Path(sys.argv[2])], jobs=2)
"""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Enough files for an index run to be caught in the middle of, and the library they make."""
    folder = tmp_path_factory.mktemp("crowd")
    media = gallery(folder / "media", photos=60)
    broken(media)
    for seed in range(12):
        flicker(media / f"moves{seed}.gif", seed, frames=6, period=9000)
        hum(media / f"hum{seed}.wav", 100 + 50 * seed, seconds=20)
    shutil.copy(media / "film.mp4", media / "same.mp4")
    index(folder / "whole", media)
    return media, content(folder / "whole"), paths(folder / "whole")


def started(lib, media):
    """An index run in another process that has begun."""
    if not Library.exists(lib):
        index(lib)
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, lib, media],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout.readline() == "ready\n"
    return run


def killed(run, steps, pause):
    """Kill the run that many steps and seconds on; how many files it said it had committed."""
    told = ["0"]
    while len(told) <= steps and (line := run.stdout.readline()):
        told.append(line)
    time.sleep(pause)
    run.kill()
    told += run.communicate()[0].splitlines()
    return int([line for line in told if line.strip()][-1])


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_or_half_there(crowd, tmp_path):
    media, whole, places = crowd
    rng, number, held, found = random.Random(5), 0, {}, []
    for _ in range(20):
        lib = tmp_path / str(number)
        committed = killed(started(lib, media), rng.randrange(140), rng.uniform(0, 0.02))
        after = content(lib)
        assert wrong_with(lib) == []
        assert held.items() <= after.items()  # nothing committed before is lost,
        assert len(after) >= len(held) + committed - 1  # nor now (one file is there twice),
        assert after.items() <= whole.items()  # and nothing is half there: all segments and rows, bit for bit
        found.append(len(after))
        number, held = (number + 1, {}) if len(after) == len(whole) else (number, after)
    assert len(set(found)) > 8, found  # it was caught at many different points
    index(lib, media)
    assert content(lib) == whole and paths(lib) == places and wrong_with(lib) == []


@pytest.mark.slow
def test_killed_while_the_library_is_made(crowd, tmp_path):
    media, whole, _ = crowd
    rng, command = random.Random(6), [sys.executable, "-m", "retrieval", "index", media]
    for _ in range(8):
        run = subprocess.Popen(
            [*command, "-l", tmp_path / "lib", "--encoders", ENCODERS],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while not (tmp_path / "lib").exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.03))
        run.kill()
        run.wait()
        if rng.random() < 0.5:
            shutil.rmtree(tmp_path / "lib", ignore_errors=True)
    done = affect("index", media, "--library", tmp_path / "lib", "--encoders", ENCODERS)
    assert done.returncode == 0 and content(tmp_path / "lib") == whole


def test_control_c_keeps_what_is_complete(crowd, tmp_path):
    media, whole, _ = crowd
    lib = tmp_path / "lib"
    run = subprocess.Popen(
        [sys.executable, "-m", "retrieval", "index", media, "-l", lib, "--encoders", ENCODERS, "-j", "1"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while run.poll() is None and not (Library.exists(lib) and content(lib)):
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=120)
    assert run.returncode == 130 and "Traceback" not in said, said
    assert "affect: stopped" in said
    kept = content(lib)
    assert 0 < len(kept) < len(whole) and kept.items() <= whole.items() and wrong_with(lib) == []
    assert f"{len(whole)} " not in said
    done = affect("index", media, "--library", lib)
    assert done.returncode == 0 and content(lib) == whole


@pytest.mark.parametrize("after", [0, 0.1, 0.3, 0.5, 0.7])
def test_control_c_at_any_time_is_no_traceback(crowd, tmp_path, after):
    media, *_ = crowd
    run = subprocess.Popen(
        [sys.executable, "-m", "retrieval", "index", media, "-l", tmp_path / "lib", "--encoders", ENCODERS],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    await_signal_handler(run)
    time.sleep(after)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=120)
    assert run.returncode in (0, 130) and "Traceback" not in said, said
    if Library.exists(tmp_path / "lib"):
        assert wrong_with(tmp_path / "lib") == []
