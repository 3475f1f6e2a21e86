"""How well moods are told and found again: agreement on the plane, same emotion, graded retrieval.

Points are (valence, arousal) rows (n, 2), or any dimensions. Lists of results hold item numbers, best first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval.vector_index.topk import validate_k

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def ccc(found: npt.ArrayLike, truth: npt.ArrayLike) -> Floats:
    """() or (d,) CCC of two (n,) or (n, d): 2 cov / (var_x + var_y + (mean_x - mean_y)^2) (Lin 1989).

    Population variance, over the concatenated test set. NaN where both are one and the same constant (0/0).
    Raises ValueError unless both have one shape and n > 0.
    """
    x, y = checked_pair(found, truth)
    above = 2 * np.mean((x - x.mean(0)) * (y - y.mean(0)), axis=0)
    below = x.var(0) + y.var(0) + (x.mean(0) - y.mean(0)) ** 2
    return ratio(above, np.where(constant(x) & constant(y) & (x[0] == y[0]), 0, below))


def pearson(found: npt.ArrayLike, truth: npt.ArrayLike) -> Floats:
    """() or (d,) correlation r of two (n,) or (n, d); NaN where one is constant. Raises as `ccc` does."""
    x, y = checked_pair(found, truth)
    above = np.mean((x - x.mean(0)) * (y - y.mean(0)), axis=0)
    return ratio(above, np.where(constant(x) | constant(y), 0, x.std(0) * y.std(0)))


def rmse(found: npt.ArrayLike, truth: npt.ArrayLike) -> Floats:
    """() or (d,) root mean squared error of two (n,) or (n, d), in their units. Raises as `ccc` does."""
    x, y = checked_pair(found, truth)
    return np.sqrt(np.mean((x - y) ** 2, axis=0))


def ordered(similarity: npt.NDArray[np.floating], k: int | None = None) -> Ints:
    """(q, k) item numbers, best first, of similarities (q, n): by (-similarity, number), NaN last.

    Number the items by id and this is the project's order. Raises ValueError for k < 1.
    """
    depth = similarity.shape[1] if k is None else validate_k(k)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :depth]


def per_label(values: npt.ArrayLike, labels: npt.ArrayLike) -> dict[str, float]:
    """The mean of (q,) values for each of (q,) labels; its mean is the macro average, that of all the micro.

    Raises ValueError without values or for labels that don't fit.
    """
    told, names = np.asarray(values, np.float64), np.asarray(labels)
    if told.ndim != 1 or told.shape != names.shape or told.size == 0:
        raise ValueError(f"values (q,) and labels (q,) do not fit: {told.shape}, {names.shape}")
    return {str(name): float(told[names == name].mean()) for name in np.unique(names)}


def ndcg(queries: npt.ArrayLike, items: npt.ArrayLike, results: Ints, k: int) -> Floats:
    """(q,) nDCG@k, 0 to 1, of results (q, >= k) with gain exp(-||va_q - va_d||) (Järvelin, Kekäläinen 2002).

    `queries` (q, d) and `items` (n, d) are points, results item numbers. The discount is log2(place + 1); the
    ideal order is that of all items by distance. With fewer than k items both lists end early. As every gain
    is above 0, so is chance: read it beside the value of a random order.

    Raises ValueError for k < 1, shapes that don't fit or lists shorter than k and the items.
    """
    far, depth = distances(queries, items), min(validate_k(k), len(np.asarray(items)))
    gains = np.exp(-top(far, results, depth))
    ideal = np.exp(-np.sort(far, axis=1)[:, :depth])
    discount = 1 / np.log2(np.arange(depth) + 2)
    return (gains * discount).sum(axis=1) / (ideal * discount).sum(axis=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class MoodFit:
    """Mean distance of the first k results on the plane (q,), and what to hold it against."""

    found: Floats
    floor: Floats  # of items drawn at random: the mean over all
    oracle: Floats  # of the k nearest

    @property
    def share(self) -> float:
        """How much of the way from the floor to the oracle: 0 random, 1 perfect; NaN where they coincide."""
        way = self.floor.mean() - self.oracle.mean()
        return float((self.floor.mean() - self.found.mean()) / way) if way > 0 else float("nan")

    def __str__(self) -> str:
        told = (self.found.mean(), self.floor.mean(), self.oracle.mean())
        return "V-A distance {:.3f} (random {:.3f}, oracle {:.3f})".format(*told)


def mood_fit(queries: npt.ArrayLike, items: npt.ArrayLike, results: Ints, k: int) -> MoodFit:
    """The mean V-A distance of the first k of results (q, >= k); arguments and errors as `ndcg`."""
    far, depth = distances(queries, items), min(validate_k(k), len(np.asarray(items)))
    oracle = np.sort(far, axis=1)[:, :depth].mean(axis=1)
    return MoodFit(found=top(far, results, depth).mean(axis=1), floor=far.mean(axis=1), oracle=oracle)


def top(far: Floats, results: Ints, depth: int) -> Floats:
    """(q, depth) distances of the first `depth` results, else ValueError."""
    if results.ndim != 2 or len(results) != len(far) or results.shape[1] < depth:
        raise ValueError(f"results must be ({len(far)}, {depth} or more), not {results.shape}")
    return np.take_along_axis(far, results[:, :depth], axis=1)


def distances(queries: npt.ArrayLike, items: npt.ArrayLike) -> Floats:
    """(q, n) Euclidean distances of points (q, d) and (n, d), else ValueError."""
    one, other = np.asarray(queries, np.float64), np.asarray(items, np.float64)
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1] or 0 in (len(one), len(other)):
        raise ValueError(f"points must be (q, d) and (n, d), not {one.shape} and {other.shape}")
    squares = sum((one[:, None, axis] - other[None, :, axis]) ** 2 for axis in range(one.shape[1]))
    return np.sqrt(squares)


def constant(values: Floats) -> npt.NDArray[np.bool_]:
    """() or (d,) whether all of (n, ...) are one number; a variance would be a hair above 0."""
    return np.asarray((values == values[0]).all(axis=0))


def ratio(above: Floats, below: Floats) -> Floats:
    """above / below, NaN where below is 0."""
    return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=np.asarray(below) > 0)


def checked_pair(found: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Both as float64 of one shape (n,) or (n, d), else ValueError."""
    x, y = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    if x.shape != y.shape or x.ndim not in (1, 2) or len(x) == 0:
        raise ValueError(f"two of one shape (n,) or (n, d) are needed, not {x.shape} and {y.shape}")
    return x, y
