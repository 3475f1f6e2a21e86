"""What is no media, or can't be opened, is refused in one line."""

import errno
import os
import subprocess
import sys
from pathlib import Path

from media_factory import clip, cut_short, float_wav, photo
from media_reading import reason
from repository import ROOT

from encoders import media


def test_bad_files(tmp_path):
    def made(name, data):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    assert reason(made("empty.mp4", b"")) == "empty file"
    assert (
        reason(made("text.mp4", b"Dear reader,\n" * 50)) == "not an image, video or sound (looks like text)"
    )
    assert reason(made("list.mp4", b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n")).endswith("(looks like text)")
    assert reason(made("noise.jpg", bytes(range(1, 200)) * 30)) == "not an image, video or sound"
    assert reason(made("nothing.wav", float_wav(tmp_path / "x.wav", []).read_bytes())).startswith(
        "zero length"
    )
    assert reason(tmp_path / "gone.mp4") == "no such file"
    assert reason(tmp_path) == "a directory, not a file"


def test_paths_that_are_no_files(tmp_path):
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert reason(tmp_path / "loop.mp4") == "symbolic links in a loop"
    assert reason(tmp_path / "pipe.mp4") == "not a regular file"
    assert not media.looks_like_media(tmp_path / "loop") and not media.looks_like_media(tmp_path / "pipe")


def test_no_permission(tmp_path, monkeypatch):
    path = photo(tmp_path / "secret.jpg")
    path.chmod(0)
    if os.geteuid() == 0:  # root may read everything: let the system say what it says to others

        def refuse(*_, **__):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(Path, "open", refuse)
    assert reason(path) == "permission denied"


def test_looks_like_media(tmp_path):
    photo(tmp_path / "card.png").rename(tmp_path / "card")
    (tmp_path / "notes").write_text("words")
    assert media.looks_like_media(tmp_path / "card") and media.looks_like_media(Path("a.MP4"))
    assert not media.looks_like_media(tmp_path / "notes") and not media.looks_like_media(tmp_path / "gone")


def test_decoders_say_nothing(tmp_path):
    """In a fresh process, as libraries write to the descriptor and not to sys.stderr."""
    whole = clip(tmp_path / "whole.mkv", seconds=20)
    cut_short(tmp_path / "cut.mkv", whole, 0.5)
    cut_short(tmp_path / "cut.mp4", clip(tmp_path / "whole.mp4"), 0.5)
    code = (
        "import sys; from pathlib import Path; from encoders import media\n"
        "for name in sys.argv[1:]:\n"
        "    try: [*media.read_segments(Path(name), media.probe(Path(name)))]\n"
        "    except media.MediaError: pass\n"
    )
    names = [str(tmp_path / name) for name in ("cut.mkv", "cut.mp4")]
    root = ROOT
    done = subprocess.run([sys.executable, "-c", code, *names], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
