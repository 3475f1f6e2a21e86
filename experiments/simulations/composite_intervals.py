"""Coverage of the intervals of rsum and of the geometric mean of recalls, from one latent ease a video."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from experiments.simulations.check import SimulationCheck
from retrieval.evaluation import compute_geometric_mean_interval, compute_sum_interval

TRUTHS = ((0.02, 0.1, 0.18), (0.3, 0.6, 0.75), (0.85, 0.96, 0.98))  # R@1, R@5 and R@10, in both directions
VIDEO_COUNTS = (34, 100)
LEAST_CAPTIONS, MOST_CAPTIONS = 5, 20
TRIALS = 500

Hits = list[npt.NDArray[np.bool_]]
Groups = list[npt.NDArray[np.int64]]


def list_checks() -> tuple[SimulationCheck, ...]:
    """rsum over both directions, and Geom of video to text."""
    return tuple(
        SimulationCheck(
            name=f"interval of {title}, {count} videos, R@1 of {100 * truths[0]:g} %",
            expected="coverage .93 to .99", low=0.93, high=0.99, trials=TRIALS,
            simulate=partial(count_covered, title, truths, count),
        )
        for count in VIDEO_COUNTS
        for truths in TRUTHS
        for title in ("rsum", "Geom")
    )  # fmt: skip


def count_covered(
    title: str, truths: tuple[float, ...], video_count: int, trials: int, rng: np.random.Generator
) -> tuple[int, int]:
    """How many of `trials` intervals hold the true rsum or Geom."""
    covered = 0
    for _ in range(trials):
        hits, groups = draw_nested_hits(truths, video_count, rng)
        if title == "rsum":
            low, high = compute_sum_interval(hits, groups)
            covered += low <= 2 * sum(truths) <= high
        else:
            depths = slice(len(truths), None)
            low, high = compute_geometric_mean_interval(hits[depths], groups[depths])
            covered += low <= float(np.prod(truths)) ** (1 / len(truths)) <= high
    return covered, trials


def draw_nested_hits(
    truths: tuple[float, ...], video_count: int, rng: np.random.Generator
) -> tuple[Hits, Groups]:
    """Hits at each depth of captions, then of videos, and their videos: a score is the video's ease and noise
    of the same variance, a hit is a score above the threshold of the depth."""
    videos = np.arange(video_count)
    owners = np.repeat(videos, rng.integers(LEAST_CAPTIONS, MOST_CAPTIONS + 1, video_count))
    ease = rng.normal(size=video_count)
    thresholds = np.sqrt(2) * norm.isf(truths)
    hits: Hits = []
    for group in (owners, videos):
        scores = ease[group] + rng.normal(size=len(group))
        hits += [scores > threshold for threshold in thresholds]
    return hits, [owners] * len(truths) + [videos] * len(truths)
