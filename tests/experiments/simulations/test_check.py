"""The frame of a check by simulation: what is met, what is missed, and what a small run can tell."""

import numpy as np
import pytest

from experiments.simulations.check import CheckOutcome, SimulationCheck


def coin(probability):
    return lambda trials, rng: (int(rng.binomial(trials, probability)), trials)


def make_check(simulate, *, low=0.03, high=0.07, trials=2000):
    return SimulationCheck(
        name="a coin", expected=".03 to .07", low=low, high=high, trials=trials, simulate=simulate
    )


def test_a_rate_within_the_range_is_met():
    outcome = make_check(coin(0.05)).run(share=1, seed=0)
    assert outcome.is_met and outcome.trials == 2000
    assert outcome.value == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("rate", [0.0, 0.12, 1.0])
def test_a_rate_outside_is_missed_where_the_trials_can_tell(rate):
    assert not make_check(coin(rate)).run(share=1, seed=0).is_met


def test_a_small_run_finds_large_faults_alone():
    assert make_check(coin(0.12)).run(share=0.02, seed=0).is_met
    assert not make_check(coin(0.6)).run(share=0.02, seed=0).is_met


def test_an_exact_value_has_no_tolerance_beyond_its_range():
    check = make_check(lambda trials, rng: 0.0701, trials=1)
    outcome = check.run(share=0.01, seed=0)
    assert outcome.trials is None and not outcome.is_met
    assert make_check(lambda trials, rng: 0.07, trials=1).run(share=1, seed=0).is_met


def test_a_check_does_not_depend_on_the_others_and_repeats_itself():
    first, again = (make_check(coin(0.05)).run(share=1, seed=3).value for _ in range(2))
    assert first == again != make_check(coin(0.05)).run(share=1, seed=4).value


@pytest.mark.parametrize(("value", "trials"), [(0.0, 10), (1.0, 10), (0.5, 1000)])
def test_the_monte_carlo_interval_holds_the_value_and_stays_in_zero_to_one(value, trials):
    low, high = CheckOutcome(check=make_check(coin(0)), value=value, trials=trials).monte_carlo_interval
    assert -1e-12 <= low <= value <= high <= 1 + 1e-12
    assert high - low > 0.01


def test_the_monte_carlo_interval_covers_as_stated():
    rng = np.random.default_rng(0)
    check = make_check(coin(0))
    covered = 0
    for successes in rng.binomial(300, 0.05, size=4000):
        low, high = CheckOutcome(check=check, value=successes / 300, trials=300).monte_carlo_interval
        covered += low <= 0.05 <= high
    assert covered / 4000 > 0.99
