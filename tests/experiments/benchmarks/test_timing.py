"""Methods take turns, and speed is the median of pairs."""

import numpy as np

from experiments.benchmarks import timing
from retrieval.evaluation.estimate import Estimate


def test_methods_take_turns():
    calls = []
    methods = {name: (lambda i, name=name: calls.append((name, i))) for name in "ab"}
    seconds_by_method = timing.time_in_turns(methods, 3)
    assert calls == [
        *zip("ab", [0, 0], strict=True),
        ("a", 0),
        ("b", 0),
        ("b", 1),
        ("a", 1),
        ("a", 2),
        ("b", 2),
    ]
    assert all(seconds.shape == (3,) and (seconds > 0).all() for seconds in seconds_by_method.values())


def test_speedup_is_the_median_of_pairs():
    slow, fast = np.array([2.0, 30.0, 4.0]), np.array([1.0, 10.0, 1.0])
    assert timing.estimate_speedup(slow, fast, seed=0) == Estimate(3.0, 2.0, 4.0)
    total = timing.estimate_total_speedup(slow, fast, seed=0)
    assert total.value == 3 and 2 <= total.low < 3 < total.high <= 4
    assert timing.summarise_seconds(slow, 2.0) == Estimate(2.0, 1.0, 15.0)
