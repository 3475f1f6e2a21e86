import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from library_factory import (
    ENCODERS,
    ROOT,
    affect,
    affect_process,
    broken,
    content,
    flicker,
    gallery,
    hum,
    index,
    painted,
    paths,
    wrong_with,
)
from media_factory import cut_short, huge_png

from encoders.base import AffectError
from encoders.media import Limits, decoder_pool
from retrieval.indexing import indexer
from retrieval.storage.library import Library


@pytest.fixture
def media(tmp_path):
    return gallery(tmp_path / "media")


@pytest.fixture
def lib(tmp_path):
    return tmp_path / "lib"


def counts(progress):
    """What is not zero."""
    told = progress.to_json()
    names = ("indexed", "unchanged", "rechecked", "moved", "removed", "missing")
    return {name: told[name] for name in names if told[name]} | (
        {"failed": len(told["failed"])} if told["failed"] else {}
    )


def reasons(progress):
    return {Path(entry["path"]).name: entry["reason"] for entry in progress.to_json()["failed"]}


# -- incremental ------------------------------------------------------------------------------------------


def test_a_first_run_indexes_everything(media, lib):
    assert counts(index(lib, media)) == {"indexed": 10}
    assert set(paths(lib)) == set(media.iterdir()) and wrong_with(lib) == []


def test_a_second_run_opens_and_decodes_nothing(media, lib, monkeypatch):
    index(lib, media)
    before = content(lib)
    monkeypatch.setattr(indexer, "DecoderPool", None)
    monkeypatch.setattr(Library, "commit", None)
    opened = []
    sys.addaudithook(lambda name, what: opened.append(str(what[0])) if name == "open" else None)
    assert counts(index(lib, media)) == {"unchanged": 10}
    assert not [path for path in opened if path.startswith(str(media))]
    assert content(lib) == before


def test_known_files_without_an_ending_are_not_looked_into(tmp_path, lib):
    painted(tmp_path / "a.png", 1).rename(tmp_path / "a")
    assert counts(index(lib, tmp_path)) == {"indexed": 1}
    opened = []
    sys.addaudithook(lambda name, what: opened.append(str(what[0])) if name == "open" else None)
    assert counts(index(lib, tmp_path)) == {"unchanged": 1}
    assert str(tmp_path / "a") not in opened


def test_moved_renamed_and_copied_files_need_no_encoding(media, lib, monkeypatch):
    index(lib, media)
    before = content(lib)
    (media / "sub").mkdir()
    (media / "photo0.png").rename(media / "sub" / "photo0.png")
    (media / "photo1.png").rename(media / "renamed.png")
    shutil.copy(media / "film.mp4", media / "copy.mp4")
    monkeypatch.setattr(Library, "commit", None)  # nothing new to encode
    assert counts(index(lib, media)) == {"unchanged": 8, "moved": 3}
    assert content(lib) == before and set(paths(lib)) == {p for p in media.rglob("*") if p.is_file()}
    assert counts(index(lib, media)) == {"unchanged": 11}


def test_a_moved_folder_needs_no_encoding(media, lib, monkeypatch):
    index(lib, media)
    monkeypatch.setattr(Library, "commit", None)
    moved = media.rename(media.with_name("elsewhere"))
    assert counts(index(lib, moved)) == {"moved": 10}
    assert counts(index(lib, moved.parent)) == {"unchanged": 10}
    assert set(paths(lib)) == set(moved.iterdir())


def test_changed_content_replaces_the_old(media, lib):
    index(lib, media)
    before = content(lib)
    old = paths(lib)[media / "photo0.png"]
    painted(media / "photo0.png", 77)
    assert counts(index(lib, media)) == {"indexed": 1, "unchanged": 9}
    after = content(lib)
    assert old not in after and paths(lib)[media / "photo0.png"] in after
    assert len(after) == 10 and {k: v for k, v in before.items() if k != old}.items() <= after.items()


def test_a_touched_file_is_read_but_not_encoded_again(media, lib, monkeypatch):
    index(lib, media)
    os.utime(media / "film.mp4", (1, 1))
    monkeypatch.setattr(Library, "commit", None)
    assert counts(index(lib, media)) == {"unchanged": 9, "rechecked": 1}


def test_deleted_files_are_forgotten(media, lib):
    index(lib, media)
    (media / "film.mp4").unlink()
    (media / "photo1.png").unlink()
    assert counts(index(lib, media)) == {"unchanged": 8, "removed": 2}
    assert len(content(lib)) == 8 and wrong_with(lib) == []


