import numpy as np
import pytest
import scipy.linalg
import scipy.spatial
from point_clouds import cloud, turn

from spaces.alignment import (
    compute_average_cosine,
)
from spaces.alignment.procrustes import (
    fit_orthogonal,
    fit_similarity,
    fit_z_score,
    run_procrustes,
    solve_rotation,
)


def disparity(aligned, source, target):
    scatter = ((target - target.mean(axis=0)) ** 2).sum()
    return ((aligned.transform(source) - target) ** 2).sum() / scatter


def test_direction_of_the_arguments():
    """R turns A onto B by A @ R: a quarter anticlockwise takes (1, 0) to (0, 1)."""
    a, b = np.array([[1.0, 0], [0, 2]]), np.array([[0.0, 1], [-2, 0]])
    found = fit_orthogonal(a, b)
    assert np.allclose(found.forward.weight, [[0, 1], [-1, 0]])
    assert np.allclose(found.forward.weight, scipy.linalg.orthogonal_procrustes(a, b)[0])
    assert found.notes == {"reflection": False, "degrees": pytest.approx(90)}
    assert np.allclose(found.transform([[1, 0]]), [[0, 1]])
    assert np.allclose(found.inverse_transform([[0, 1]]), [[1, 0]])


def test_the_report_s_cosine():
    assert compute_average_cosine(0.96) == pytest.approx(0.52)
    assert compute_average_cosine(0) == 1 and compute_average_cosine(1) == pytest.approx(0.5)


def test_the_report_s_procrustes_is_scipy_s():
    x, y = cloud(195), cloud(195, 1)
    found = run_procrustes(x, y)
    still, turned, m2 = scipy.spatial.procrustes(y, x)
    assert found.disparity == m2
    assert np.array_equal(found.source, turned) and np.array_equal(found.target, still)
    assert found.cosine == pytest.approx(1 - m2 / 2)
    # 10.4 gets from the distances to the same place: every vector of one length
    assert np.trace(found.target @ found.target.T) == pytest.approx(1)
    sine = np.sqrt(m2 / (4 * len(x)) * len(x))
    assert 1 - 2 * sine**2 == pytest.approx(found.cosine)


@pytest.mark.parametrize("seed", range(5))
def test_carried_to_its_own_anchors_it_has_scipy_s_disparity(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 3)) + 4
    found = fit_similarity(x, y)
    m2 = scipy.spatial.procrustes(y, x)[2]
    assert found.notes["disparity"] == pytest.approx(m2)
    assert disparity(found, x, y) == pytest.approx(m2)
    assert np.allclose(fit_orthogonal(x, y).forward.weight, scipy.linalg.orthogonal_procrustes(x, y)[0])


@pytest.mark.parametrize("reflect", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_no_angle_is_better(seed, reflect):
    """Brute force over angles, and over reflected ones where they are allowed."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(20, 2))
    y = x @ turn(rng.uniform(0, 360)) @ np.diag([1, rng.choice([-1, 1])]) + rng.normal(size=x.shape)
    found = fit_orthogonal(x, y, allow_reflection=reflect)
    tried = [turn(a) @ np.diag([1, s]) for a in np.arange(0, 360, 0.05) for s in (1, -1)[: 1 + reflect]]
    costs = [((x @ one - y) ** 2).sum() for one in tried]
    cost = ((found.transform(x) - y) ** 2).sum()
    assert cost <= min(costs) + 1e-9 and cost == pytest.approx(min(costs), rel=1e-5)
    assert np.allclose(found.forward.weight, tried[int(np.argmin(costs))], atol=1e-3)
    # with a shift and a scale beside it the best angle is that of the centred clouds
    whole = fit_similarity(x, y, allow_reflection=reflect)
    xc, yc = x - x.mean(0), y - y.mean(0)
    fits = [((xc @ one) * yc).sum() for one in tried]
    assert whole.notes["scale"] == pytest.approx(max(fits) / (xc**2).sum(), rel=1e-6)


def test_a_reflection_is_told_and_can_be_forbidden():
    x = cloud()
    y = x[:, ::-1]  # the axes swapped
    found, forbidden = fit_similarity(x, y), fit_similarity(x, y, allow_reflection=False)
    assert found.notes["reflection"] and disparity(found, x, y) == pytest.approx(0, abs=1e-12)
    assert not forbidden.notes["reflection"] and np.linalg.det(forbidden.forward.weight) > 0
    assert disparity(forbidden, x, y) > 0.1
    assert solve_rotation(np.eye(2), allow_reflection=False)[1] == pytest.approx(2)


def test_z_score_by_hand():
    found = fit_z_score([[0.0, 0], [2, 4]], [[1.0, 5], [2, 7]])
    assert np.allclose(found.transform([[1, 2], [2, 4]]), [[1.5, 6], [2, 7]])
