"""`python -m experiments.emotions demo`: a folder's videos ranked for a query, by one or more models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from encoders import AffectError, to_printable

if TYPE_CHECKING:
    from experiments.emotion_retrieval.comparison.model_features import StoredModel
    from experiments.emotion_retrieval.data.video_frames import VideoFrames

PATH = click.Path(path_type=Path)
REPORT_ORDER_NOTE = (
    "as reported: what the emotion report's code prints, clip by clip the name whose number is the clip's "
    "rank. It is the inverse of the right order; read the left columns."
)


@click.command("demo", short_help="Rank a folder's videos for a query, by one or more models.")
@click.argument("model", type=PATH)
@click.argument("clips", type=PATH)
@click.argument("query")
@click.option("--model", "others", type=PATH, multiple=True, help="Another model, beside. Repeatable.")
@click.option(
    "--classes", metavar="NAME,...",
    help="Parts of file names to average over. Default: first words that several names share.",
)  # fmt: skip
@click.option("--report-order", is_flag=True, help="Beside it the order that the emotion report prints.")
@click.option("--frames", "frame_cache", type=PATH, help="Keep decoded frames in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    model: Path, clips: Path, query: str, others: tuple[Path, ...], classes: str | None,
    frame_cache: Path | None, *, report_order: bool, as_json: bool,
) -> None:  # fmt: skip
    """Rank the videos in the folder CLIPS for QUERY by MODEL, a folder that `train` wrote.

    The score is the cosine of the query and the video. With classes in the names of the files, such as
    happy1.mp4 and angry1.mp4, their mean scores tell whether a model hears the emotion: mean and difference
    have 95 % intervals over clips. Files that can't be read are listed and not ranked.

    With --report-order the emotion report's list stands beside: its code prints the inverse permutation, so
    that its first three are not the best three.

    \b
    python -m experiments.emotions demo runs/clipvip/none clips "a happy person" \\
        --model runs/clipvip/report --classes happy,angry
    """
    from experiments.emotion_retrieval.comparison.model_features import name_models

    if not query.strip():
        raise AffectError("the query is empty; give a few words, such as 'a happy person'")
    chosen = [part.strip() for part in (classes or "").split(",") if part.strip()]
    if classes is not None and not chosen:
        raise AffectError("--classes names none; give such as happy,angry")
    models = name_models([model, *others])
    record = rank_folder(models, clips, query, chosen, frame_cache)
    click.echo(json.dumps(record) if as_json else "\n".join(format_record(record, report_order)))


def rank_folder(
    models: dict[str, StoredModel], clips: Path, query: str, classes: list[str], frame_cache: Path | None
) -> dict[str, Any]:
    """Rankings and class means by model, for JSON. Raises AffectError where no video can be read."""
    from encoders.lexicon import EMOTIONS, count_nrc_emotions
    from experiments.emotion_retrieval.exploration.clip_ranking import assign_classes, infer_classes

    frames = {side: read_folder(clips, side, frame_cache) for side in {one.side for one in models.values()}}
    first = next(iter(frames.values()))
    names = list(first.by_video)
    is_inferred = not classes
    classes = classes or list(infer_classes(names))
    class_by_name = assign_classes(names, classes)
    counts = count_nrc_emotions(query)
    return {
        "query": query,
        "emotions": {name: counts[name] for name in EMOTIONS if counts[name]},
        "clips": len(names),
        "unreadable": dict(first.unreadable),
        "classes": {name: list(class_by_name.values()).count(name) for name in classes},
        "classes inferred": is_inferred,
        "models": {
            name: rank_by_model(one, frames[one.side], query, class_by_name, classes)
            for name, one in models.items()
        },
    }


def read_folder(clips: Path, side: int, frame_cache: Path | None) -> VideoFrames:
    """Frames of a folder's media by their names below it, in order. Raises AffectError without any."""
    from experiments.emotion_retrieval.data.video_frames import read_video_frames
    from retrieval.indexing.file_scan import find_media_files, make_absolute
    from retrieval.progress_reporter import ProgressReporter

    unreadable: dict[Path, str] = {}
    files = list(find_media_files([clips], unreadable.__setitem__, frame_cache or clips / ".frames"))
    if not files:
        raise AffectError(f"{to_printable(clips)}: no videos here")
    root = make_absolute(clips) if clips.is_dir() else make_absolute(clips).parent
    paths = {str(path.relative_to(root)): path for path in sorted(files)}
    with ProgressReporter("emotions", unit="videos") as report:
        frames = read_video_frames(
            paths, side=side, cache_folder=frame_cache,
            on_video=lambda done: report.update("decoding", done, len(paths)),
        )  # fmt: skip
    if not frames.by_video:
        frames.require_all()
    return frames


