"""`python -m experiments.learn_fusion`: learned weights of fusion, with their card, by the mixed gallery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from textwrap import fill

import click
import numpy as np
import numpy.typing as npt

from experiments.benchmarks.word_scores import (
    WordScores,
    data_option,
    encoders_option,
    library_option,
    load_gallery,
    open_gallery_library,
    score_words,
)
from experiments.experiment_command import ExperimentCommand
from experiments.fusion_weights import PRIOR_PRECISION, fit_by_word_folds, fit_fusion_weights
from experiments.statistics.report import add_seed_option
from experiments.word_folds import FOLD_COUNT
from fusion import LogisticWeights, sum_log_odds
from retrieval.evaluation import (
    Estimate,
    bootstrap_estimate,
    compare_paired,
    compute_expected_average_precisions,
)
from retrieval.search import MATCH_PRIOR

WEIGHTS_FILE = Path(str(files("retrieval.search") / "fusion_weights.json"))
CARD_LINE_WIDTH = 110
Floats = npt.NDArray[np.float64]


@click.command("learn_fusion", cls=ExperimentCommand)
@data_option
@library_option
@encoders_option
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS_FILE, help="The JSON file to write.")
@add_seed_option
def main(data: Path, library: Path | None, encoders: str, out: Path, seed: int) -> None:
    """Fit the weights of `affect search --fusion learned` to words with right answers in the mixed gallery.

    They are judged on words of folds that they were not fitted to; those that are written are fitted to all.
    """
    items, words = load_gallery(data, "mixed")
    with open_gallery_library(items, encoders, library) as engine:
        scored = score_words(engine, items, words)
    figures = compare_with_mean(scored, seed)
    weights = fit_fusion_weights(scored)
    rounded = {
        "intercept": round(weights.intercept, 4),
        "slopes": {space: round(slope, 4) for space, slope in weights.slopes.items()},
    }
    table = {"weights": rounded, "figures": {name: one.to_json() for name, one in figures.items()}}
    out.write_text(json.dumps(table, indent=1) + "\n")
    card = format_card(scored, weights, figures, seed)
    out.with_suffix(".md").write_text(card)
    click.echo(card)


def compare_with_mean(scored: Sequence[WordScores], seed: int) -> dict[str, Estimate]:
    """Average precision of held-out words by learned weights, by the mean, and the difference."""
    learned = np.full(len(scored), np.nan)
    for fold, weights in fit_by_word_folds(scored, seed):
        for at in fold:
            learned[at] = compute_average_precision(fuse_by(weights, scored[at]), scored[at])
    mean = np.array([compute_average_precision(one.total, one) for one in scored])
    return {
        "learned": bootstrap_estimate(learned, seed=seed),
        "mean": bootstrap_estimate(mean, seed=seed),
        "learned less mean": compare_paired(learned, mean, seed=seed),
    }


def fuse_by(weights: LogisticWeights, one: WordScores) -> Floats:
    """(n,) probabilities of one word by learned weights; NaN where every space abstains."""
    used = {space: weight for space, weight in one.weights.items() if weight}
    return sum_log_odds(weights.compute_log_odds({space: one.spaces[space] for space in used}, used))


def compute_average_precision(totals: Floats, one: WordScores) -> float:
    """Of the items in order of their scores; those without a score come last."""
    ranked = np.nan_to_num(totals, nan=-1.0)[None]
    return float(compute_expected_average_precisions(ranked, one.is_match[None])[0])


def format_card(
    scored: Sequence[WordScores], weights: LogisticWeights, figures: dict[str, Estimate], seed: int
) -> str:
    """Markdown: what the file holds, data, split, figures and command."""
    slopes = ", ".join(f"{space} {slope:.2f}" for space, slope in weights.slopes.items())
    paragraphs = [
        "Read by `affect search --fusion learned` (`fusion/logistic_fusion.py`): the log-odds of a match are "
        f"{weights.intercept:+.2f} plus the log-odds of each space with a score times its slope ({slopes}) "
        "and its weight in the query. For queries in words.",
        f"Data: {len(scored)} words with right answers among {len(scored[0].is_match)} photos, sounds, "
        "videos and pieces of music (the mixed gallery: flickr1k's dev part, sounds_by_word, av_clips, "
        "Wesnoth's music, the wallpapers of MATE). The file holds numbers only, nothing of the data.",
        f"Split: {FOLD_COUNT} folds by word (seed {seed}); words that share a part are in one fold. Pairs "
        f"are weighted such that a share of {MATCH_PRIOR:g} matches; slopes have normal priors about 1 of "
        f"precision {PRIOR_PRECISION:g}.",
        "Average precision of held-out words, items of all modalities by score alone, 95 % intervals over "
        "words: "
        + "; ".join(f"{name} {estimate}" for name, estimate in figures.items())
        + ". The mean stays the default: learned weights are not shown to be better.",
        "Command: `python -m experiments.learn_fusion`; on the lists that `affect search` shows, beside the "
        "other rules: `python -m experiments.bench fusion`.",
    ]
    return (
        "\n\n".join(["# fusion_weights.json", *(fill(part, CARD_LINE_WIDTH) for part in paragraphs)]) + "\n"
    )


if __name__ == "__main__":
    main()
