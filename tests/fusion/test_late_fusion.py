import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fusion import (
    Calibration,
    average_views,
    compute_terms,
    fit_calibration,
    fuse_scores,
    move_log_odds,
    pool_log_odds,
)

NAN = float("nan")
PROBABILITY = st.floats(0, 1) | st.just(NAN)
CALIBRATION = Calibration(mean=0.1, sd=0.05)


def spaces(items=5):
    row = arrays(np.float64, items, elements=PROBABILITY)
    return st.dictionaries(st.sampled_from(["object", "activity", "audio", "affect"]), row, min_size=1)


def test_z_and_probability_by_hand():
    assert CALIBRATION.to_z_scores([0.1, 0.2, 0.25]).tolist() == pytest.approx([0, 2, 3])
    assert CALIBRATION.to_probabilities([0.25, 0.2]).tolist() == pytest.approx([0.5, 1 / (1 + math.exp(1.5))])


@pytest.mark.filterwarnings("error")
def test_probability_of_extremes_neither_overflows_nor_leaves_the_unit_interval():
    with np.errstate(over="raise", invalid="raise"):
        low, high = CALIBRATION.to_probabilities([-1e6, 1e6])
    assert low == 0
    assert high == 1
    assert np.isnan(CALIBRATION.to_probabilities([NAN, 0.3])).tolist() == [True, False]


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20))
def test_probability_rises_with_the_score(cosines):
    assert (np.diff(CALIBRATION.to_probabilities(sorted(cosines))) >= -1e-15).all()


def test_calibration_survives_json():
    assert Calibration.from_dict(json.loads(json.dumps(CALIBRATION.to_dict()))) == CALIBRATION
    with pytest.raises(TypeError):
        Calibration.from_dict({"mean": 0.1, "sd": 0.1, "median": 0})


def test_fit_without_matching_pairs_is_mean_sd_and_the_default():
    fitted = fit_calibration([0.1, 0.3, NAN])
    assert (fitted.mean, fitted.sd) == (pytest.approx(0.2), pytest.approx(0.1))
    assert (fitted.slope, fitted.midpoint) == (1.5, 3.0)


def test_fit_finds_the_logistic_line_of_two_gaussians():
    rng = np.random.default_rng(0)
    fitted = fit_calibration(rng.normal(0.1, 0.05, 50_000), rng.normal(0.2, 0.05, 5_000))
    # N(0, 1) against N(2, 1) at even odds: log odds 2 z - 2
    assert fitted.slope == pytest.approx(2, abs=0.1)
    assert fitted.midpoint == pytest.approx(1, abs=0.03)


def test_fit_stays_finite_when_nothing_overlaps():
    fitted = fit_calibration([0.0, 0.01, 0.02], [0.9, 0.91])
    assert 0.02 < fitted.mean + fitted.midpoint * fitted.sd < 0.9
    assert math.isfinite(fitted.slope)
    assert fitted.to_probabilities([0.9])[0] > 0.7


@pytest.mark.parametrize(
    ("background", "matching"),
    [
        ([], None),
        ([0.1], None),
        ([0.1, 0.1], None),
        ([NAN, NAN, 0.2], None),
        ([0.1, 0.2], []),
        ([0.1, 0.2], [0.05]),
    ],
)
def test_fit_refuses_what_it_cant_calibrate(background, matching):
    with pytest.raises(ValueError):
        fit_calibration(background, matching)


@pytest.mark.parametrize("wrong", [{"sd": 0}, {"sd": NAN}, {"slope": -1}, {"mean": math.inf}])
def test_calibration_refuses_bad_numbers(wrong):
    with pytest.raises(ValueError, match="finite"):
        Calibration(**{"mean": 0.1, "sd": 0.1, **wrong})


def test_fuse_by_hand():
    scores = {"object": [0.8, 0.8, NAN, NAN], "audio": [0.2, NAN, 0.2, NAN]}
    fused = fuse_scores(scores, {"object": 3, "audio": 1})
    assert fused[:3].tolist() == pytest.approx([(3 * 0.8 + 0.2) / 4, 0.8, 0.2])
    assert math.isnan(fused[3])


def test_doubt_by_hand():
    scores = {"object": [0.8, 0.8], "audio": [0.8, NAN]}
    weights = {"object": 1, "audio": 1}
    assert fuse_scores(scores, weights, missing_discount=0.5).tolist() == pytest.approx(
        [0.8, 0.8 * 0.5 * 1.5 / 1.0]
    )
    assert fuse_scores(scores, weights, missing_discount=1e12).tolist() == pytest.approx([0.8, 0.4])


def test_a_space_of_weight_zero_or_without_weight_has_no_say():
    scores = {"object": [0.5, NAN], "audio": [0.9, 0.9]}
    for weights in ({"object": 2.0}, {"object": 2.0, "audio": 0.0}):
        assert np.array_equal(fuse_scores(scores, weights), [0.5, NAN], equal_nan=True)


def test_silence_is_neither_zero_nor_the_average():
    """An item heard in one space must not gain or lose by what the others score in the silent one."""
    quiet = fuse_scores({"object": [0.6, 0.6], "audio": [NAN, 0.1]}, {"object": 1, "audio": 1})
    loud = fuse_scores({"object": [0.6, 0.6], "audio": [NAN, 0.9]}, {"object": 1, "audio": 1})
    assert quiet[0] == loud[0] == 0.6


