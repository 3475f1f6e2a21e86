"""Near-duplicates among results, and what leaving them out costs, by the tradeoff of `--diversify`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from PIL import Image

from encoders import AffectError
from experiments.benchmarks.content_query import make_content_query
from experiments.benchmarks.labelled_gallery import (
    GalleryItem,
    list_mixed_queries,
    load_mixed_gallery,
    open_gallery,
)
from experiments.benchmarks.word_scores import data_option, encoders_option
from experiments.heads.audio_text.prompts import add_article
from experiments.statistics.report import BenchmarkReport, Cell, add_seed_option, json_option, print_report
from retrieval.evaluation import bootstrap_estimate, compare_paired
from retrieval.features import PipelineConfig
from retrieval.search import Engine

TRADEOFFS = (None, 0.9, 0.8, 0.7, 0.5, 0.3)
DEPTH = 10


@dataclass(frozen=True, kw_only=True)
class PhotoList:
    """The first DEPTH photos for one word.

    duplicates: share that show a photo which an earlier one shows
    precision:  share that is right
    distinct:   different photos that are right, of those that could be among DEPTH
    """

    duplicates: float
    precision: float
    distinct: float


@click.command("diversity", short_help="Near-duplicates among results, by maximal marginal relevance.")
@data_option
@encoders_option
@add_seed_option
@json_option
def command(data: Path, encoders: str, seed: int, as_json: bool) -> None:
    """Words asked of flickr1k's dev photos, each with near-duplicates: cropped, mirrored, re-encoded."""
    photos = [item for item in load_mixed_gallery(data) if item.source == "photos"]
    words = list_mixed_queries(photos)
    if not words:
        raise AffectError(f"{data}: flickr1k is not there")
    with make_near_duplicates([photo.path for photo in photos]) as original_by_path:
        photo_by_path = {photo.path: photo for photo in photos}
        originals = {path: photo_by_path[original] for path, original in original_by_path.items()}
        with open_gallery(originals, PipelineConfig.parse(encoders)) as engine:
            lists = [[_ask(engine, originals, word, tradeoff) for word in words] for tradeoff in TRADEOFFS]
    settings = {"photos": len(photos), "files": len(originals), "words": len(words), "k": DEPTH, "seed": seed}
    print_report(make_report(lists, settings, seed), as_json=as_json)


@contextmanager
def make_near_duplicates(paths: Sequence[Path]) -> Iterator[dict[Path, Path]]:
    """The photo that each file shows: the files themselves, and three altered copies of each in a folder."""
    with tempfile.TemporaryDirectory() as folder:
        copies = {path.absolute(): path for path in paths}
        for number, path in enumerate(paths):
            with Image.open(path) as picture:
                for name, altered in alter_picture(picture.convert("RGB")).items():
                    copy = Path(folder) / f"{number}-{name}.jpg"
                    altered.save(copy, quality=40 if name == "encoded" else 90)
                    copies[copy] = path
        yield copies


def alter_picture(picture: Image.Image) -> dict[str, Image.Image]:
    """A crop of 90 % a side, a mirror image, and the picture itself, which is to be encoded afresh."""
    width, height = picture.size
    crop = picture.crop((width // 20, height // 20, width - width // 20, height - height // 20))
    return {"crop": crop, "mirror": picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "encoded": picture}


def _ask(
    engine: Engine, originals: Mapping[Path, GalleryItem], word: str, tradeoff: float | None
) -> PhotoList:
    query = make_content_query(add_article(word), k=DEPTH, diversify=tradeoff, modalities=("image",))
    return score_photos([originals[Path(hit.path)] for hit in engine.search(query)], originals, word)


def score_photos(shown: Sequence[GalleryItem], originals: Mapping[Path, GalleryItem], word: str) -> PhotoList:
    """The measures of a list of photos, each given by its original."""
    right = [photo for photo in shown if photo.matches(word)]
    possible = len({photo.path for photo in originals.values() if photo.matches(word)})
    return PhotoList(
        duplicates=1 - len({photo.path for photo in shown}) / len(shown),
        precision=len(right) / len(shown),
        distinct=len({photo.path for photo in right}) / min(possible, DEPTH),
    )


def make_report(
    lists: Sequence[Sequence[PhotoList]], settings: Mapping[str, object], seed: int
) -> BenchmarkReport:
    """A row for each tradeoff; differences are to the first, by score alone."""
    rows: list[dict[str, Cell]] = []
    plain = lists[0]
    for tradeoff, words in zip(TRADEOFFS, lists, strict=True):
        distinct = [one.distinct for one in words]
        rows.append({
            "diversify": "no" if tradeoff is None else f"{tradeoff:g}",
            "duplicates": bootstrap_estimate([one.duplicates for one in words], seed=seed),
            "P@10": bootstrap_estimate([one.precision for one in words], seed=seed),
            "right and distinct": bootstrap_estimate(distinct, seed=seed),
            "more than without": None
            if words is plain
            else compare_paired(distinct, [one.distinct for one in plain], seed=seed),
        })  # fmt: skip
    return BenchmarkReport(
        benchmark="diversity",
        settings=settings,
        rows=rows,
        notes=[
            "duplicates: of the first ten, the share that shows the photo of an earlier one",
            "right and distinct: different right photos among ten, of those that could be; 95 % over words",
        ],
    )
