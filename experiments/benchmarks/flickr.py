"""Zero-shot retrieval of photos by text on flickr1k, against ConSE as published (Norouzi et al. 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, unit_rows
from experiments.datasets import DATA_ROOT, LabelledFile, load_flickr1k
from experiments.features.extraction import encode_first_segments
from experiments.statistics.report import (
    BenchmarkReport,
    Cell,
    Requirement,
    add_seed_option,
    json_option,
    print_report,
)
from retrieval.evaluation import DirectionResult, Estimate, evaluate
from retrieval.features import FeaturePipeline, PipelineConfig
from spaces.zero_shot import LABEL_PROMPT, compute_label_probabilities, convex_combination

MIN_RECALL_AT_10 = 50.0  # percent, text to photo
CONSE_TOP_LABELS = 10  # labels of a convex combination in Norouzi et al. 2014
SUMMARY_METRICS = ("R@1", "R@5", "R@10", "MdR", "MnR")

Floats = npt.NDArray[np.float64]


@click.command("flickr", short_help="Text to photo recall on flickr1k.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--split", default="dev", show_default=True)
@click.option("--photos", type=click.IntRange(1), help="Take only so many.")
@add_seed_option
@json_option
def command(data: Path, split: str, photos: int | None, seed: int, as_json: bool) -> None:
    """Zero-shot recall between words and photos, through the engine's own experts and untrained space.

    Every caption is a query (text to photo); photo to text takes the best of a photo's captions among all.
    """
    files = [photo for photo in load_flickr1k(data) if photo.split == split][:photos]
    if not files:
        raise AffectError(f"{data}: flickr1k has no photo in the split {split!r}")
    print_report(run_benchmark(files, split, seed), as_json=as_json)


def run_benchmark(photos: Sequence[LabelledFile], split: str, seed: int) -> BenchmarkReport:
    """Metrics of the engine's space and of plain ConSE, and their difference on the same queries."""
    owners = [str(index) for index, photo in enumerate(photos) for _ in photo.labels]
    photo_ids = [str(index) for index in range(len(photos))]
    ours, plain = compute_similarities(FeaturePipeline(PipelineConfig(), use_packaged=False), photos)
    evaluations = {
        name: evaluate(similarity, owners, photo_ids)
        for name, similarity in {"untrained": ours, "plain ConSE": plain}.items()
    }
    rows: list[dict[str, Cell]] = [
        {"search": "text to photo", "way": name, **summarise_direction(evaluation.t2v, seed)}
        for name, evaluation in evaluations.items()
    ]
    untrained = evaluations["untrained"].t2v
    gain = untrained.compare_with(evaluations["plain ConSE"].t2v, "R@10", seed=seed)
    rows.append({
        "search": "text to photo", "way": "untrained less plain",
        "R@10": Estimate(gain.value, gain.low, gain.high),
    })  # fmt: skip
    rows += [
        {"search": "photo to text", "way": name, **summarise_direction(evaluation.v2t, seed)}
        for name, evaluation in evaluations.items()
    ]
    return BenchmarkReport(
        benchmark="flickr",
        settings={"split": split, "photos": len(photos), "captions": len(owners), "seed": seed},
        rows=rows,
        requirements=[
            Requirement(
                "text to photo R@10", untrained.compute_metric("R@10"), MIN_RECALL_AT_10, is_minimum=True
            )
        ],
        notes=[
            "95 % intervals, whole photos together; ties: expected recall; MdR = floor(median) + 1",
            "plain: ten likeliest labels, softmax at temperature 1, sentence vectors not centred",
        ],
    )


def compute_similarities(pipeline: FeaturePipeline, photos: Sequence[LabelledFile]) -> tuple[Floats, Floats]:
    """(captions, photos) cosines in the view "object.words", and those of plain ConSE."""
    features = encode_first_segments(pipeline, photos)
    text_features = pipeline.encode_text([caption for photo in photos for caption in photo.labels])
    ours = pipeline.project(text_features)["object.words"] @ pipeline.project(features)["object.words"].T
    plain = unit_rows(text_features["text"]) @ project_plain_conse(pipeline, features["objects"]).T
    return ours.astype(np.float64), plain.astype(np.float64)


def project_plain_conse(pipeline: FeaturePipeline, object_features: Rows) -> Rows:
    """Unit rows of raw object features by the published method, with the engine's networks."""
    objects: Any = pipeline.get_encoder("objects")
    vectors = pipeline.get_encoder("text").encode([LABEL_PROMPT.format(label) for label in objects.classes])
    probabilities = compute_label_probabilities(objects.logits(object_features), temperature=1)
    return unit_rows(convex_combination(probabilities, unit_rows(vectors), top_k=CONSE_TOP_LABELS))


def summarise_direction(result: DirectionResult, seed: int) -> dict[str, Cell]:
    """Recalls in percent, and median and mean rank from 1, with intervals over whole photos."""
    return {
        name: Estimate(result.compute_metric(name), *result.compute_interval(name, seed=seed))
        for name in SUMMARY_METRICS
    }
