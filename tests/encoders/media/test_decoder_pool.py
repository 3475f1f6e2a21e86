import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
from media_factory import clip, photo, tone
from process_signals import all_end
from repository import ROOT

from encoders.base import MediaError
from encoders.media import Limits
from encoders.media.decoder_pool import DecodedSegment, DecoderPool, FailedFile, FinishedFile, OpenedFile

MISHAPS = "misbehaving:reader"  # of this folder, which is on the path of the tests and so of the workers
PATIENCE_SECONDS = 3  # enough for a whole file, also where the machine has other work


def by_file(events):
    found = defaultdict(list)
    for event in events:
        found[event.path.name].append(event)
    return found


def kinds(events):
    return [type(event) for event in events]


def test_events_of_each_file_are_in_order(tmp_path):
    paths = [clip(tmp_path / "film.mp4", seconds=40, sound=40), photo(tmp_path / "card.jpg")]
    paths += [tone(tmp_path / "tone.wav", seconds=31), tmp_path / "gone.mp4", tmp_path / "empty.jpg"]
    paths[-1].touch()
    with DecoderPool(2) as pool:
        found = by_file(pool.read(paths))
    assert kinds(found["film.mp4"]) == [
        OpenedFile,
        DecodedSegment,
        DecodedSegment,
        DecodedSegment,
        FinishedFile,
    ]
    assert kinds(found["card.jpg"]) == [OpenedFile, DecodedSegment, FinishedFile]
    assert kinds(found["tone.wav"]) == [OpenedFile, DecodedSegment, DecodedSegment, FinishedFile]
    assert [event.segment.start for event in found["film.mp4"][1:-1]] == [0, 15, 30]
    assert found["gone.mp4"][0].error.reason == "no such file"
    assert found["empty.jpg"][0].error.reason == "empty file"


def test_the_digest_tells_content_and_not_names(tmp_path):
    paths = [photo(tmp_path / "a.png"), photo(tmp_path / "b.png"), photo(tmp_path / "c.png", 20, 20)]
    with DecoderPool(1) as pool:
        digests = {e.path.stem: e.digest for e in pool.read(paths) if isinstance(e, OpenedFile)}
    assert digests["a"] == digests["b"] != digests["c"] and len(digests["a"]) == 32


def test_unwanted_files_are_not_decoded(tmp_path):
    paths = [photo(tmp_path / "known.png"), photo(tmp_path / "new.png")]
    with DecoderPool(1) as pool:
        found = by_file(pool.read(paths, should_decode=lambda opened: opened.path.stem == "new"))
    assert kinds(found["known.png"]) == [OpenedFile, FinishedFile]
    assert kinds(found["new.png"]) == [OpenedFile, DecodedSegment, FinishedFile]


def test_paths_are_taken_as_workers_get_free(tmp_path):
    path, taken = photo(tmp_path / "card.png"), []

    def paths():
        for index in range(20):
            taken.append(index)
            yield path

    with DecoderPool(2) as pool:
        events = pool.read(paths())
        next(events)
        assert len(taken) == 2
        events.close()
        assert len([e for e in pool.read([path]) if isinstance(e, DecodedSegment)]) == 1  # still usable


def read_user_ticks(process):
    """Processor time in hundredths of a second."""
    return int(Path(f"/proc/{process}/stat").read_text().split()[13])


def find_position(process, path):
    """How far a process has read a file that it holds open, in bytes."""
    (file,) = (file for file in Path(f"/proc/{process}/fd").iterdir() if file.resolve() == path.resolve())
    return int(Path(f"/proc/{process}/fdinfo/{file.name}").read_text().split()[1])


def test_a_worker_waits_for_the_consumer(tmp_path):
    """A worker holds one segment and works no further: its memory and the file's position stay."""
    path = tone(tmp_path / "long.wav", seconds=600, rate=8000)
    with DecoderPool(1) as pool:
        events = pool.read([path])
        assert isinstance(next(events), OpenedFile)
        process, before = pool._workers[0]._process.pid, None
        while (now := read_user_ticks(process)) != before:  # until it rests
            before = now
            time.sleep(0.3)
        assert find_position(process, path) < path.stat().st_size / 4
        assert len([e for e in events if isinstance(e, DecodedSegment)]) == 40


