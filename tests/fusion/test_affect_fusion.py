import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fusion.affect_fusion import CORRELATION_SHRINKAGE, compute_modality_weights, precision_weighted_mean

PLAIN = {"sound": (1.0, 1.0), "face": (1.0, 1.0), "image": (1.0, 1.0)}
NAN = float("nan")


def row(valence, arousal, valence_sd, arousal_sd):
    return np.array([[valence, arousal, valence_sd, arousal_sd]])


def noisy(count, sds, correlation, seed=0):
    """Truth (n, 2) and rows by sense whose errors have these SDs and one correlation."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(-1, 1, (count, 2))
    common = rng.normal(size=(count, 2))
    rows = {}
    for sense, sd in zip(PLAIN, sds, strict=False):
        own = rng.normal(size=(count, 2))
        error = sd * (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own)
        rows[sense] = np.concatenate([truth + error, np.full((count, 2), sd)], axis=1)
    return truth, rows


def within(joined, truth):
    return np.mean(np.abs(joined[:, :2] - truth) <= joined[:, 2:], axis=0)


def test_one_sense_is_itself_with_its_sd_by_its_reliability():
    found = precision_weighted_mean({"face": row(0.4, -0.2, 0.2, 0.3)}, {"face": (4.0, 1.0)}, correlation=0.6)
    assert found[0] == pytest.approx([0.4, -0.2, 0.1, 0.3])


def test_without_correlation_it_is_the_mean_by_inverse_variance():
    rows = {"sound": row(0.1, 0.0, 0.2, 0.4), "face": row(0.2, 0.1, 0.4, 0.2)}
    found = precision_weighted_mean(rows, PLAIN, correlation=0)
    assert found[0, :2] == pytest.approx([(0.1 * 25 + 0.2 * 6.25) / 31.25, 0.1 * 25 / 31.25])
    assert found[0, 2:] == pytest.approx([31.25**-0.5, 31.25**-0.5])


def test_reliability_four_is_half_the_sd():
    rows = {"sound": row(0.1, 0.3, 0.2, 0.4), "face": row(0.3, 0.1, 0.4, 0.2)}
    surer = {"sound": row(0.1, 0.3, 0.1, 0.4), "face": row(0.3, 0.1, 0.4, 0.2)}
    trusted = precision_weighted_mean(rows, {**PLAIN, "sound": (4.0, 1.0)}, correlation=0.3)
    assert trusted == pytest.approx(precision_weighted_mean(surer, PLAIN, correlation=0.3))


def test_weights_are_of_least_variance_by_half_the_correlation():
    spread, correlation = np.array([0.2, 0.25, 0.3]), 0.6
    rows = {sense: row(0, 0, sd, sd) for sense, sd in zip(PLAIN, spread, strict=True)}
    found = compute_modality_weights(rows, PLAIN, correlation=correlation)
    half = CORRELATION_SHRINKAGE * correlation
    covariance = (half + (1 - half) * np.eye(3)) * np.outer(spread, spread)
    best = np.linalg.solve(covariance, np.ones(3))
    assert [found[sense][0, 0] for sense in rows] == pytest.approx(list(best / best.sum()))


def test_a_far_less_precise_sense_is_left_out_and_never_counts_against_itself():
    rows = {"sound": row(0, 0, 0.01, 0.01), "face": row(1, 1, 1, 1), "image": row(0.2, 0.2, 0.011, 0.011)}
    found = compute_modality_weights(rows, PLAIN, correlation=0.9)
    assert (found["face"] == 0).all()
    alone = {sense: rows[sense] for sense in ("sound", "image")}
    assert found["sound"] == pytest.approx(compute_modality_weights(alone, PLAIN, correlation=0.9)["sound"])


def test_what_abstains_has_no_say_and_no_share():
    silent = np.full((1, 4), NAN)
    rows = {"sound": np.concatenate([row(0.1, 0.2, 0.3, 0.3), silent]), "face": np.concatenate([silent] * 2)}
    found = precision_weighted_mean(rows, PLAIN, correlation=0.5)
    assert found[0] == pytest.approx([0.1, 0.2, 0.3, 0.3])
    assert np.isnan(found[1]).all()
    part = compute_modality_weights(rows, PLAIN)
    assert (part["sound"][0] == 1).all()
    assert (part["face"][0] == 0).all()
    assert np.isnan(part["face"][1]).all()


def test_a_sense_may_know_one_dimension_only():
    rows = {"sound": row(NAN, 0.4, NAN, 0.2), "face": row(0.1, 0.2, 0.2, 0.2)}
    found = precision_weighted_mean(rows, PLAIN, correlation=0)
    assert found[0] == pytest.approx([0.1, 0.3, 0.2, 0.2 / 2**0.5])


@pytest.mark.parametrize("sds", [(0.2, 0.2), (0.2, 0.35), (0.2, 0.25, 0.3)])
@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_the_sd_is_that_of_the_errors(sds, correlation):
    truth, rows = noisy(20_000, sds, correlation)
    found = precision_weighted_mean(rows, PLAIN, correlation=correlation, prior_dof=np.inf)
    assert found[:, 2:].mean(axis=0) == pytest.approx((found[:, :2] - truth).std(axis=0), rel=0.02)
    assert within(found, truth) == pytest.approx([0.683, 0.683], abs=0.01)


def test_senses_taken_for_independent_would_claim_too_much():
    truth, rows = noisy(20_000, (0.2, 0.2), 0.6)
    assert (within(precision_weighted_mean(rows, PLAIN, correlation=0, prior_dof=np.inf), truth) < 0.60).all()


def test_disagreement_widens_as_much_as_the_birge_ratio_says_and_agreement_never_narrows():
    rows = {"sound": row(-0.5, 0.1, 0.3, 0.3), "face": row(0.7, 0.1, 0.4, 0.4)}
    calm = precision_weighted_mean(rows, PLAIN, correlation=0, prior_dof=np.inf)[0]
    birge = precision_weighted_mean(rows, PLAIN, correlation=0, prior_dof=0)[0]
    held = precision_weighted_mean(rows, PLAIN, correlation=0)[0]
    squares = 1.2**2 / (0.3**2 + 0.4**2)
    assert birge[2] / calm[2] == pytest.approx(squares**0.5)
    assert held[2] / calm[2] == pytest.approx(((3 + squares) / 4) ** 0.5)
    assert calm[3] == birge[3] == held[3]


def test_where_senses_err_more_than_they_say_disagreement_shows_it():
    truth, rows = noisy(5000, (0.4, 0.4), 0.0)
    boasting = {sense: one * [1, 1, 0.5, 0.5] for sense, one in rows.items()}
    found = precision_weighted_mean(boasting, PLAIN, correlation=0)
    miss = np.abs(found[:, :2] - truth)
    plain = within(precision_weighted_mean(boasting, PLAIN, correlation=0, prior_dof=np.inf), truth)
    assert (np.mean(miss <= found[:, 2:], axis=0) > plain + 0.05).all()


numbers = st.floats(-1, 1)


@given(
    arrays(np.float64, (3, 4, 2), elements=st.one_of(numbers, st.just(NAN))),
    arrays(np.float64, (3, 4, 2), elements=st.floats(1e-3, 10)),
    st.floats(0, 0.99),
)
def test_any_mean_lies_between_and_is_that_of_the_shares(values, spreads, correlation):
    rows = {
        sense: np.concatenate([value, spread], axis=1)
        for sense, value, spread in zip(PLAIN, values, spreads, strict=True)
    }
    found = precision_weighted_mean(rows, PLAIN, correlation=correlation)
    part = compute_modality_weights(rows, PLAIN, correlation=correlation)
    heard = ~np.isnan(values).all(axis=0)
    assert (np.isnan(found[:, :2]) == ~heard).all()
    total = sum(part.values())
    assert total[heard] == pytest.approx(1)
    assert all((one[heard] >= 0).all() for one in part.values())
    mean = sum(part[sense] * np.nan_to_num(rows[sense][:, :2]) for sense in rows)
    assert found[:, :2][heard] == pytest.approx(mean[heard], abs=1e-12)
    low = np.min(np.where(np.isnan(values), np.inf, values), axis=0)
    high = np.max(np.where(np.isnan(values), -np.inf, values), axis=0)
    assert (found[:, :2][heard] >= low[heard] - 1e-9).all()
    assert (found[:, :2][heard] <= high[heard] + 1e-9).all()
    assert (found[:, 2:][heard] > 0).all()
    turned = dict(reversed(rows.items()))
    again = precision_weighted_mean(turned, PLAIN, correlation=correlation)
    assert again == pytest.approx(found, nan_ok=True, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("rows", "reliability", "correlation"),
    [
        ({}, PLAIN, 0.5),
        ({"smell": row(0, 0, 1, 1)}, PLAIN, 0.5),
        ({"face": np.zeros((1, 3))}, PLAIN, 0.5),
        ({"face": row(0, 0, 1, 1), "sound": np.zeros((2, 4))}, PLAIN, 0.5),
        ({"face": row(0, 0, 0, 1)}, PLAIN, 0.5),
        ({"face": row(0, 0, -1, 1)}, PLAIN, 0.5),
        ({"face": row(0, 0, np.inf, 1)}, PLAIN, 0.5),
        ({"face": row(np.inf, 0, 1, 1)}, PLAIN, 0.5),
        ({"face": row(0, 0, 1, 1)}, {"face": (0, 1)}, 0.5),
        ({"face": row(0, 0, 1, 1)}, {"face": (NAN, 1)}, 0.5),
        ({"face": row(0, 0, 1, 1)}, PLAIN, 1.0),
        ({"face": row(0, 0, 1, 1)}, PLAIN, -0.1),
        ({"face": row(0, 0, 1, 1)}, PLAIN, (0.5, NAN)),
    ],
)
def test_what_makes_no_sense_is_refused(rows, reliability, correlation):
    with pytest.raises(ValueError, match=r"\S"):
        precision_weighted_mean(rows, reliability, correlation=correlation)


def test_a_prior_below_nothing_is_refused():
    with pytest.raises(ValueError, match="prior"):
        precision_weighted_mean({"face": row(0, 0, 1, 1)}, PLAIN, correlation=0, prior_dof=-1)
