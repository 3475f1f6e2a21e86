import math

import numpy as np
import pytest

from fusion import LogisticWeights, sum_log_odds, to_log_odds
from fusion.logistic_fusion import MAX_SPACE_LOG_ODDS

NAN = math.nan
WEIGHTS = LogisticWeights(intercept=-0.5, slopes={"object": 0.8, "audio": 1.5})
SCORES = {"object": np.array([0.9, 0.9, NAN, NAN, 1.0]), "audio": np.array([0.2, NAN, 0.2, NAN, 0.5])}


def test_log_odds_are_weighted_and_summed():
    parts = WEIGHTS.compute_log_odds(SCORES, {"object": 2.0, "audio": 1.0})
    first, second = math.log(9), math.log(0.2 / 0.8)
    assert parts["object"][:2] == pytest.approx([0.8 * first] * 2)
    assert parts["audio"][0] == pytest.approx(1.5 * 0.5 * second)  # weights relative to the largest
    total = sum_log_odds(parts)
    assert total[0] == pytest.approx(1 / (1 + math.exp(0.5 - 0.8 * first - 0.75 * second)))
    assert parts["object"][4] == pytest.approx(0.8 * MAX_SPACE_LOG_ODDS)


def test_a_space_that_abstains_adds_nothing_and_all_together_are_missing():
    parts = WEIGHTS.compute_log_odds(SCORES, {"object": 1.0, "audio": 1.0})
    total = sum_log_odds(parts)
    assert np.isnan(parts["audio"]).tolist() == [False, True, False, True, False]
    assert total[1] == pytest.approx(1 / (1 + math.exp(0.5 - 0.8 * math.log(9))))
    assert np.isnan(total).tolist() == [False, False, False, True, False]
    assert np.isnan(parts["intercept"]).tolist() == [False, False, False, True, False]


def test_a_space_of_weight_zero_has_no_say():
    alone = WEIGHTS.compute_log_odds(SCORES, {"object": 1.0, "audio": 0.0})
    assert alone.keys() == {"intercept", "object"}


def test_log_odds_keep_what_is_missing():
    assert to_log_odds([0.0, 0.5, 1.0]).tolist() == [-MAX_SPACE_LOG_ODDS, 0, MAX_SPACE_LOG_ODDS]
    assert np.isnan(to_log_odds([NAN])).all()


@pytest.mark.parametrize("bad", [{"intercept": NAN}, {"slopes": {"object": -1.0}}, {"slopes": {"a": NAN}}])
def test_refuses_bad_numbers(bad):
    with pytest.raises(ValueError, match="finite"):
        LogisticWeights(**{"intercept": 0.0, "slopes": {"object": 1.0}, **bad})


def test_refuses_a_space_it_has_not_learned():
    with pytest.raises(ValueError, match="no learned weights of smell"):
        WEIGHTS.compute_log_odds({"smell": [0.5]}, {"smell": 1.0})