@pytest.mark.parametrize(
    ("mishap", "reason"),
    [
        ("crash", "decoder crashed (signal SIGSEGV)"),
        ("hang", f"decoding took longer than {PATIENCE_SECONDS} s"),
        ("spin", f"decoding took longer than {PATIENCE_SECONDS} s"),
        ("bomb", "decoding needs more than 0.5 GiB of memory"),
        ("fail", "decoder failed: KeyError: 'a bug in a plugin'"),
    ],
)
def test_a_mishap_costs_only_its_file(tmp_path, mishap, reason):
    paths = [
        photo(tmp_path / name) for name in ("a.png", f"{mishap}.png", "b.png", f"{mishap}-2.png", "c.png")
    ]
    limits = Limits(timeout_seconds=PATIENCE_SECONDS, max_memory_bytes=1 << 29)
    with DecoderPool(1, limits=limits, reader=MISHAPS) as pool:
        found = by_file(pool.read(paths))
    for name in ("a.png", "b.png", "c.png"):
        assert kinds(found[name]) == [OpenedFile, DecodedSegment, FinishedFile]
    for name in (f"{mishap}.png", f"{mishap}-2.png"):
        assert kinds(found[name]) == [OpenedFile, FailedFile]
        assert isinstance(found[name][-1].error, MediaError) and found[name][-1].error.reason == reason


def test_real_decoding_fits_the_memory_it_is_given(tmp_path):
    paths = [
        clip(tmp_path / "film.mp4", size=(1920, 1080), seconds=1),
        photo(tmp_path / "big.png", 6000, 4000, compress_level=1),
    ]
    with DecoderPool(1, limits=Limits(max_memory_bytes=1 << 30)) as pool:
        found = by_file(pool.read(paths))
    assert all(kinds(events) == [OpenedFile, DecodedSegment, FinishedFile] for events in found.values())


def test_a_picture_that_needs_more_memory_than_allowed(tmp_path):
    path = photo(tmp_path / "big.png", 8000, 6000, compress_level=1)
    with DecoderPool(1, limits=Limits(max_memory_bytes=100 << 20)) as pool:
        *_, last = pool.read([path])
    assert last.error.reason == "decoding needs more than 0.0976562 GiB of memory"


def test_a_pool_reads_in_its_with_statement_only(tmp_path):
    with pytest.raises(RuntimeError, match="with statement"):
        next(DecoderPool(1).read([tmp_path]))
    with pytest.raises(ValueError, match="at least one"):
        DecoderPool(0)


def test_a_worker_killed_while_idle_is_replaced(tmp_path):
    path = photo(tmp_path / "card.png")
    with DecoderPool(1) as pool:
        assert len(list(pool.read([path]))) == 3
        worker = pool._workers[0]._process.pid
        os.kill(worker, signal.SIGKILL)
        assert all_end([worker])
        assert len(list(pool.read([path]))) == 3


START = """
import resource, sys
from pathlib import Path
from encoders.media.decoder_pool import DecoderPool
with DecoderPool(1) as pool:
    list(pool.read([Path(sys.argv[1])]))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime)
"""


def test_starting_is_quick(tmp_path):
    """By the processor's seconds, whatever else the machine does; in a process that has no other children."""
    command = [sys.executable, "-c", START, photo(tmp_path / "card.png")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 2  # .35 s on an idle machine


def test_decoding_imports_no_torch():
    code = "import sys, encoders.media, encoders.media.decoder_pool; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


PARENT = """
import sys
from pathlib import Path
from encoders.media.decoder_pool import DecoderPool
sys.path.insert(0, "tests/factories")
with DecoderPool(2, reader="misbehaving:reader") as pool:
    print(*(worker._process.pid for worker in pool._workers), flush=True)
    for event in pool.read([Path(p) for p in sys.argv[1:]]):
        print(event.path.name, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path, number):
    """Without a __main__ guard, by Ctrl-C and by a kill; the workers say nothing."""
    film = clip(tmp_path / "film.mp4", seconds=3)
    command = [sys.executable, "-c", PARENT, *[str(film)] * 400]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as parent:
        workers = parent.stdout.readline().split()
        assert parent.stdout.readline() == "film.mp4\n"
        parent.send_signal(number)
        _, errors = parent.communicate(timeout=120)
    assert all_end(workers)
    assert errors.count("Traceback") == (1 if number == signal.SIGINT else 0)  # the parent's own


def test_what_is_wrong_with_a_file_lasts_and_what_is_not_may_pass(tmp_path):
    paths = [clip(tmp_path / f"{name}.mp4", seconds=2) for name in ("hang", "bomb", "crash", "fail")]
    paths += [tmp_path / "empty.jpg", tmp_path / "text.mp4", tmp_path / "gone.jpg"]
    paths[4].touch()
    paths[5].write_text("only words")
    with DecoderPool(2, limits=Limits(timeout_seconds=PATIENCE_SECONDS), reader=MISHAPS) as pool:
        failed = {e.path.stem: e.error.is_permanent for e in pool.read(paths) if isinstance(e, FailedFile)}
    assert failed == {
        "hang": True, "bomb": True, "crash": True, "fail": False, "gone": False,
        "empty": True, "text": True,
    }  # fmt: skip
