"""Rows in clusters, queries near them, and the contract of an index spelt out."""

import numpy as np

from encoders.base import unit_rows


def clustered(count=2000, dim=64, clusters=40, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, dim))
    return unit_rows(
        (centres[rng.integers(clusters, size=count)] + 0.6 * rng.standard_normal((count, dim))).astype("f4")
    )


ROWS = clustered()
QUERIES = unit_rows(ROWS[::100] + 0.05 * np.random.default_rng(1).standard_normal((20, 64)).astype("f4"))


def plain_search(rows, queries, k, alive=None):
    """The contract, spelt out for one query after the other."""
    places, scores = [], []
    for query in queries:
        scored = [
            (-np.float32(np.dot(row.astype(float), query.astype(float))), i) for i, row in enumerate(rows)
        ]
        scored = sorted(s for s in scored if not np.isnan(s[0]) and (alive is None or alive[s[1]]))[:k]
        short = k - len(scored)
        places.append([i for _, i in scored] + [-1] * short)
        scores.append([-s for s, _ in scored] + [-np.inf] * short)
    return np.array(places).reshape(-1, k), np.array(scores, np.float32).reshape(-1, k)


def same(found, want):
    return np.array_equal(found[0], want[0]) and np.array_equal(found[1], want[1])


def alike(found, want):
    """The same places; Annoy's float32 distances give similarities that differ in the last bits."""
    return np.array_equal(found[0], want[0]) and np.allclose(found[1], want[1], atol=1e-6)
