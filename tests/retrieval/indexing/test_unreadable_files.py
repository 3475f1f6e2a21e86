"""Files that can't be read, or may not be, cost only themselves."""

import os
from contextlib import closing

import pytest
from index_runs import counts, reasons
from library_factory import (
    ENCODERS,
    affect_process,
    broken,
    content,
    gallery,
    index,
    painted,
    paths,
    wrong_with,
)
from media_factory import cut_short, huge_png

from encoders.media import Limits, decoder_pool
from retrieval.indexing import file_encoding, indexer
from retrieval.storage.library import Library


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
        patched.setattr(file_encoding, "DecoderPool", None)
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
    monkeypatch.setattr(
        file_encoding, "DecoderPool", lambda *given, reader: pool(*given, reader="crashing:read")
    )
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

    def failing(jobs, sampling, _, reader):
        return pool(jobs, sampling, Limits(), reader="passing:read")

    with monkeypatch.context() as patched:
        patched.syspath_prepend(str(media.parent))
        patched.setattr(file_encoding, "DecoderPool", failing)
        for _ in range(2):  # the second time it is tried again, and not just remembered
            progress = index(lib, media)
            assert counts(progress) == {"unchanged": 9, "failed": 1}
            assert said in reasons(progress)["photo1.png"]
    assert paths(lib) == before
    assert counts(index(lib, media)) == {"indexed": 1, "unchanged": 9}
    assert before[media / "photo1.png"] not in content(lib) and wrong_with(lib) == []


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
