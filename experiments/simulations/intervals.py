"""Coverage of intervals of proportions: few queries, recalls near 0 and 100 %, videos with captions alike."""

from __future__ import annotations

from functools import partial

import numpy as np

from experiments.simulations.check import SimulationCheck
from retrieval.evaluation import compute_proportion_interval

LOW, HIGH = 0.93, 0.97
VIDEO_COUNTS = (34, 100, 1000)
CORRELATIONS = (None, 0.0, 0.2, 0.5, 0.8)  # of the hits of a video; None: one caption a video
MIDDLE_TRUTHS = (0.1, 0.3, 0.5)  # and their complements
EXTREME_TRUTHS = (0.01, 0.023, 0.05)
LEAST_CAPTIONS, MOST_CAPTIONS = 5, 20
TRIALS = 2000  # of each truth


def list_checks() -> tuple[SimulationCheck, ...]:
    """The truth of the worst coverage, by number of videos and correlation; and widths at 0 and 100 %.

    Beyond 5 and 95 % a limit may lie on 0 or 100 %, so that only one side can miss, and few counts are
    possible: coverage up to 1 is tolerated there.
    """
    checks = [
        SimulationCheck(
            name=f"interval of {title}, {count} videos, {_describe(correlation)}",
            expected=f"coverage .93 to {high:.2g}".replace("0.", "."),
            low=LOW,
            high=high,
            trials=TRIALS,
            simulate=partial(find_worst_coverage, truths, high, count, correlation),
        )
        for count in VIDEO_COUNTS
        for correlation in CORRELATIONS
        for title, truths, high in (
            ("10 to 90 %", MIDDLE_TRUTHS, HIGH),
            ("1 to 5, 95 to 99 %", EXTREME_TRUTHS, 1.0),
        )
    ]
    width = SimulationCheck(
        name="interval of all hits or none, 1000 videos: least width in %", expected="more than .1",
        low=0.1, high=100, trials=1, simulate=compute_least_width,
    )  # fmt: skip
    return (*checks, width)


def find_worst_coverage(
    truths: tuple[float, ...], high: float, video_count: int, correlation: float | None, trials: int,
    rng: np.random.Generator,
) -> tuple[int, int]:  # fmt: skip
    """Intervals that hold the truth, of `trials`, for the truth whose coverage is furthest outside the range
    from LOW to `high`; half of the trials ask for its complement."""
    counts = [_count_covered(truth, video_count, correlation, trials, rng) for truth in truths]
    return max(counts, key=lambda count: max(LOW - count / trials, count / trials - high)), trials


def compute_least_width(trials: int, rng: np.random.Generator) -> float:
    """The least width, in percent, for all hits or none in any number of captions."""
    widths = []
    for hit in (0.0, 1.0):
        for captions in (1, LEAST_CAPTIONS, MOST_CAPTIONS):
            groups = np.repeat(np.arange(max(VIDEO_COUNTS)), captions)
            low, high = compute_proportion_interval(np.full(len(groups), hit), groups)
            widths.append(100 * (high - low))
    return min(widths)


def draw_grouped_hits(
    truth: float, video_count: int, correlation: float | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) hits, 0 or 1, and (n,) videos; a video's rate has a beta distribution with this correlation."""
    captions = (
        np.ones(video_count, np.int64)
        if correlation is None
        else rng.integers(LEAST_CAPTIONS, MOST_CAPTIONS + 1, video_count)
    )
    rates = np.full(video_count, truth)
    if correlation:
        strength = (1 - correlation) / correlation
        rates = rng.beta(truth * strength, (1 - truth) * strength, video_count)
    videos = np.repeat(np.arange(video_count), captions)
    return (rng.random(len(videos)) < rates[videos]).astype(np.float64), videos


def _count_covered(
    truth: float, video_count: int, correlation: float | None, trials: int, rng: np.random.Generator
) -> int:
    covered = 0
    for trial in range(trials):
        rate = truth if trial % 2 else 1 - truth
        hits, videos = draw_grouped_hits(rate, video_count, correlation, rng)
        low, high = compute_proportion_interval(hits, videos)
        covered += low <= rate <= high
    return covered


def _describe(correlation: float | None) -> str:
    if correlation is None:
        return "1 caption each"
    return f"{LEAST_CAPTIONS} to {MOST_CAPTIONS} captions each, ICC {correlation:g}"
