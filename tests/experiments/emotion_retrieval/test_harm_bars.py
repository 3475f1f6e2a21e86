"""The bars of the harm study: which are checked, and by what."""

import pytest

from experiments.emotion_retrieval.harm.bars import check_bars
from experiments.emotion_retrieval.harm.report import VariantSummary
from retrieval.evaluation import Estimate

SETS = ("all", "with emotion", "without emotion")


def summarise(name, recalls, intervals=None, distance=None):
    """A summary of R@1 by query set, and the intervals of its differences."""
    return VariantSummary(
        variant=name,
        means={query_set: {"R@1": recall} for query_set, recall in zip(SETS, recalls, strict=True)},
        differences=dict(zip(SETS, intervals or [None] * 3, strict=True)),
        affect_distance=distance,
    )


BASELINE = summarise("baseline", (10, 10, 10), distance=1.0)
REPORT = summarise("report", (6, 2, 10), [Estimate(-4, -5, -3), Estimate(-8, -9, -7), Estimate(0, 0, 0)], 1.0)


def test_a_form_that_gains_without_loss_meets_every_bar():
    ours = summarise(
        "ours", (11, 12, 10), [Estimate(1, 0.5, 1.5), Estimate(2, 1, 3), Estimate(0, 0, 0)], 0.74
    )
    bars = check_bars([BASELINE, REPORT, ours], "report", "ours")
    assert len(bars) == 6 and all(bar.is_met for bar in bars)
    assert [bar.value for bar in bars] == pytest.approx([-3, 2, 0, 1.5, 1.2, 0.74])


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"intervals": [Estimate(-1, -2, -0.1), Estimate(2, 1, 3), Estimate(0, 0, 0)]}, "of all, upper end"),
        ({"intervals": [Estimate(1, 0, 2), Estimate(2, 1, 3), Estimate(-0.6, -1, 0)]}, "R@1 without emotion"),
        ({"recalls": (11, 11.9, 10)}, "R@1 with emotion by the baseline's"),
        ({"distance": 0.76}, "distance to the mood"),
    ],
)
def test_each_bar_can_be_missed(changed, missed):
    sound = {
        "recalls": (11, 12, 10), "distance": 0.7,
        "intervals": [Estimate(1, 0.5, 1.5), Estimate(2, 1, 3), Estimate(0, 0, 0)],
    }  # fmt: skip
    bars = check_bars([BASELINE, REPORT, summarise("ours", **(sound | changed))], "report", "ours")
    assert [missed in bar.name for bar in bars if not bar.is_met] == [True]


def test_a_report_without_loss_is_no_loss_shown():
    harmless = summarise("report", (10, 10, 10), [Estimate(0, -1, 1)] * 3)
    (bar,) = check_bars([BASELINE, harmless], "report", "ours")
    assert not bar.is_met


def test_one_seed_or_no_truth_leaves_bars_out():
    baseline, ours = summarise("baseline", (10, 10, 10)), summarise("ours", (10, 10, 10))
    assert check_bars([baseline, ours], "report", "ours") == []
