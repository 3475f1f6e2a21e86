"""Metrics of predicted affect (CCC, correlation, error) and of retrieval by affect (nDCG, V-A distance).

Points are (valence, arousal) rows (n, 2), or of any dimension. Lists of results hold item numbers, best
first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval.vector_index import validate_k

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def ccc(predictions: npt.ArrayLike, targets: npt.ArrayLike) -> Floats:
    """() or (d,) CCC of two (n,) or (n, d): 2 cov / (var_x + var_y + (mean_x - mean_y)^2) (Lin 1989).

    Population variance, over the concatenated test set. NaN where both are one and the same constant (0/0).
    Raises ValueError unless both have one shape and n > 0.
    """
    x, y = validate_pair(predictions, targets)
    numerator = 2 * np.mean((x - x.mean(0)) * (y - y.mean(0)), axis=0)
    denominator = x.var(0) + y.var(0) + (x.mean(0) - y.mean(0)) ** 2
    return divide_or_nan(
        numerator, np.where(is_constant(x) & is_constant(y) & (x[0] == y[0]), 0, denominator)
    )


def pearson(predictions: npt.ArrayLike, targets: npt.ArrayLike) -> Floats:
    """() or (d,) correlation r of two (n,) or (n, d); NaN where one is constant. Raises as `ccc` does."""
    x, y = validate_pair(predictions, targets)
    covariance = np.mean((x - x.mean(0)) * (y - y.mean(0)), axis=0)
    return divide_or_nan(covariance, np.where(is_constant(x) | is_constant(y), 0, x.std(0) * y.std(0)))


def rmse(predictions: npt.ArrayLike, targets: npt.ArrayLike) -> Floats:
    """() or (d,) root mean squared error of two (n,) or (n, d), in their units. Raises as `ccc` does."""
    x, y = validate_pair(predictions, targets)
    return np.sqrt(np.mean((x - y) ** 2, axis=0))


def rank_items(similarity: npt.NDArray[np.floating], k: int | None = None) -> Ints:
    """(q, k) item numbers, best first, of similarities (q, n): by (-similarity, number), NaN last.

    With items numbered by id this is the order of search results. Raises ValueError for k < 1.
    """
    depth = similarity.shape[1] if k is None else validate_k(k)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :depth]


def average_by_label(values: npt.ArrayLike, labels: npt.ArrayLike) -> dict[str, float]:
    """The mean of values (q,) for each of the labels (q,); the mean of these means is the macro average.

    Raises ValueError without values or for labels that don't fit.
    """
    numbers, names = np.asarray(values, np.float64), np.asarray(labels)
    if numbers.ndim != 1 or numbers.shape != names.shape or numbers.size == 0:
        raise ValueError(f"values (q,) and labels (q,) do not fit: {numbers.shape}, {names.shape}")
    return {str(name): float(numbers[names == name].mean()) for name in np.unique(names)}


def ndcg(queries: npt.ArrayLike, items: npt.ArrayLike, results: Ints, k: int) -> Floats:
    """(q,) nDCG@k, 0 to 1, of results (q, >= k) with gain exp(-||va_q - va_d||) (Järvelin, Kekäläinen 2002).

    `queries` (q, d) and `items` (n, d) are points, results item numbers. The discount is log2(rank + 1); the
    ideal order is that of all items by distance. With fewer than k items both lists end early. Every gain is
    above 0, and so is chance level: compare with the value of a random order.

    Raises ValueError for k < 1, shapes that don't fit or lists shorter than k and the items.
    """
    distances, depth = compute_distances(queries, items), min(validate_k(k), len(np.asarray(items)))
    gains = np.exp(-select_top_distances(distances, results, depth))
    ideal = np.exp(-np.sort(distances, axis=1)[:, :depth])
    discount = 1 / np.log2(np.arange(depth) + 2)
    return (gains * discount).sum(axis=1) / (ideal * discount).sum(axis=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class AffectFit:
    """Mean V-A distance of the first k results (q,), with its floor and its optimum."""

    result_distance: Floats
    random_distance: Floats  # expected for items drawn at random: the mean over all
    oracle_distance: Floats  # of the k nearest items

    @property
    def relative_gain(self) -> float:
        """Gain over random as a share of the oracle's: 0 random, 1 perfect; NaN where they coincide."""
        oracle_gain = self.random_distance.mean() - self.oracle_distance.mean()
        gain = self.random_distance.mean() - self.result_distance.mean()
        return float(gain / oracle_gain) if oracle_gain > 0 else float("nan")

    def __str__(self) -> str:
        means = (self.result_distance.mean(), self.random_distance.mean(), self.oracle_distance.mean())
        return "V-A distance {:.3f} (random {:.3f}, oracle {:.3f})".format(*means)


def compute_affect_fit(queries: npt.ArrayLike, items: npt.ArrayLike, results: Ints, k: int) -> AffectFit:
    """The mean V-A distance of the first k of results (q, >= k); arguments and errors as `ndcg`."""
    distances, depth = compute_distances(queries, items), min(validate_k(k), len(np.asarray(items)))
    oracle = np.sort(distances, axis=1)[:, :depth].mean(axis=1)
    return AffectFit(
        result_distance=select_top_distances(distances, results, depth).mean(axis=1),
        random_distance=distances.mean(axis=1),
        oracle_distance=oracle,
    )


def select_top_distances(distances: Floats, results: Ints, depth: int) -> Floats:
    """(q, depth) distances of the first `depth` results, else ValueError."""
    if results.ndim != 2 or len(results) != len(distances) or results.shape[1] < depth:
        raise ValueError(f"results must be ({len(distances)}, {depth} or more), not {results.shape}")
    return np.take_along_axis(distances, results[:, :depth], axis=1)


def compute_distances(queries: npt.ArrayLike, items: npt.ArrayLike) -> Floats:
    """(q, n) Euclidean distances of points (q, d) and (n, d), else ValueError."""
    a, b = np.asarray(queries, np.float64), np.asarray(items, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or 0 in (len(a), len(b)):
        raise ValueError(f"points must be (q, d) and (n, d), not {a.shape} and {b.shape}")
    squares = sum((a[:, None, axis] - b[None, :, axis]) ** 2 for axis in range(a.shape[1]))
    return np.sqrt(squares)


def is_constant(values: Floats) -> npt.NDArray[np.bool_]:
    """() or (d,) whether all of (n, ...) are equal, which rounding hides in a variance."""
    return np.asarray((values == values[0]).all(axis=0))


def divide_or_nan(numerator: Floats, denominator: Floats) -> Floats:
    """numerator / denominator, NaN where the denominator is 0."""
    return np.divide(
        numerator, denominator, out=np.full(np.shape(denominator), np.nan), where=np.asarray(denominator) > 0
    )


def validate_pair(predictions: npt.ArrayLike, targets: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Both as float64 of one shape (n,) or (n, d), else ValueError."""
    x, y = np.asarray(predictions, np.float64), np.asarray(targets, np.float64)
    if x.shape != y.shape or x.ndim not in (1, 2) or len(x) == 0:
        raise ValueError(f"two of one shape (n,) or (n, d) are needed, not {x.shape} and {y.shape}")
    return x, y
