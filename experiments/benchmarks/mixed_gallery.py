"""Words asked of photos, sounds and videos together: does one modality crowd out another?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from encoders import AffectError
from experiments.benchmarks.content_query import make_content_query
from experiments.benchmarks.labelled_gallery import (
    GalleryItem,
    list_mixed_queries,
    load_mixed_gallery,
    open_gallery,
)
from experiments.datasets import DATA_ROOT
from experiments.heads.audio_text.prompts import add_article
from experiments.statistics.report import BenchmarkReport, Cell, add_seed_option, json_option, print_report
from retrieval.evaluation import bootstrap_estimate
from retrieval.features import PipelineConfig
from retrieval.search import Engine, Hit

DEPTH = 5


@dataclass(frozen=True, kw_only=True)
class WordResult:
    """One word.

    precision:  share right among the possible first DEPTH
    modalities: those that have a right answer, and whether one of it is among the first DEPTH
    """

    word: str
    precision: float
    modalities: Mapping[str, bool]


@click.command("mixed", short_help="Words asked of photos, sounds and videos at once.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--encoders", default="", help="Other experts, as for affect index.")
@add_seed_option
@json_option
def command(data: Path, encoders: str, seed: int, as_json: bool) -> None:
    """Top-5 precision of "a dog" and the like over flickr1k (dev), short sounds, videos, music, wallpapers.

    An item is right for a word that its label has, or two of its five captions.
    """
    items = load_mixed_gallery(data)
    queries = list_mixed_queries(items)
    if not queries:
        raise AffectError(f"{data}: no set of the mixed gallery is there")
    with open_gallery([item.path for item in items], PipelineConfig.parse(encoders)) as engine:
        results = [_ask(engine, items, word) for word in queries]
    print_report(_make_report(results, len(items), seed), as_json=as_json)


def _ask(engine: Engine, items: Sequence[GalleryItem], word: str) -> WordResult:
    item_by_path = {str(item.path.absolute()): item for item in items}
    hits = engine.search(make_content_query(add_article(word), k=DEPTH))
    return score_hits(hits, item_by_path, word)


def score_hits(hits: Sequence[Hit], item_by_path: Mapping[str, GalleryItem], word: str) -> WordResult:
    """The result of one word from its first hits."""
    right = [item for item in item_by_path.values() if item.matches(word)]
    found = [item_by_path[hit.path] for hit in hits if item_by_path[hit.path].matches(word)]
    return WordResult(
        word=word,
        precision=len(found) / min(DEPTH, len(right)),
        modalities={
            modality: any(item.modality == modality for item in found)
            for modality in sorted({item.modality for item in right})
        },
    )


def _make_report(results: Sequence[WordResult], item_count: int, seed: int) -> BenchmarkReport:
    groups: dict[str, list[WordResult]] = {"all": list(results)}
    for result in results:
        groups.setdefault(f"{len(result.modalities)} modalities", []).append(result)
        for modality in result.modalities:
            groups.setdefault(f"with {modality}", []).append(result)
    rows: list[dict[str, Cell]] = []
    for name, members in sorted(groups.items()):
        shown = [shown for one in members for shown in one.modalities.values()]
        rows.append({
            "words": name,
            "of": str(len(members)),
            "P@5": bootstrap_estimate([one.precision for one in members], seed=seed),
            "modalities shown": bootstrap_estimate([float(flag) for flag in shown], seed=seed),
        })  # fmt: skip
    return BenchmarkReport(
        benchmark="mixed",
        settings={"items": item_count, "words": len(results), "seed": seed},
        rows=rows,
        notes=[
            "P@5: share right among the possible first five; 95 % intervals over words",
            "modalities shown: of the modalities with a right answer, those with one in the first five",
        ],
    )
