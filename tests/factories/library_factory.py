"""Toy libraries: real media and synthetic rows, indexed by encoders without weights."""

import colorsys
import logging
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
import numpy as np
from click.testing import CliRunner
from media_factory import clip, float_wav, photo, sine
from PIL import Image
from repository import ROOT

from encoders.media import Probe
from retrieval.cli.main import main
from retrieval.features.config import PipelineConfig
from retrieval.indexing.indexer import Indexer
from retrieval.storage.file_stamps import FileStamp
from retrieval.storage.integrity import find_problems
from retrieval.storage.library import EncodedFile, Library
from retrieval.storage.snapshot import round_span

TOYS = PipelineConfig(
    objects="toy-frames",
    activity="",
    sound="toy-sound",
    events="",
    tone="",
    faces="",
    text="toy-text",
    sentiment="",
)
ENCODERS = "objects=toy-frames,activity=,sound=toy-sound,events=,tone=,faces=,text=toy-text,sentiment="
DIM = 16
FORMATS = {"image": "png", "video": "mp4", "audio": "wav"}


class StderrHandler(logging.Handler):
    """Writes as the command's own handler does, to whatever standard error is now."""

    def emit(self, record):
        click.echo(self.format(record), err=True)


def affect(*words, input=None, env=None):
    """The command in this process, where encoders are loaded once; as subprocess.run gives it."""
    return invoke(main, *words, input=input, env=env)


def invoke(command, *words, input=None, env=None):
    """A command of click in this process, with its log on standard error; as subprocess.run gives it."""
    handler = StderrHandler()
    handler.setFormatter(logging.Formatter("affect: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        done = CliRunner().invoke(command, list(map(os.fspath, words)), input=input, env=env)
    finally:
        logging.getLogger().removeHandler(handler)
    error = "" if done.exception is None or isinstance(done.exception, SystemExit) else repr(done.exc_info)
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr + error)


def affect_process(*words, prefix=(), **options):
    """The command in a process of its own."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "retrieval", *map(os.fspath, words)],
        **{"capture_output": True, "text": True, "cwd": ROOT, "timeout": 100, **options},
    )


def new_library(folder, segment=15.0):
    return Library.create(folder, TOYS, segment)


def index(folder, *roots, jobs=2, **options):
    """Index into a library that is made if need be; the counts."""
    library = Library.open(folder) if Library.exists(folder) else new_library(folder)
    with closing(library), library.lock_for_writing():
        return Indexer(library, lambda counts: None).run(roots, jobs, **options)


def painted(path, seed, **options):
    """A picture of four quarters in colours of its own."""
    rng = np.random.default_rng(seed)
    pixels = np.repeat(np.repeat(rng.integers(0, 256, (2, 2, 3), np.uint8), 24, axis=0), 32, axis=1)
    Image.fromarray(pixels).save(path, **options)
    return path


def flicker(path, seed, frames=4, period=1000):
    """A GIF that moves, which is a video: one colour after the other."""
    colours = [colorsys.hsv_to_rgb((seed * 0.37 + i * 0.05) % 1, 1, 0.9) for i in range(frames)]
    pictures = [Image.new("RGB", (64, 48), tuple(round(255 * c) for c in colour)) for colour in colours]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=period)
    return path


def hum(path, hertz, seconds=1.0):
    return float_wav(path, sine(seconds, 16000, hertz=hertz)[0])


def gallery(folder, photos=6):
    """Photos, two videos (one with sound), two sounds."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(photos):
        painted(folder / f"photo{seed}.png", seed)
    flicker(folder / "flicker.gif", 3)
    clip(folder / "film.mp4", seconds=3, sound=3)
    hum(folder / "low.wav", 4700)
    hum(folder / "high.wav", 6000)
    return folder


def broken(folder):
    """Files that can't be read, one of each kind; their names."""
    (folder / "empty.jpg").touch()
    (folder / "text.mp4").write_text("these are only words\n")
    whole = photo(folder / "whole.jpg", 320, 240).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[:200])
    (folder / "whole.jpg").unlink()
    return {"empty.jpg", "text.mp4", "cut.jpg"}


def encoded(name, objects=None, sound=None, modality="image"):
    """An item of n segments as the indexer hands it over, with these raw rows (n, 16)."""
    count = len(objects if objects is not None else sound)
    absent = np.full((count, DIM), np.nan, np.float32)
    timed = modality != "image"
    return EncodedFile(
        path=Path("/nowhere") / f"{name}.{FORMATS[modality]}",
        stamp=FileStamp(size=1, mtime_ns=1),
        item_id=f"{name:0>16}",
        probe=Probe(
            modality=modality, duration=15.0 * count if timed else None, width=64, height=48, fps=None,
            sample_rate=None, channels=None, format=FORMATS[modality],
        ),
        spans=[(15.0 * i, 15.0 * i + 15) if timed else (None, None) for i in range(count)],
        features={
            "objects": absent if objects is None else np.asarray(objects, np.float32),
            "sound": absent if sound is None else np.asarray(sound, np.float32),
        },
    )  # fmt: skip


def random_rows(count, seed):
    return np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)


def content(folder):
    """All a library holds, whatever the order it came in: {item: [(start, end, {store: row bytes})]}."""
    with closing(Library.open(folder)) as library, library.catalog.read_transaction():
        stores, spans = library.catalog.list_vector_files(), library.vectors.open_columns().spans
        rows = {name: library.vectors.open(store) for name, store in stores.items()}
        segments = {name: library.vectors.open_segments(store).tolist() for name, store in stores.items()}
        found = {}
        for item, (_, first, count) in library.catalog.list_positions():
            for segment in range(first, first + count):
                start, end = round_span(spans[segment])
                kept = {
                    name: rows[name][of.index(segment)].tobytes()
                    for name, of in segments.items()
                    if segment in of
                }
                found.setdefault(item, []).append((start, end, kept))
        return found


def paths(folder):
    """{path: item} of what could be read."""
    with closing(Library.open(folder)) as library:
        return {path: known.item_id for path, known in library.catalog.load_files().items() if known.item_id}


def wrong_with(folder):
    with closing(Library.open(folder)) as library:
        return find_problems(library)