def rank_by_model(
    model: StoredModel, frames: VideoFrames, query: str, class_by_name: dict[str, str | None],
    classes: list[str],
) -> dict[str, Any]:  # fmt: skip
    """Ranking, means by class and differences of the first class from the others."""
    from encoders import unit_rows
    from encoders.clipvip.encoder import clip_vip
    from experiments.emotion_retrieval.exploration.clip_ranking import (
        average_by_class,
        compare_classes,
        rank_clips,
    )
    from retrieval.progress_reporter import ProgressReporter

    encoder = clip_vip(model.folder)
    rows = []
    with ProgressReporter("emotions", unit="videos") as report:
        for number, video in enumerate(frames.by_video.values()):
            report.update(f"encoding by {model.folder.name}", number, len(frames.by_video))
            rows.append(encoder.encode([video])[0])
    cosines = unit_rows(np.stack(rows)) @ unit_rows(encoder.encode_text([query]))[0]
    scores = dict(zip(frames.by_video, map(float, cosines), strict=True))
    ranking = rank_clips(scores)
    means = average_by_class(scores, class_by_name, classes)
    differences = {
        f"{classes[0]} - {other}": compare_classes(scores, class_by_name, classes[0], other)
        for other in classes[1:]
    }
    return {
        "ranking": [
            {"file": name, "score": score} for name, score in zip(ranking.names, ranking.scores, strict=True)
        ],
        "as reported": list(ranking.as_reported),
        "means": {name: mean.to_json() if mean else None for name, mean in means.items()},
        "differences": {name: found.to_json() if found else None for name, found in differences.items()},
    }


def format_record(record: dict[str, Any], report_order: bool) -> Iterator[str]:
    """The query, a row for each rank, a row for each class, and what could not be read."""
    from experiments.statistics.markdown import format_markdown_table

    named = ", ".join(f"{name} {count}" for name, count in record["emotions"].items())
    yield f'"{to_printable(record["query"])}" names {named or "no emotion"}'
    header, columns = ["rank"], [[str(number + 1) for number in range(record["clips"])]]
    for name, found in record["models"].items():
        header += [to_printable(name), "cosine"]
        columns.append([to_printable(one["file"]) for one in found["ranking"]])
        columns.append([f"{one['score']:.4f}" for one in found["ranking"]])
        if report_order:
            header.append("as reported")
            columns.append([to_printable(one) for one in found["as reported"]])
    yield from format_markdown_table(header, list(zip(*columns, strict=True)))
    if report_order:
        yield REPORT_ORDER_NOTE
    yield from _format_classes(record)
    for name, reason in record["unreadable"].items():
        yield f"not ranked: {to_printable(name)}: {reason}"


def _format_classes(record: dict[str, Any]) -> Iterator[str]:
    from experiments.statistics.markdown import format_markdown_table

    counts: dict[str, int] = record["classes"]
    if not counts:
        yield "no classes: no two file names begin with the same word; name them with --classes"
        return
    yield ""
    rows = [
        [
            to_printable(name), str(count),
            *(_format(found["means"][name]) for found in record["models"].values()),
        ]
        for name, count in counts.items()
    ]  # fmt: skip
    for name in next(iter(record["models"].values()))["differences"]:
        rows.append([name, "", *(_format(found["differences"][name]) for found in record["models"].values())])
    header = ["mean cosine of", "clips", *map(to_printable, record["models"])]
    yield from format_markdown_table(header, rows, align_right=True)
    for name, count in counts.items():
        if not count:
            yield f"{to_printable(name)}: no file has it in its name, so that there is no mean"


def _format(estimate: dict[str, Any] | None) -> str:
    from experiments.statistics.markdown import format_estimate
    from retrieval.evaluation import Estimate

    return "-" if estimate is None else format_estimate(Estimate(**estimate), ".4f")
