import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from point_clouds import bent, cloud, turn

from losses.affect import mapping_loss
from spaces.alignment import (
    make_closed_form_methods,
    make_learned_methods,
)
from spaces.alignment.linear import fit_affine
from spaces.alignment.steps import AffineMap

LOSS = partial(mapping_loss, reduction="mean")
CLOSED = make_closed_form_methods()
METHODS = {**CLOSED, **make_learned_methods(LOSS)}
PAIRED = [name for name, method in METHODS.items() if method.kind != "none"]


def disparity(aligned, source, target):
    scatter = ((target - target.mean(axis=0)) ** 2).sum()
    return ((aligned.transform(source) - target) ** 2).sum() / scatter


@pytest.mark.parametrize("name", [name for name in PAIRED if name not in ("rotation", "orthogonal")])
def test_a_known_similarity_is_recovered(name):
    x, new = cloud(), cloud(50, 1)
    truth = AffineMap(weight=1.3 * turn(50), bias=np.array([0.1, -0.2]))
    found = METHODS[name].fit(x, truth(x))
    exact = 1e-6 if name in ("similarity", "procrustes", "affine", "CCA", "PLS") else 0.2
    assert np.abs(found.transform(new) - truth(new)).max() < exact
    assert disparity(found, new, truth(new)) < 0.01


@pytest.mark.parametrize("name", ["rotation", "orthogonal"])
@pytest.mark.parametrize("degrees", [0.0, 37, -120, 180])
def test_a_known_rotation_is_recovered(name, degrees):
    x = cloud()
    found = METHODS[name].fit(x, x @ turn(degrees))
    assert np.abs(found.forward.weight - turn(degrees)).max() < 1e-6
    assert np.cos(np.radians(found.notes["degrees"] - degrees)) == pytest.approx(1)


def test_curved_maps_see_what_linear_ones_do_not():
    x, y = bent()
    new, truth = bent(400, seed=1)
    found = {name: disparity(METHODS[name].fit(x, y), new, truth) for name in PAIRED}
    curved = {name for name in PAIRED if METHODS[name].kind == "curved"}
    assert curved == {"kernel ridge", "learned mapping", "MLP"}
    assert max(found[name] for name in curved) < 0.5 * min(found[name] for name in set(PAIRED) - curved)


@pytest.mark.parametrize("name", METHODS)
def test_missing_readings_stay_missing_and_teach_nothing(name):
    x, y = bent(60)
    gap_x, gap_y = x.copy(), y.copy()
    gap_x[3], gap_y[[7, 8], 1] = np.nan, np.nan
    kept = np.setdiff1d(np.arange(60), [3, 7, 8])
    found, clean = METHODS[name].fit(gap_x, gap_y), METHODS[name].fit(x[kept], y[kept])
    out = found.transform(gap_x)
    assert np.isnan(out[3]).all() and np.isfinite(np.delete(out, 3, 0)).all()
    assert np.allclose(out[kept], clean.transform(x[kept]))
    assert np.isnan(found.project_source(gap_x)[3]).all() and np.isnan(found.project_target(gap_y)[7]).any()


@pytest.mark.parametrize("name", METHODS)
def test_inverses_undo(name):
    x, y = bent(50)
    found = METHODS[name].fit(x, y)
    if METHODS[name].kind == "curved":
        with pytest.raises(ValueError, match=f"{name} can't be inverted"):
            found.inverse_transform(y)
    else:
        assert np.allclose(found.inverse_transform(found.transform(x)), x)


@pytest.mark.parametrize("name", METHODS)
def test_blocks_of_two_widths(name):
    """Seven and three columns that share a plane, more of it than of anything else."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(90, 2)) * [2, 1]
    x = plane @ rng.normal(size=(2, 7)) + 0.1 * rng.normal(size=(90, 7))
    y = plane @ rng.normal(size=(2, 3)) + 0.1 * rng.normal(size=(90, 3))
    found = METHODS[name].fit(x[:60], y[:60])
    assert found.transform(x[60:]).shape == (30, 3)
    assert found.project_source(x).shape == found.project_target(y).shape
    if METHODS[name].kind != "none" and name not in ("rotation", "orthogonal"):  # which do not scale
        assert disparity(found, x[60:], y[60:]) < (0.8 if METHODS[name].needs_equal_widths else 0.1)


def test_anchors_that_do_not_serve():
    for bad in (
        ([[1, 2]], np.zeros((3, 2))),
        (np.zeros(4), np.zeros(4)),
        ([[np.nan, 1]] * 3, np.zeros((3, 2))),
    ):
        with pytest.raises(ValueError, match=r"pair|points must be|complete pairs"):
            fit_affine(*bad)
    with pytest.raises(ValueError, match="finite"):
        fit_affine([[np.inf], [1]], [[1], [2]])
    with pytest.raises(ValueError, match=r"points must be \(n, 2\)"):
        fit_affine(*bent(20)).transform(np.zeros((4, 3)))


def test_a_cloud_that_does_not_vary():
    """A dead model's readings: nothing is divided by zero, and the answer is the mean."""
    x, y = np.full((20, 2), 0.3), cloud(20)
    for name in ("z-score", "similarity", "procrustes", "affine", "ridge", "kernel ridge"):
        out = METHODS[name].fit(x, y).transform(x)
        assert np.allclose(out, y.mean(axis=0)), name


def test_listing_the_maps_loads_nothing_heavy():
    code = (
        "import sys, spaces.alignment as a; a.make_closed_form_methods(); "
        "print([n for n in ('torch', 'sklearn') if n in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
