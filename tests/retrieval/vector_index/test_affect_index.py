"""The index of the mood plane finds exactly what a comparison with every estimate finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retrieval.vector_index import affect_index
from retrieval.vector_index.affect_index import AffectIndex

VALUES = st.sampled_from([-1.0, -0.5, 0.0, 0.1, 0.5, 1.0])
SDS = st.sampled_from([0.0, 0.1, 0.3, 1.0])


def compute_affinities(rows, target):
    """The expected exp(-distance^2), by its formula."""
    widths = 1 + 2 * rows[:, 2:] ** 2
    return np.prod(np.exp(-((rows[:, :2] - target) ** 2) / widths) / np.sqrt(widths), axis=1)


def find_by_comparison(rows, target, k):
    """The k best and all that tie with the last of them."""
    affinities = compute_affinities(rows, np.asarray(target))
    order = np.argsort(-np.nan_to_num(affinities, nan=-1), kind="stable")[:k]
    order = order[~np.isnan(affinities[order])]
    if not len(order):
        return []
    return np.flatnonzero(affinities >= affinities[order[-1]] * (1 - 1e-12)).tolist()


@pytest.mark.parametrize("size", [1, 2, 64])
@given(
    points=arrays(float, st.tuples(st.integers(0, 40), st.just(2)), elements=VALUES),
    sds=arrays(float, (40, 2), elements=SDS),
    target=st.tuples(VALUES, VALUES),
    k=st.integers(1, 50),
)
def test_it_is_exact_with_ties(size, points, sds, target, k):
    rows = np.concatenate([points, sds[: len(points)]], axis=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(affect_index, "LEAF_SIZE", size)
        patched.setattr(affect_index, "GROUP_SIZE", size)
        assert AffectIndex(rows).find_nearest(target, k).tolist() == find_by_comparison(rows, target, k)


@pytest.mark.parametrize("k", [1, 10, 500])
def test_many_points_of_unequal_uncertainty(k):
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(0, 0.4, (20_000, 2)), rng.uniform(0.05, 0.9, (20_000, 2))], axis=1)
    rows[::7] = np.nan
    index = AffectIndex(rows)
    for target in ([0, 0], [0.9, -0.9], [-3, 3]):
        assert index.find_nearest(target, k).tolist() == find_by_comparison(rows, target, k)


def test_no_points_at_all():
    assert AffectIndex(np.full((3, 4), np.nan)).find_nearest((0, 0), 5).tolist() == []
    assert AffectIndex(np.empty((0, 4))).find_nearest((0, 0), 5).tolist() == []
