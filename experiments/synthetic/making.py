"""Writing the synthetic set: clips side by side in processes, then its table and its truth."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from rich.console import Console
from rich.progress import track

from encoders.base import AffectError, Frames, printable
from encoders.runtime import write_whole
from experiments.data.records import Captioned
from experiments.data.sets import from_csv
from experiments.synthetic.film import FPS, SIDE, frames
from experiments.synthetic.music import RATE, Wave, samples
from experiments.synthetic.words import captions
from experiments.synthetic.world import Clip, clips

TABLE, TRUTH = "captions.csv", "truth.jsonl"
RULE = 1  # raise it when the same seed would make other clips
HEADER = ("media", "caption", "split", "group")
JOBS = 2


def made(folder: Path, count: int, seed: int, *, jobs: int = JOBS, quiet: bool = False) -> Captioned:
    """The set in a folder, with what is not there yet rendered first.

    A folder may grow to more clips of its seed. Raises AffectError if it holds those of another seed.
    """
    wanted = clips(count, seed)
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, seed)
    todo = [clip for clip in wanted if not (folder / clip.name).exists()]
    deaf = signal.signal, (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), *deaf)
    try:
        done = pool.map(_write, todo, [folder] * len(todo), chunksize=4)
        console = Console(stderr=True)
        hidden = quiet or not console.is_terminal
        for _ in track(done, "rendering", len(todo), console=console, transient=True, disable=hidden):
            pass
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt does not wait for what was not begun
    write_whole(folder / TRUTH, "".join(f"{json.dumps(asdict(clip))}\n" for clip in wanted).encode())
    write_whole(folder / TABLE, _table(wanted).encode())
    return from_csv(folder / TABLE, name=f"synthetic-{count}")


def write_clip(file: Path, pictures: Frames, wave: Wave | None) -> None:
    """An H.264 clip at FPS of (t, h, w, 3) pictures; with AAC sound (n,) at RATE unless `wave` is None."""
    with av.open(str(file), "w", format="mp4") as container:
        film = container.add_stream("libx264", rate=FPS)
        film.height, film.width, film.pix_fmt = pictures.shape[1], pictures.shape[2], "yuv420p"
        film.options = {"preset": "veryfast", "crf": "18", "threads": "1"}
        sound = None if wave is None else container.add_stream("aac", rate=RATE, layout="mono")
        for picture in pictures:
            container.mux(film.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(film.encode())
        if sound is not None and wave is not None:
            for piece in _pieces(wave):
                container.mux(sound.encode(piece))
            container.mux(sound.encode())


def _pieces(wave: Wave, size: int = 1024) -> Iterator[av.AudioFrame]:
    for start in range(0, len(wave), size):
        piece = np.ascontiguousarray(wave[None, start : start + size])
        frame = av.AudioFrame.from_ndarray(piece, "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield frame


def _write(clip: Clip, folder: Path) -> None:
    """Render one clip; a kill leaves no half of it under its name."""
    draft = folder / f".{clip.name}.{os.getpid()}"
    try:
        write_clip(draft, frames(clip), samples(clip))
        draft.replace(folder / clip.name)
    finally:
        draft.unlink(missing_ok=True)


def _claim(folder: Path, seed: int) -> None:
    """Note the seed of the folder's clips. Raises AffectError if they are of another."""
    note, mine = folder / "seed.json", {"seed": seed, "rule": RULE, "side": SIDE}
    if note.exists() and json.loads(note.read_text()) != mine:
        raise AffectError(f"{printable(folder)}: holds clips of another seed or version; name another folder")
    write_whole(note, json.dumps(mine).encode())


def _table(wanted: Sequence[Clip]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    writer.writerows((clip.name, said, clip.split, clip.group) for clip in wanted for said in captions(clip))
    return text.getvalue()
