"""Renders the synthetic set in parallel processes, and writes its captions and ground truth."""

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

from encoders import AffectError, stop_at_safe_points, stop_if_requested, to_printable, write_atomically
from encoders.interrupts import exit_with_parent
from experiments.datasets.records import CaptionDataset
from experiments.datasets.registry import load_caption_csv
from experiments.synthetic.captions import generate_captions
from experiments.synthetic.frames import FPS, FRAME_SIZE, render_frames
from experiments.synthetic.music import SAMPLE_RATE_HZ, render_audio
from experiments.synthetic.world import SyntheticClip, generate_clips
from retrieval.progress_reporter import ProgressReporter
from retrieval.samples.media_writer import make_file_atomically, write_video

CAPTIONS_FILE, TRUTH_FILE = "captions.csv", "truth.jsonl"
GENERATOR_VERSION = 1  # raise it when the same seed would generate other clips
CSV_HEADER = ("media", "caption", "split", "group")
DEFAULT_JOBS = 2
CODEC_OPTIONS = {"preset": "veryfast", "crf": "18", "threads": "1"}


def render_dataset(
    folder: Path, count: int, seed: int, *, jobs: int = DEFAULT_JOBS, quiet: bool = False
) -> CaptionDataset:
    """Render the clips that are missing in a folder; returns the data set.

    A folder may grow to more clips of its seed. Raises AffectError if it holds those of another seed.
    """
    clips = generate_clips(count, seed)
    folder.mkdir(parents=True, exist_ok=True)
    _claim_folder(folder, seed)
    missing = [clip for clip in clips if not (folder / clip.name).exists()]
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), exit_with_parent)
    with stop_at_safe_points(), _cancel_pending(pool):
        done = pool.map(_render_clip, missing, [folder] * len(missing), chunksize=4)
        with ProgressReporter("synthetic", unit="clips", quiet=quiet) as report:
            for number, _ in enumerate(done, 1):
                report.update("rendering", number, len(missing))
                stop_if_requested()
    write_atomically(folder / TRUTH_FILE, "".join(f"{json.dumps(asdict(clip))}\n" for clip in clips).encode())
    write_atomically(folder / CAPTIONS_FILE, _format_csv(clips).encode())
    return load_caption_csv(folder / CAPTIONS_FILE, name=f"synthetic-{count}")


@contextmanager
def _cancel_pending(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Cancel the tasks that have not started when the block is left."""
    try:
        yield
    finally:
        pool.shutdown(cancel_futures=True)


def _render_clip(clip: SyntheticClip, folder: Path) -> None:
    """Render one clip, whole or not at all."""
    samples = render_audio(clip)
    render = partial(
        write_video,
        frames=render_frames(clip),
        fps=FPS,
        audio_blocks=None if samples is None else [samples],
        sample_rate=SAMPLE_RATE_HZ,
        codec_options=CODEC_OPTIONS,
    )
    make_file_atomically(folder / clip.name, render)


def _claim_folder(folder: Path, seed: int) -> None:
    """Record the seed of the folder's clips. Raises AffectError if they are of another seed or version."""
    path, origin = folder / "seed.json", {"seed": seed, "rule": GENERATOR_VERSION, "side": FRAME_SIZE}
    if path.exists() and json.loads(path.read_text()) != origin:
        raise AffectError(
            f"{to_printable(folder)}: holds clips of another seed or version; name another folder"
        )
    write_atomically(path, json.dumps(origin).encode())


def _format_csv(clips: Sequence[SyntheticClip]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_HEADER)
    writer.writerows(
        (clip.name, caption, clip.split, clip.group) for clip in clips for caption in generate_captions(clip)
    )
    return text.getvalue()
