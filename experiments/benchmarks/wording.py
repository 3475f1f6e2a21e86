"""How much the wording of a query changes its results: scores, ranking, and recall of whole captions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau

from encoders import AffectError, ClassifierEncoder, Rows, unit_rows
from experiments.benchmarks.query_wordings import (
    MIN_TYPO_LENGTH,
    TYPO,
    WORDINGS,
    add_article,
    find_nouns,
)
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
from fusion import Calibration
from retrieval.evaluation import Estimate, bootstrap_estimate, evaluate
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.search.query_text import read_query_text

VIEW = "object.words"
NAME_STEP = 10  # of ImageNet's names one in so many
TOP = 10  # photos whose scores are compared
TEMPLATES = ("{}", "a photo of {}", "a picture showing {}", "an image of {}", "there is {}")
MAX_DIFFERENCE, MIN_SHARE = 0.1, 0.9  # of scores, and the least share of scores within it
RECALLS = ("R@1", "R@5", "R@10")

Floats = npt.NDArray[np.float64]
TextEncoding = Callable[[Sequence[str]], Rows]


@click.command("wording", short_help="How much the wording of a query changes its results.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--split", default="dev", show_default=True)
@add_seed_option
@json_option
def command(data: Path, split: str, seed: int, as_json: bool) -> None:
    """Nouns of flickr1k's captions and ImageNet's names in several wordings, each against "a NOUN".

    As typed, as the mean of five templates around what was typed, and as the engine reads it. The packaged
    heads have seen these photos with these captions as typed.
    """
    photos = [photo for photo in load_flickr1k(data) if photo.split == split]
    if not photos:
        raise AffectError(f"{data}: flickr1k has no photo in the split {split!r}")
    print_report(run_benchmark(photos, split, seed), as_json=as_json)


def run_benchmark(photos: Sequence[LabelledFile], split: str, seed: int) -> BenchmarkReport:
    """Differences of wordings, and of recall. Raises AffectError without packaged heads of the space."""
    config = PipelineConfig(sound="", events="", tone="", faces="", activity="")
    pipeline = FeaturePipeline(config)
    features = encode_first_segments(pipeline, photos)
    captions = [caption for photo in photos for caption in photo.labels]
    classifier = pipeline.get_encoder("objects")
    names = classifier.classes if isinstance(classifier, ClassifierEncoder) else []
    texts = {"nouns": find_nouns(captions), "ImageNet names": [name.lower() for name in names[::NAME_STEP]]}
    rows = [
        row
        for source, nouns in texts.items()
        for row in compare_wordings(pipeline, pipeline.project(features)[VIEW], nouns, source, seed)
    ]
    untrained = FeaturePipeline(config, use_packaged=False)
    recalls = {
        name: compare_recall(made, made.project(features)[VIEW], photos, seed)
        for name, made in {"packaged": pipeline, "untrained": untrained}.items()
    }
    worst = min(
        cell.value
        for row in rows
        if row["way"] == "as read" and row["wording"] != TYPO
        for cell in [row["within .1"]]
        if isinstance(cell, Estimate)
    )
    return BenchmarkReport(
        benchmark="wording",
        settings={"split": split, "photos": len(photos), "captions": len(captions), "seed": seed},
        rows=[*rows, *({"texts": f"captions, {name}", **row} for name, row in recalls.items())],
        requirements=[
            Requirement(
                "share of scores within .1 as read, worst wording but typing errors",
                worst,
                MIN_SHARE,
                is_minimum=True,
            )
        ],
        notes=[
            f"difference: of the scores of the {TOP} best photos of 'a NOUN', median; 95 % over nouns",
            "tau, top 10: Kendall's rank correlation over all photos, photos in common of the first ten",
            "captions: R@k as read less as typed, with a paired 95 % interval over photos",
        ],
    )


def compare_wordings(
    pipeline: FeaturePipeline, media_rows: Rows, nouns: Sequence[str], source: str, seed: int
) -> Iterable[dict[str, Cell]]:
    """A row for each way and wording: how far its scores are from those of "a NOUN" in the same way."""
    parameters = pipeline.get_calibration(VIEW, "text")
    if parameters is None or not nouns:
        raise AffectError("nothing to compare: no packaged head of the object space, or no nouns")
    calibration = Calibration.from_dict(parameters)
    typed = [noun for noun in nouns if max(map(len, re.findall(r"[a-z]+", noun))) >= MIN_TYPO_LENGTH]
    for way, encode in make_encodings(pipeline).items():

        def score(texts: Sequence[str], encode: TextEncoding = encode) -> Floats:
            rows = pipeline.project({"text": encode(texts)})[VIEW]
            return calibration.to_probabilities(rows @ media_rows.T)

        plain = score([add_article(noun) for noun in typed])
        for wording, reword in WORDINGS.items():
            other = score([reword(noun) for noun in typed])
            yield {
                "texts": source, "wording": wording, "way": way, **summarise_difference(plain, other, seed)
            }  # fmt: skip


def make_encodings(pipeline: FeaturePipeline) -> dict[str, TextEncoding]:
    """Ways to encode texts as rows (n, d) of the role "text"."""

    def encode(texts: Sequence[str]) -> Rows:
        return unit_rows(pipeline.encode_text(texts)["text"])

    def encode_ensemble(texts: Sequence[str]) -> Rows:
        stacked = np.stack([encode([template.format(text) for text in texts]) for template in TEMPLATES])
        return unit_rows(stacked.mean(axis=0))

    def encode_as_read(texts: Sequence[str]) -> Rows:
        return encode([read_query_text(text, (), pipeline).positive for text in texts])

    return {"as typed": encode, "five templates": encode_ensemble, "as read": encode_as_read}


def summarise_difference(plain: Floats, other: Floats, seed: int) -> dict[str, Cell]:
    """Of scores (n, photos) of two wordings: difference and share within .1 at the top, tau and overlap."""
    order = np.argsort(-plain, axis=1, kind="stable")[:, :TOP]
    gaps = np.abs(np.take_along_axis(other - plain, order, axis=1))
    tops = np.argsort(-other, axis=1, kind="stable")[:, :TOP]
    overlap = [len(np.intersect1d(a, b)) / TOP for a, b in zip(order, tops, strict=True)]
    taus = [kendalltau(a, b).statistic for a, b in zip(plain, other, strict=True)]
    return {
        "difference": bootstrap_estimate(np.median(gaps, axis=1), np.median, seed=seed),
        "within .1": bootstrap_estimate((gaps <= MAX_DIFFERENCE).mean(axis=1), seed=seed),
        "tau": bootstrap_estimate(np.array(taus), np.median, seed=seed),
        "top 10": bootstrap_estimate(np.array(overlap), seed=seed),
    }


def compare_recall(
    pipeline: FeaturePipeline, media_rows: Rows, photos: Sequence[LabelledFile], seed: int
) -> dict[str, Cell]:
    """R@k of whole captions as read less as typed, paired."""
    captions = [caption for photo in photos for caption in photo.labels]
    owners = [str(index) for index, photo in enumerate(photos) for _ in photo.labels]
    ids = [str(index) for index in range(len(photos))]

    def search(encode: TextEncoding) -> npt.NDArray[np.float64]:
        return (pipeline.project({"text": encode(captions)})[VIEW] @ media_rows.T).astype(np.float64)

    encodings = make_encodings(pipeline)
    typed, read = (evaluate(search(encodings[way]), owners, ids).t2v for way in ("as typed", "as read"))
    return {
        "way": "as read less as typed",
        **{
            name: Estimate(gap.value, gap.low, gap.high)
            for name in RECALLS
            for gap in [read.compare_with(typed, name, seed=seed)]
        },
    }
