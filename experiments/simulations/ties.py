"""Expected metrics of tied similarities against chance and against random orders of the ties."""

from __future__ import annotations

from functools import partial

import numpy as np

from experiments.simulations.check import SimulationCheck
from retrieval.evaluation import (
    Evaluation,
    compute_expected_ndcg,
    compute_expected_precision,
    evaluate,
    ndcg,
    precision_at,
    rank_items,
)

ITEM_COUNT, LEVELS = 60, 5  # of a random system whose similarities take few values
ORDERS = 400
DEPTH = 5
JITTERED_METRICS = ("R@1", "R@5", "R@10", "MnR")  # means over queries, in percent or ranks


def list_checks() -> tuple[SimulationCheck, ...]:
    """Exact ones of a constant system, and differences to the mean over random orders of the ties."""
    exact = (("R@1", 10, 10.0), ("R@5", 10, 50.0), ("MdR", 10, 5.0), ("R@5", 1000, 0.5), ("MnR", 1000, 500.5))
    return (
        *(
            SimulationCheck(
                name=f"{name} of a constant system of {count} items", expected=f"{truth:g}",
                low=truth - 1e-9, high=truth + 1e-9, trials=1,
                simulate=partial(_compute_constant_metric, name, count),
            )
            for name, count, truth in exact
        ),
        *(
            SimulationCheck(
                name=f"{name} with ties less its mean over {ORDERS} orders of them, in standard errors",
                expected="-4 to 4", low=-4, high=4, trials=1, simulate=partial(compare_with_orders, name),
            )
            for name in (*JITTERED_METRICS, f"P@{DEPTH}", f"nDCG@{DEPTH}")
        ),
    )  # fmt: skip


def compare_with_orders(name: str, trials: int, rng: np.random.Generator) -> float:
    """The expected metric less its mean over random orders of the ties, in standard errors of that mean."""
    similarity = rng.integers(0, LEVELS, (ITEM_COUNT, ITEM_COUNT)).astype(np.float64)
    points = rng.uniform(-1, 1, (ITEM_COUNT, 2))
    relevance = rng.random((ITEM_COUNT, ITEM_COUNT)) < 0.2
    expected = _compute(name, similarity, points, relevance)
    drawn = np.array([
        _compute_without_ties(name, similarity + 0.5 * rng.random(similarity.shape), points, relevance)
        for _ in range(ORDERS)
    ])  # fmt: skip
    return float((expected - drawn.mean()) / (drawn.std(ddof=1) / np.sqrt(ORDERS)))


def _compute(name: str, similarity: np.ndarray, points: np.ndarray, relevance: np.ndarray) -> float:
    if name.startswith("P@"):
        return float(compute_expected_precision(similarity, relevance, DEPTH).mean())
    if name.startswith("nDCG"):
        return float(compute_expected_ndcg(points, points, similarity, DEPTH).mean())
    return _evaluate(similarity).t2v.compute_metric(name)


def _compute_without_ties(
    name: str, similarity: np.ndarray, points: np.ndarray, relevance: np.ndarray
) -> float:
    """By the list of results."""
    order = rank_items(similarity)
    if name.startswith("P@"):
        return float(precision_at(np.take_along_axis(relevance, order, axis=1), DEPTH).mean())
    if name.startswith("nDCG"):
        return float(ndcg(points, points, order, DEPTH).mean())
    return _evaluate(similarity).t2v.compute_metric(name)


def _compute_constant_metric(name: str, item_count: int, trials: int, rng: np.random.Generator) -> float:
    return _evaluate(np.ones((item_count, item_count))).t2v.compute_metric(name)


def _evaluate(similarity: np.ndarray) -> Evaluation:
    names = [str(item) for item in range(len(similarity))]
    return evaluate(similarity, names, names)