def test_files_elsewhere_are_left_alone(media, tmp_path, lib):
    index(lib, media)
    other = gallery(tmp_path / "other", photos=1)
    painted(other / "photo0.png", 55)
    index(lib, other)
    held = content(lib)
    shutil.rmtree(media)
    assert counts(index(lib, other)) == {"unchanged": 5, "removed": 4}  # four of them are in `other` too
    assert len(paths(lib)) == 11 and content(lib) == held


def test_a_missing_root_is_refused_and_nothing_forgotten(media, lib):
    index(lib, media)
    shutil.move(media, media.with_name("unmounted"))
    with pytest.raises(AffectError, match="no such file"):
        index(lib, media)
    done = affect("index", media, "--library", lib)
    said = f"affect: {media}: no such file or directory; the library holds 10 files of it: mount its disk, "
    said += f"or forget them with: affect remove {media} --library {lib}\n"
    assert (done.returncode, done.stderr) == (2, said)
    assert len(paths(lib)) == 10


def test_removed_items_come_back(media, lib):
    index(lib, media)
    before = content(lib)
    assert affect("remove", media, "--library", lib).stdout == "forgot 10 files\n"
    assert content(lib) == {}
    assert counts(index(lib, media)) == {"indexed": 10}
    assert content(lib) == before and wrong_with(lib) == []


def test_many_moved_and_bad_files_are_written_down_together(tmp_path, lib, monkeypatch):
    media = tmp_path / "media"
    media.mkdir()
    monkeypatch.setattr(indexer, "UPDATE_BATCH_SIZE", 5)
    photo = painted(media / "one.png", 1)
    index(lib, media)
    for number in range(12):
        shutil.copy(photo, media / f"copy{number}.png")
        (media / f"empty{number}.png").touch()
    assert counts(index(lib, media)) == {"unchanged": 1, "moved": 12, "failed": 12}
    assert len(paths(lib)) == 13 and len(content(lib)) == 1
    assert counts(index(lib, media)) == {"unchanged": 13, "failed": 12}


def test_copies_in_one_run_are_one_item(tmp_path, lib):
    media = tmp_path / "media"
    media.mkdir()
    for number in range(6):
        painted(media / f"{number}.png", 1)
    index(lib, media)
    assert len(paths(lib)) == 6 and len(content(lib)) == 1 and wrong_with(lib) == []


def test_roots_that_overlap(media, lib):
    assert counts(index(lib, media, media, media / "film.mp4", media.parent)) == {"indexed": 10}


def test_the_library_inside_the_folder_is_not_indexed(media):
    lib = media / "lib"
    index(lib, media)
    assert counts(index(lib, media)) == {"unchanged": 10}


# -- bad input --------------------------------------------------------------------------------------------


def test_broken_files_cost_only_themselves(media, lib):
    names = broken(media)
    cut_short(media / "cut.mp4", media / "film.mp4", 0.2)
    huge_png(media / "huge.png")
    progress = index(lib, media)
    assert counts(progress) == {"indexed": 10, "failed": 5}
    told = reasons(progress)
    assert set(told) == names | {"cut.mp4", "huge.png"}
    assert told["empty.jpg"] == "empty file" and "text" in told["text.mp4"]
    assert "1,600 megapixels" in told["huge.png"]
    assert all(reason and "\n" not in reason and "Traceback" not in reason for reason in told.values())
    assert wrong_with(lib) == []


def test_errors_are_remembered_until_retried_or_changed(media, lib, monkeypatch):
    broken(media)
    first = index(lib, media)
    with monkeypatch.context() as patched:
        patched.setattr(indexer, "DecoderPool", None)
        again = index(lib, media)
    assert reasons(again) == reasons(first) and counts(again) == {"unchanged": 10, "failed": 3}
    assert counts(index(lib, media, retry=True)) == {"unchanged": 10, "failed": 3}
    painted(media / "empty.jpg", 50)
    assert counts(index(lib, media)) == {"indexed": 1, "unchanged": 10, "failed": 2}
    (media / "text.mp4").unlink()
    (media / "cut.jpg").unlink()
    assert counts(index(lib, media)) == {"unchanged": 11, "removed": 2}
    with closing(Library.open(lib)) as library:
        assert library.catalog.list_unreadable() == []


def test_a_file_that_breaks_later_is_told_and_its_item_goes(media, lib):
    index(lib, media)
    (media / "film.mp4").write_bytes(b"")
    assert counts(index(lib, media)) == {"unchanged": 9, "failed": 1}
    assert len(content(lib)) == 9 and wrong_with(lib) == []


