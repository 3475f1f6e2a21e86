"""How far scores can be trusted: photos, sounds and videos that no head was trained on, asked by words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from encoders import AffectError
from experiments.benchmarks.content_query import make_content_query
from experiments.benchmarks.labelled_gallery import GalleryItem, load_untrained_gallery, open_gallery
from experiments.datasets import DATA_ROOT
from experiments.statistics.reliability_curve import ReliabilityCurve, compute_reliability
from experiments.statistics.report import (
    BenchmarkReport,
    Cell,
    Requirement,
    add_seed_option,
    json_option,
    print_report,
)
from retrieval.evaluation import Estimate, bootstrap_estimate
from retrieval.features import PipelineConfig
from retrieval.search import MATCH_PRIOR, Engine
from retrieval.storage import MODALITIES

SURE_SCORE = 0.9
MAX_CALIBRATION_ERROR = 0.1
MAX_WRONG_SHARE = 0.05
BOOTSTRAP_DRAWS = 200

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredPairs:
    """Words and items: scores and matches (words, items); NaN where the engine says nothing of an item."""

    words: Sequence[str]
    items: Sequence[GalleryItem]
    scores: Floats
    is_match: Mask

    def select_items(self, field: str, value: str) -> ScoredPairs:
        """The items of a modality or a source."""
        at = [index for index, item in enumerate(self.items) if getattr(item, field) == value]
        return ScoredPairs(
            words=self.words,
            items=[self.items[i] for i in at],
            scores=self.scores[:, at],
            is_match=self.is_match[:, at],
        )

    def compute_curve(self, word_indices: npt.ArrayLike | None = None) -> ReliabilityCurve:
        """Of all pairs with a score, or those of some words."""
        chosen = slice(None) if word_indices is None else np.asarray(word_indices)
        scores, is_match = self.scores[chosen].ravel(), self.is_match[chosen].ravel()
        is_known = ~np.isnan(scores)
        return compute_reliability(scores[is_known], is_match[is_known], MATCH_PRIOR)

    @property
    def wrong_share(self) -> float:
        """Of the pairs that don't match, the share told SURE_SCORE or more; one without a score is none."""
        return float((self.scores[~self.is_match] >= SURE_SCORE).mean())

    @property
    def right_share(self) -> float:
        """Of the pairs that match, the share told .5 or more."""
        return float((self.scores[self.is_match] >= 0.5).mean())


@click.command("reliability", short_help="Whether a score of .9 is right nine times in ten.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--encoders", default="", help="Other experts, as for affect index.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the curves, as PNG, SVG or PDF.")
@add_seed_option
@json_option
def command(data: Path, encoders: str, figure: Path | None, seed: int, as_json: bool) -> None:
    """Scores of words with photos (oasis), sounds (sounds_by_word, speech, music) and videos (av_clips).

    Pairs are weighted such that one in ten matches, which is what a score is read against.
    """
    items = load_untrained_gallery(data)
    words = sorted({item.label for item in items if item.label})
    if not words:
        raise AffectError(f"{data}: no set with words is there")
    with open_gallery([item.path for item in items], PipelineConfig.parse(encoders)) as engine:
        pairs = score_pairs(engine, items, words)
    if figure is not None:
        from experiments.benchmarks.reliability_plot import save_reliability_plot

        curves = {name: pairs.select_items("modality", name).compute_curve() for name in MODALITIES}
        save_reliability_plot(curves, figure)
    print_report(_make_report(pairs, seed), as_json=as_json)


def score_pairs(engine: Engine, items: Sequence[GalleryItem], words: Sequence[str]) -> ScoredPairs:
    """Scores of each word with every item, by the engine."""
    column_by_path = {str(item.path.absolute()): column for column, item in enumerate(items)}
    scores = np.full((len(words), len(items)), np.nan)
    for row, word in enumerate(words):
        for hit in engine.search(make_content_query(word, k=len(items), balance=1)):
            scores[row, column_by_path[hit.path]] = hit.score
    is_match = np.array([[item.matches(word) for item in items] for word in words])
    return ScoredPairs(words=words, items=items, scores=scores, is_match=is_match)


def _make_report(pairs: ScoredPairs, seed: int) -> BenchmarkReport:
    parts: Mapping[str, ScoredPairs] = {
        **{name: pairs.select_items("modality", name) for name in MODALITIES},
        **{name: pairs.select_items("source", name) for name in dict.fromkeys(i.source for i in pairs.items)},
    }
    rows: list[dict[str, Cell]] = []
    requirements = []
    for name, part in parts.items():
        has_matches = bool(part.is_match.any())
        error = _estimate_error(part, seed) if has_matches else None
        rows.append({
            "items": name,
            "of": str(len(part.items)),
            "calibration error": error,
            f"wrong at {SURE_SCORE}": 100 * part.wrong_share,
            "right at .5": 100 * part.right_share if has_matches else None,
        })  # fmt: skip
        if name in MODALITIES and error is not None:
            requirements.append(
                Requirement(
                    f"calibration error of {name}", error.value, MAX_CALIBRATION_ERROR, is_minimum=False
                )
            )
        requirements.append(
            Requirement(
                f"wrong at {SURE_SCORE} of {name}", part.wrong_share, MAX_WRONG_SHARE, is_minimum=False
            )
        )
    return BenchmarkReport(
        benchmark="reliability",
        settings={"items": len(pairs.items), "words": len(pairs.words), "prior": MATCH_PRIOR, "seed": seed},
        rows=rows,
        requirements=requirements,
        notes=[
            "calibration error: expected, ten bins, 95 % intervals over words; shares in percent of pairs",
        ],
    )


def _estimate_error(pairs: ScoredPairs, seed: int) -> Estimate:
    """The expected calibration error, with a percentile interval over words."""

    def compute_error(words: npt.NDArray[np.int64]) -> float:
        if not pairs.is_match[words].any():
            return float("nan")
        return pairs.compute_curve(words).expected_calibration_error

    return bootstrap_estimate(np.arange(len(pairs.words)), compute_error, seed=seed, draws=BOOTSTRAP_DRAWS)
