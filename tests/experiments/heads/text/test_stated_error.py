"""Stated SDs of rows whose errors have a known SD by kind."""

import numpy as np
import pytest

from encoders.minilm_affect import DIM
from experiments.heads.text.stated_error import (
    ONE_SD_COVERAGE,
    UNREADABLE,
    compute_uninformed_errors,
    fit_log_sd,
)

TRUE_SDS = {"word": 0.1, "sentence": 0.2, "theme": 0.4}


def draw_kinds(rng, counts):
    """Rows about a centre of their kind, squared errors of its SD, and the kinds."""
    centres = np.random.default_rng(7).normal(size=(4, DIM))
    rows, squares, kinds = [], [], []
    for number, (kind, count) in enumerate(counts.items()):
        rows.append(centres[number] + rng.normal(size=(count, DIM)))
        squares.append(rng.normal(0, TRUE_SDS.get(kind, 0.5), (count, 2)) ** 2)
        kinds += [kind] * count
    return np.concatenate(rows).astype(np.float32), np.concatenate(squares), np.array(kinds)


def test_each_kind_has_its_coverage_on_texts_that_were_not_seen():
    rng = np.random.default_rng(0)
    train = draw_kinds(rng, {"word": 150, "sentence": 900, "theme": 150, UNREADABLE: 150})
    rows, squares, kinds = draw_kinds(rng, dict.fromkeys(TRUE_SDS, 600))
    sds = np.exp(fit_log_sd(*train)({"sentiment": rows}))
    for kind in TRUE_SDS:
        covered = (np.sqrt(squares[kinds == kind]) <= sds[kinds == kind]).mean()
        assert covered == pytest.approx(ONE_SD_COVERAGE, abs=0.08)
        assert sds[kinds == kind].mean() == pytest.approx(TRUE_SDS[kind], rel=0.25)


def test_without_sentences_and_without_unreadable_texts():
    rows, squares, kinds = draw_kinds(np.random.default_rng(1), {"word": 100, "theme": 100})
    sds = np.exp(fit_log_sd(rows, squares, kinds)({"sentiment": rows}))
    assert np.isfinite(sds).all() and sds[kinds == "theme"].mean() > 2 * sds[kinds == "word"].mean()


def test_a_guess_errs_by_the_spread_of_the_ratings_and_by_its_place():
    ratings = np.array([[-0.5, 0.0], [0.5, 0.2]])
    errors = compute_uninformed_errors(ratings, np.array([[0.0, 0.1], [1.0, 0.1]]))
    np.testing.assert_allclose(errors, [[0.25, 0.01], [1.25, 0.01]])