def test_a_decoder_that_crashes_costs_only_its_file(media, lib, monkeypatch):
    """misbehaving.py kills the worker for some names; here every second photo does."""
    read = "import os, encoders.media as m\ndef read(path, *rest):\n"
    read += "    if path.name in ('photo1.png', 'photo4.png'): os.abort()\n"
    read += "    yield from m.read_media(path, *rest)\n"
    (media.parent / "crashing.py").write_text(read)
    monkeypatch.syspath_prepend(str(media.parent))
    pool = decoder_pool.DecoderPool
    monkeypatch.setattr(indexer, "DecoderPool", lambda *given: pool(*given, reader="crashing:read"))
    progress = index(lib, media)
    assert counts(progress) == {"indexed": 8, "failed": 2}
    assert set(reasons(progress)) == {"photo1.png", "photo4.png"}
    assert "crashed" in reasons(progress)["photo1.png"]


@pytest.mark.parametrize(
    ("mishap", "said"),
    [
        ("os.kill(os.getpid(), 9)", "crashed"),  # as the kernel does when memory runs out
        ("raise OSError(5, 'Input/output error')", "Input/output error"),
    ],
)
def test_what_may_pass_is_tried_again_and_the_old_item_stays(media, lib, monkeypatch, mishap, said):
    index(lib, media)
    before = paths(lib)
    painted(media / "photo1.png", 70)
    read = "import os, time, encoders.media as m\ndef read(path, *rest):\n"
    read += f"    if path.name == 'photo1.png': {mishap}\n    yield from m.read_media(path, *rest)\n"
    (media.parent / "passing.py").write_text(read)
    pool = decoder_pool.DecoderPool

    def failing(jobs, sampling, _):
        return pool(jobs, sampling, Limits(timeout_seconds=1), reader="passing:read")

    with monkeypatch.context() as patched:
        patched.syspath_prepend(str(media.parent))
        patched.setattr(indexer, "DecoderPool", failing)
        for _ in range(2):  # the second time it is tried again, and not just remembered
            progress = index(lib, media)
            assert counts(progress) == {"unchanged": 9, "failed": 1}
            assert said in reasons(progress)["photo1.png"]
    assert paths(lib) == before
    assert counts(index(lib, media)) == {"indexed": 1, "unchanged": 9}
    assert before[media / "photo1.png"] not in content(lib) and wrong_with(lib) == []


def test_links(media, lib, tmp_path):
    (media / "loop").symlink_to(media)
    (media / "sub").mkdir()
    (media / "sub" / "up").symlink_to(media.parent)
    (media / "itself.png").symlink_to(media / "itself.png")
    (media / "nowhere.jpg").symlink_to(media / "gone.jpg")
    (media / "again.png").symlink_to(media / "photo0.png")
    progress = index(lib, media)
    assert set(reasons(progress)) == {"itself.png", "nowhere.jpg"}
    assert all("link" in reason for reason in reasons(progress).values())
    assert len(content(lib)) == 10 and media / "again.png" in paths(lib)


def test_links_that_cross_each_other_are_walked_once(tmp_path, lib):
    """Each folder links to all others: entered along every way, these would be a million folders."""
    media = tmp_path / "media"
    folders = [media / str(number) for number in range(10)]
    for number, folder in enumerate(folders):
        folder.mkdir(parents=True)
        painted(folder / "photo.png", number)
        for other in folders:
            if other != folder:
                (folder / f"to{other.name}").symlink_to(other)
    assert counts(index(lib, media)) == {"indexed": 10}
    assert set(paths(lib)) == {folder / "photo.png" for folder in folders}


def test_a_linked_folder_outside_is_followed(media, lib, tmp_path):
    far = tmp_path / "far"
    far.mkdir()
    painted(far / "far.png", 99)
    (media / "link").symlink_to(far)
    assert counts(index(lib, media)) == {"indexed": 11}
    assert media / "link" / "far.png" in paths(lib)


