"""Writing the synthetic set: clips side by side in processes, then its table and its truth."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from encoders.base import AffectError, printable
from encoders.interrupts import end_with_parent, safe_point, stop_at_safe_points
from encoders.onnx_runtime import write_whole
from experiments.datasets.records import Captioned
from experiments.datasets.registry import from_csv
from experiments.synthetic.captions import captions
from experiments.synthetic.frames import FPS, SIDE, frames
from experiments.synthetic.music import RATE, samples
from experiments.synthetic.world import Clip, clips
from retrieval.progress_reporter import ProgressReporter
from retrieval.samples.media_writer import whole, write_clip

TABLE, TRUTH = "captions.csv", "truth.jsonl"
RULE = 1  # raise it when the same seed would make other clips
HEADER = ("media", "caption", "split", "group")
JOBS = 2
CODING = {"preset": "veryfast", "crf": "18", "threads": "1"}


def made(folder: Path, count: int, seed: int, *, jobs: int = JOBS, quiet: bool = False) -> Captioned:
    """The set in a folder, with what is not there yet rendered first.

    A folder may grow to more clips of its seed. Raises AffectError if it holds those of another seed.
    """
    wanted = clips(count, seed)
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, seed)
    todo = [clip for clip in wanted if not (folder / clip.name).exists()]
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), end_with_parent)
    with stop_at_safe_points(), _ending(pool):
        done = pool.map(_write, todo, [folder] * len(todo), chunksize=4)
        with ProgressReporter("synthetic", unit="clips", quiet=quiet) as report:
            for number, _ in enumerate(done, 1):
                report.update("rendering", number, len(todo))
                safe_point()
    write_whole(folder / TRUTH, "".join(f"{json.dumps(asdict(clip))}\n" for clip in wanted).encode())
    write_whole(folder / TABLE, _table(wanted).encode())
    return from_csv(folder / TABLE, name=f"synthetic-{count}")


@contextmanager
def _ending(pool: ProcessPoolExecutor) -> Iterator[None]:
    """An interrupt does not wait for what was not begun."""
    try:
        yield
    finally:
        pool.shutdown(cancel_futures=True)


def _write(clip: Clip, folder: Path) -> None:
    """Render one clip; a kill leaves no half of it under its name."""
    wave = samples(clip)
    render = partial(
        write_clip, pictures=frames(clip), fps=FPS, waves=None if wave is None else [wave], rate=RATE,
        options=CODING,
    )  # fmt: skip
    whole(folder / clip.name, render)


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
