"""`python -m experiments.emotions reencode`: videos at 6 frames a second and 224 pixels, with their sound."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoders import stop_at_safe_points, to_printable

if TYPE_CHECKING:
    from experiments.emotion_retrieval.data.reencode_folder import ReencodingResult

PATH = click.Path(path_type=Path)


@click.command("reencode", short_help="Small videos at 6 frames a second, with their sound.")
@click.argument("folder", type=PATH)
@click.option("--out", type=PATH, required=True, help="Folder of the new files, outside FOLDER.")
@click.option("--fps", type=click.IntRange(1, 60), default=6, show_default=True, help="Frames a second.")
@click.option(
    "--side", type=click.IntRange(16, 2160), default=224, show_default=True, help="Pixels, shorter side."
)
@click.option("--jobs", "-j", type=click.IntRange(1, 64), help="Processes (default: one a core).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(folder: Path, out: Path, fps: int, side: int, jobs: int | None, *, as_json: bool) -> None:
    """Re-encode the videos of FOLDER and its subfolders as CLIP-ViP and the emotion report did.

    Each becomes an MP4 file of the same name in --out (H.264 and AAC): 6 frames a second, the shorter side
    224 pixels, the longer even, the aspect kept. Unlike the report's command this one keeps the sound (mono,
    at its own rate up to 48 kHz), which the project's encoders hear; a silent video stays silent. Rotated
    videos come out upright; a variable rate becomes constant.

    It can be stopped at any time and run again: files are whole or not there, and one that was made of the
    same source (size, time) with the same settings is not made again. Videos that can't be read are listed at
    the end; they cost the others nothing and the exit code is 0, as of affect index.

    \b
    python -m experiments.emotions reencode MSRVTT/videos --out MSRVTT/videos-6fps
    """
    from experiments.emotion_retrieval.data.reencode_folder import check_folders, reencode_folder
    from experiments.emotion_retrieval.data.reencoding import EncodingSettings
    from retrieval.progress_reporter import ProgressReporter

    check_folders(folder, out)
    settings = EncodingSettings(fps=fps, side=side + side % 2)
    with stop_at_safe_points(), ProgressReporter("emotions", unit="videos") as report:
        result = reencode_folder(
            folder, out, settings, jobs=jobs or os.cpu_count() or 1,
            on_file=lambda label, done, total, failed: report.update(
                label, done, total, note=f"{failed} failed" if failed else ""
            ),
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps({**result.to_json(), "out": str(out)}))
        return
    click.echo("\n".join(format_result(result, out)))


def format_result(result: ReencodingResult, out: Path) -> Iterator[str]:
    """A line of counts, and one for each file that failed or is incomplete."""
    parts = {
        "encoded": len(result.encoded), "unchanged": len(result.unchanged), "failed": len(result.failed),
        "incomplete": len(result.incomplete), "without sound": len(result.silent),
        "no video, left out": result.others,
    }  # fmt: skip
    counts = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
    yield f"{to_printable(out)}: {counts or 'no videos found'}"
    for name, reasons in (("failed", result.failed), ("incomplete", result.incomplete)):
        for path, reason in reasons.items():
            yield f"  {name}: {to_printable(path)}: {reason}"
