"""Differences of rows: of the method, and of the trained networks."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation_factory import evaluate_noisy_texts
from scipy.stats import ttest_rel

from experiments.ablation.row_comparison import Statement, compare_rows, format_p_value
from experiments.ablation.row_ranks import RowRanks
from experiments.ablation.table_rows import AUDIO_SPACE, OBJECT_SPACE


def make_row(noise, *, spaces=(OBJECT_SPACE,), **options):
    return RowRanks.from_evaluations(evaluate_noisy_texts(noise, **options), spaces)


def compare(first, second, count=1):
    rows = {"row": first, "base": second, **{f"other {n}": first for n in range(1, count)}}
    return compare_rows(rows, dict.fromkeys(set(rows) - {"base"}, "base"))["row"]


def test_the_statement_on_networks_is_a_paired_t_test_over_items():
    good, bad = evaluate_noisy_texts(1.0), evaluate_noisy_texts(1.4)
    difference = compare(RowRanks.from_evaluations(good), RowRanks.from_evaluations(bad))
    assert difference.value == pytest.approx(
        np.mean([a.rsum - b.rsum for a, b in zip(good, bad, strict=True)])
    )

    def score_items(evaluations):  # three captions an item weigh as much as the item itself
        parts = [
            np.add.reduceat(100.0 * (side.ranks < k), np.arange(0, len(side.ranks), len(side.ranks) // 30))
            / (len(side.ranks) // 30)
            for evaluation in evaluations
            for side in (evaluation.t2v, evaluation.v2t)
            for k in (1, 5, 10)
        ]
        return np.sum(parts, axis=0) / len(evaluations)

    assert difference.networks.p == pytest.approx(ttest_rel(score_items(good), score_items(bad)).pvalue)


def test_spread_of_seeds_speaks_against_the_method_alone():
    """The same method twice, with a spread over seeds that makes these networks differ."""
    first = make_row(1.5, seed=0, items=200, seed_noise=0.8)
    second = make_row(1.5, seed=1, items=200, seed_noise=0.8, spaces=(AUDIO_SPACE,))
    difference = compare(first, second)
    assert difference.networks.is_significant and not difference.method.is_significant
    assert difference.words.startswith("no difference shown from base (method: p = ")
    assert (
        "; these networks: better, p" in difference.words or "; these networks: worse, p" in difference.words
    )


def test_rows_with_a_space_in_common_pair_their_seeds():
    first, second = make_row(1.0), make_row(1.1, spaces=(OBJECT_SPACE, AUDIO_SPACE))
    assert compare(first, second).paired_seeds
    assert not compare(first, make_row(1.1, spaces=(AUDIO_SPACE,))).paired_seeds


def test_one_seed_tells_nothing_of_the_method():
    one = make_row(0.5, seeds=1)
    difference = compare(one, make_row(2.5, seeds=1, spaces=(AUDIO_SPACE,)))
    assert difference.method is None
    assert difference.words.startswith("can't tell: one seed (these networks: better, p")


def test_a_baseline_has_no_seeds():
    baseline = make_row(2.5, seeds=1, spaces=())
    difference = compare(make_row(0.5), baseline)
    assert difference.method is not None
    assert difference.words.startswith("better than base (method: p")
    assert compare(baseline, make_row(0.5)).words.startswith("worse than base (method: p")


def test_equal_rows_are_said_to_be_equal():
    row = make_row(1.0)
    same = compare(row, make_row(1.0, spaces=(AUDIO_SPACE,)))
    assert (same.value, same.networks.p, same.networks.low, same.networks.high) == (0, 1, 0, 0)
    assert same.method.p == 1
    assert same.words == "equal to base in every query"


@pytest.mark.parametrize("count", [1, 5, 30])
def test_words_and_intervals_are_corrected_alike(count):
    for noise in np.linspace(1.0, 1.6, 13):
        difference = compare(make_row(1.0), make_row(noise, seed=8, spaces=(AUDIO_SPACE,)), count)
        for statement in (difference.method, difference.networks):
            assert statement.adjusted_p == min(1, count * statement.p)
            assert (statement.low <= 0 <= statement.high) == (not statement.is_significant)


def test_p_values_in_words():
    assert [format_p_value(p) for p in (0.5, 0.0123, 1e-9)] == ["p = 0.50", "p = 0.0123", "p < 0.0001"]
    assert not Statement(p=0.01, adjusted_p=0.05, low=-1, high=1).is_significant


def test_words_follow_the_method():
    difference = compare(make_row(0.5), make_row(2.5, spaces=(AUDIO_SPACE,)))
    shown = replace(difference.method, adjusted_p=0.01)
    assert replace(difference, method=shown, value=-1.0).words.startswith(
        "worse than base (method: p = 0.0100;"
    )