@given(spaces(), st.randoms(use_true_random=False), st.floats(0, 2))
def test_fuse_does_not_depend_on_any_order(scores, rng, doubt):
    weights = {name: 0.1 + rng.random() for name in scores}
    fused = fuse_scores(scores, weights, doubt)
    names, items = rng.sample(sorted(scores), len(scores)), rng.sample(range(5), 5)
    again = fuse_scores(
        {name: scores[name][items] for name in names}, {name: weights[name] for name in names[::-1]}, doubt
    )
    assert np.array_equal(fused[items], again, equal_nan=True)


@given(spaces(), st.randoms(use_true_random=False), st.floats(0, 2))
def test_terms_sum_to_the_fused_score(scores, rng, doubt):
    weights = {name: 0.1 + rng.random() for name in scores}
    terms = compute_terms(scores, weights, doubt)
    fused = fuse_scores(scores, weights, doubt)
    for name, row in terms.items():
        assert np.isnan(row).tolist() == np.isnan(scores[name]).tolist()
    known = ~np.isnan(fused)
    assert np.nansum(list(terms.values()), axis=0)[known] == pytest.approx(fused[known], abs=1e-12)


@given(arrays(np.float64, 4, elements=PROBABILITY), st.floats(1e-6, 1e6), st.floats(0, 9))
def test_one_space_is_the_identity(row, weight, doubt):
    assert np.array_equal(fuse_scores({"object": row}, {"object": weight}, doubt), row, equal_nan=True)


@given(spaces(), st.floats(0, 2))
def test_fused_scores_stay_between_the_spaces(scores, doubt):
    fused = fuse_scores(scores, dict.fromkeys(scores, 0.7), doubt)
    stack = np.array(list(scores.values()))
    for item, score in enumerate(fused):
        said = stack[:, item][~np.isnan(stack[:, item])]
        assert math.isnan(score) if len(said) == 0 else score <= said.max() + 1e-12
        assert doubt > 0 or len(said) == 0 or score >= said.min() - 1e-12


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"sound": 1.0}, "no space 'sound' to weigh; known: audio, object"),
        ({"object": -1.0}, "finite and >= 0"),
        ({"object": NAN}, "finite and >= 0"),
        ({"object": math.inf}, "finite and >= 0"),
        ({"object": 0.0, "audio": 0.0}, "at least one"),
        ({}, "at least one"),
    ],
)
def test_fuse_refuses_bad_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        fuse_scores({"object": [0.1], "audio": [0.2]}, weights)


def test_fuse_refuses_uneven_spaces_and_bad_doubt():
    with pytest.raises(ValueError, match="differ"):
        fuse_scores({"object": [0.1], "audio": [0.2, 0.3]}, {"object": 1})
    for doubt in (-0.1, NAN, math.inf):
        with pytest.raises(ValueError, match="missing_discount"):
            fuse_scores({"object": [0.1]}, {"object": 1}, doubt)


def test_views_average_what_there_is():
    mean = average_views([[0.2, NAN, NAN], [0.4, 0.5, NAN]])
    assert mean[:2].tolist() == pytest.approx([0.3, 0.5])
    assert math.isnan(mean[2])


def test_evidence_moves_log_odds_and_missing_evidence_nothing():
    before = np.array([0.1, 0.3, 0.7, 0.0, 1.0, NAN, 1 / 3])
    moved = move_log_odds(before, np.log([4, 4, 0.5, 4, 0.25, 4, NAN]))
    odds = moved[:3] / (1 - moved[:3])
    assert odds.tolist() == pytest.approx([4 / 9, 4 * 3 / 7, 0.5 * 7 / 3])
    assert moved[3:5].tolist() == [0, 1] and math.isnan(moved[5]) and moved[6] == before[6]
    assert move_log_odds([0.2, 0.2], [1e9, -1e9]).tolist() == pytest.approx([1, 0], abs=1e-9)


@given(arrays(np.float64, 20, elements=st.floats(1e-6, 1 - 1e-6)), st.floats(-5, 5))
def test_equal_evidence_keeps_the_order(before, evidence):
    moved = move_log_odds(before, np.full(20, evidence))
    assert ((moved >= 0) & (moved <= 1)).all()
    order = np.argsort(before, kind="stable")
    assert (np.diff(moved[order]) >= -1e-12).all()


def test_log_odds_pool_to_their_mean():
    pooled = pool_log_odds([[0.9, 0.2, NAN, NAN, 1, 1, 0.5], [0.5, 0.2, 0.7, NAN, 1, 0, 1]])
    assert pooled[:3].tolist() == pytest.approx([3 / 4, 0.2, 0.7])  # odds 9 and 1: 3
    assert math.isnan(pooled[3])
    assert pooled[4] == 1 and pooled[5] == 0.5 and pooled[6] > 0.999
    sure_mismatch = pool_log_odds([[0.99], [0.001]])[0]
    assert sure_mismatch < 0.3 < average_views([[0.99], [0.001]])[0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_a_pool_lies_between_its_views(views):
    pooled = pool_log_odds([[view] for view in views])[0]
    assert min(views) - 1e-12 <= pooled <= max(views) + 1e-12