@pytest.mark.slow
def test_a_very_deep_folder(tmp_path, lib):
    media = tmp_path / "media"
    media.mkdir()
    here = os.open(media, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("a", dir_fd=here)
        below = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    painted(media / "a" / "photo.png", 1)
    try:
        assert counts(index(lib, media)) == {"indexed": 1}
    finally:
        subprocess.run(["rm", "-rf", media], check=True)  # shutil and pytest recurse


def test_names_of_all_sorts(media, lib):
    for name in (
        b"caf\xe9.png",
        b"new\nline.png",
        b"-l",
        b"[red].png",
        b"\xf0\x9f\x90\x88.png",
        b"a'b;--.png",
    ):
        painted(media / "next.png", sum(name)).rename(Path(os.fsdecode(os.fsencode(media) + b"/" + name)))
    (media / os.fsdecode(b"bad\xff.mp4")).write_text("only words")
    progress = index(lib, media)
    assert counts(progress) == {"indexed": 16, "failed": 1}
    assert set(reasons(progress)) == {os.fsdecode(b"bad\xff.mp4")}
    assert counts(index(lib, media)) == {"unchanged": 16, "failed": 1}
    listed = affect("list", "--library", lib, "--json").stdout
    listed = [Path(json.loads(line)["path"]) for line in listed.splitlines()]
    assert media / os.fsdecode(b"caf\xe9.png") in listed and all(path.exists() for path in listed)
    found = affect("search", "--image", media / os.fsdecode(b"caf\xe9.png"), "--library", lib)
    assert found.returncode == 0 and "caf\\xe9.png" in found.stdout
    (media / os.fsdecode(b"caf\xe9.png")).unlink()
    assert counts(index(lib, media)) == {"unchanged": 15, "removed": 1, "failed": 1}


def test_what_is_no_plain_file_is_passed_over(media, lib):
    os.mkfifo(media / "pipe.mp4")
    (media / ".hidden.png").write_bytes((media / "photo0.png").read_bytes())
    (media / "folder.png").mkdir()
    (media / "notes.txt").write_text("nothing to see")
    assert counts(index(lib, media)) == {"indexed": 10}


def test_a_folder_full_of_nothing(tmp_path, lib):
    (tmp_path / "empty").mkdir()
    assert counts(index(lib, tmp_path / "empty")) == {}
    assert "no media files found" in affect("index", tmp_path / "empty", "--library", lib).stdout


def test_a_file_that_vanishes_on_the_way(media, lib, monkeypatch):
    scan = indexer.find_media_files

    def vanishing(*given, **options):
        found = list(scan(*given, **options))
        (media / "photo2.png").unlink()
        return found

    monkeypatch.setattr(indexer, "find_media_files", vanishing)
    assert counts(index(lib, media)) == {"indexed": 9, "failed": 1}


def test_what_may_not_be_read_costs_only_itself(media, lib, bound):
    locked = gallery(media / os.fsdecode(b"locked\xff"), photos=1)
    painted(locked / "photo0.png", 40)
    blind = media / "blind"
    blind.mkdir()
    painted(blind / "inside.png", 41)
    index(lib, media)
    held = len(paths(lib))
    secret = painted(media / "secret.png", 42)
    secret.chmod(0)
    locked.chmod(0)  # can't be listed
    blind.chmod(0o444)  # can be listed, not entered
    done = affect_process("index", media, "--library", lib, prefix=bound)
    for path in (secret, locked, blind):
        path.chmod(0o755)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert done.stdout.count("permission denied") == 3, done.stdout
    assert "forgotten" not in done.stdout and len(paths(lib)) == held
    assert counts(index(lib, media)) == {"indexed": 1, "unchanged": held}  # not remembered as bad


def test_a_root_that_may_not_be_looked_at_is_one_line(media, lib, bound):
    media.chmod(0)
    done = affect_process(
        "index", media / "photo0.png", "--library", lib, "--encoders", ENCODERS, prefix=bound
    )
    media.chmod(0o755)
    assert (done.returncode, done.stderr) == (2, f"affect: {media / 'photo0.png'}: permission denied\n")


def test_a_library_that_may_not_be_written_is_one_line(media, lib, tmp_path, bound):
    index(lib, media)
    everything = [lib, *lib.rglob("*"), media]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = [
        affect_process("index", media, "--library", where, "--encoders", ENCODERS, prefix=bound)
        for where in (lib, media / "lib")
    ]
    for path in everything:
        path.chmod(0o755)
    for one in done:
        assert one.returncode == 2 and one.stderr.count("\n") == 1, one.stderr
        assert "permission denied" in one.stderr or "readonly" in one.stderr
    assert wrong_with(lib) == []


# -- interrupted ------------------------------------------------------------------------------------------

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
    _, said = run.communicate(timeout=20)
    assert run.returncode == 130 and "Traceback" not in said, said
    assert "affect: stopped" in said
    kept = content(lib)
    assert 0 < len(kept) < len(whole) and kept.items() <= whole.items() and wrong_with(lib) == []
    assert f"{len(whole)} " not in said
    done = affect("index", media, "--library", lib)
    assert done.returncode == 0 and content(lib) == whole


@pytest.mark.parametrize("after", [0.02, 0.1, 0.2, 0.3, 0.5])
def test_control_c_at_any_time_is_no_traceback(crowd, tmp_path, after):
    media, *_ = crowd
    run = subprocess.Popen(
        [sys.executable, "-m", "retrieval", "index", media, "-l", tmp_path / "lib", "--encoders", ENCODERS],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(after + 0.2)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=20)
    assert run.returncode in (0, 130, -signal.SIGINT) and "Traceback" not in said, said
    if Library.exists(tmp_path / "lib"):
        assert wrong_with(tmp_path / "lib") == []
