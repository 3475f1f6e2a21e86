"""The stretch that puts predictions of every kind of text on one scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.heads.text.common_scale import CommonScale, fit_common_scale
from spaces.joint import Tower
from spaces.joint.space import KernelInput, LinearInput
from spaces.tower_regressor import Regressor

ROLE = "sentiment"


def draw_texts(rng, spreads):
    """Predictions and ratings of 40 texts of each kind; ratings spread by `spreads` (k, 2)."""
    predictions = np.concatenate([rng.normal(rng.normal(), 0.1, (40, 2)) for _ in spreads])
    ratings = np.concatenate([rng.normal(0, spread, (40, 2)) for spread in spreads])
    kinds = np.repeat([f"kind {number}" for number in range(len(spreads))], 40)
    return predictions, ratings, kinds


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 4))
def test_spreads_agree_in_the_geometric_mean(seed, count):
    rng = np.random.default_rng(seed)
    predictions, ratings, kinds = draw_texts(rng, rng.uniform(0.05, 1, (count, 2)))
    corpora = {str(kind): (str(kind),) for kind in np.unique(kinds)}
    stretched = fit_common_scale(predictions, ratings, kinds, corpora)(predictions)
    ratios = [
        stretched[kinds == kind].std(axis=0) / ratings[kinds == kind].std(axis=0) for kind in np.unique(kinds)
    ]
    np.testing.assert_allclose(np.prod(ratios, axis=0), 1, rtol=1e-9)


def test_a_kind_of_many_texts_weighs_as_much_as_one_of_few():
    predictions, ratings, kinds = draw_texts(np.random.default_rng(0), np.array([[0.1, 0.2], [0.4, 0.3]]))
    corpora = {"both": ("kind 0", "kind 1"), "none": ("another kind",)}
    once = fit_common_scale(predictions, ratings, kinds, corpora)
    first = np.flatnonzero(kinds == "kind 0")
    order = np.concatenate([*[first] * 5, np.flatnonzero(kinds == "kind 1")])
    repeated = fit_common_scale(predictions[order], ratings[order], kinds[order], corpora)
    np.testing.assert_allclose(repeated.factors, once.factors)
    np.testing.assert_allclose(repeated.centre, once.centre)


def test_a_corpus_of_two_kinds_weighs_as_much_as_one_of_one():
    predictions, ratings, kinds = draw_texts(np.random.default_rng(0), np.array([[0.1], [0.1], [0.4]]))
    twice = np.concatenate([np.arange(40), np.arange(40), np.arange(80, 120)])  # "kind 1" is "kind 0" again
    scale = fit_common_scale(
        predictions[twice], ratings[twice], kinds, {"one": ("kind 0", "kind 1"), "other": ("kind 2",)}
    )
    alone = kinds != "kind 1"
    expected = fit_common_scale(
        predictions[alone], ratings[alone], kinds[alone], {"one": ("kind 0",), "other": ("kind 2",)}
    )
    np.testing.assert_allclose(scale.factors, expected.factors)
    np.testing.assert_allclose(scale.centre, expected.centre)


def test_a_stretched_regressor_predicts_what_the_stretch_makes_of_its_predictions():
    rng = np.random.default_rng(1)
    linear = LinearInput(
        mean=np.zeros(3, np.float32), scale=np.ones(3, np.float32),
        weight=rng.normal(size=(3, 2)).astype(np.float32), absent=np.zeros(2, np.float32),
    )  # fmt: skip
    kernel = KernelInput(
        mean=np.zeros(3, np.float32), scale=np.ones(3, np.float32),
        centres=rng.normal(size=(4, 3)).astype(np.float32), gamma=0.3,
        weight=rng.normal(size=(4, 2)).astype(np.float32), absent=np.zeros(2, np.float32),
    )  # fmt: skip
    regressor = Regressor(
        towers=(
            Tower(inputs={ROLE: linear}, bias=np.array([0.3, -0.2], np.float32)),
            Tower(inputs={ROLE: kernel}, bias=np.zeros(2, np.float32)),
        )
    )
    scale = CommonScale(factors=np.array([1.2, 1.5]), centre=np.array([0.1, -0.1]))
    rows = rng.normal(size=(20, 3)).astype(np.float32)
    expected = scale(regressor({ROLE: rows}))
    assert scale.apply_to(regressor)({ROLE: rows}) == pytest.approx(expected, abs=1e-5)
