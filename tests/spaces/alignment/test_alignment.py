"""The maps between emotion spaces: goldens, agreement with scipy, known truths recovered, files."""

import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial
import torch

from encoders.base import AffectError
from losses.affect import mapping_loss
from spaces.alignment import (
    compute_average_cosine,
    fit_generalised_procrustes,
    load_map,
    make_closed_form_methods,
    make_learned_methods,
    save_map,
)
from spaces.alignment.learned import (
    DescentConfig,
    fit_joint_mapping,
    fit_joint_mappings,
    fit_network,
    fit_networks,
)
from spaces.alignment.linear import fit_affine, fit_kernel_ridge
from spaces.alignment.procrustes import (
    fit_orthogonal,
    fit_similarity,
    fit_z_score,
    run_procrustes,
    solve_rotation,
)
from spaces.alignment.steps import AffineMap, ChainedMap

LOSS = partial(mapping_loss, reduction="mean")
CLOSED = make_closed_form_methods()
METHODS = {**CLOSED, **make_learned_methods(LOSS)}
PAIRED = [name for name, method in METHODS.items() if method.kind != "none"]


def turn(degrees):
    """Rows times it are turned anticlockwise."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, sin], [-sin, cos]])


def cloud(n=80, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2)) * [0.4, 0.25] + [0.1, -0.2]


def bent(n=240, noise=0.1, seed=0):
    """A pair whose second axis follows the square of the first, which no linear map sees."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    y = np.stack([np.tanh(1.5 * x[:, 0]) + 0.7 * (x[:, 1] ** 2 - 1), x[:, 1] - 0.6 * x[:, 0] ** 2 + 0.6], 1)
    return 0.3 * x, 0.35 * y + noise * rng.normal(size=y.shape)


def disparity(aligned, source, target):
    scatter = ((target - target.mean(axis=0)) ** 2).sum()
    return ((aligned.transform(source) - target) ** 2).sum() / scatter


# goldens


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


# known truths


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


def test_z_score_by_hand():
    found = fit_z_score([[0.0, 0], [2, 4]], [[1.0, 5], [2, 7]])
    assert np.allclose(found.transform([[1, 2], [2, 4]]), [[1.5, 6], [2, 7]])


def test_affine_is_least_squares():
    x, y = bent()
    design = np.column_stack([x, np.ones(len(x))])
    weight = np.linalg.lstsq(design, y, rcond=None)[0]
    assert np.allclose(fit_affine(x, y).transform(x), design @ weight)


def test_kernel_ridge_is_the_textbook_s():
    x, y = bent(60)
    found = fit_kernel_ridge(x, y)
    z = (x - x.mean(0)) / x.std(0)
    gamma = found.notes["width"] / 2
    likeness = np.exp(-gamma * ((z[:, None] - z[None]) ** 2).sum(-1))
    dual = np.linalg.solve(likeness + found.notes["penalty"] * np.eye(60), y - y.mean(0))
    assert np.allclose(found.transform(x), likeness @ dual + y.mean(0), atol=1e-3)


def test_curved_maps_see_what_linear_ones_do_not():
    x, y = bent()
    new, truth = bent(400, seed=1)
    found = {name: disparity(METHODS[name].fit(x, y), new, truth) for name in PAIRED}
    curved = {name for name in PAIRED if METHODS[name].kind == "curved"}
    assert curved == {"kernel ridge", "learned mapping", "MLP"}
    assert max(found[name] for name in curved) < 0.5 * min(found[name] for name in set(PAIRED) - curved)


# what every map holds to


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
def test_kept_on_disk(name, tmp_path):
    x, y = bent(50)
    found = METHODS[name].fit(x, y)
    save_map(tmp_path / "map.safetensors", found, {"version": 3})
    again, about = load_map(tmp_path / "map.safetensors")
    assert about == {"version": 3} and again.name == name and again.notes == found.notes
    assert np.array_equal(again.transform(x), found.transform(x))
    assert np.array_equal(again.project_source(x), found.project_source(x))
    assert np.array_equal(again.project_target(y), found.project_target(y))
    assert (again.backward is None) == (found.backward is None)


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


def test_files_that_are_no_maps(tmp_path):
    file = tmp_path / "map.safetensors"
    for content in (b"", b"\x80\x04.", b"12345678{}"):
        file.write_bytes(content)
        with pytest.raises(AffectError, match="no map can be read"):
            load_map(file)
    with pytest.raises(AffectError, match="no map can be read"):
        load_map(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="not finite"):
        save_map(file, METHODS["identity"].fit(*bent(9)).__class__(
            name="x", forward=AffineMap(weight=np.array([[np.nan]]), bias=np.zeros(1))
        ))  # fmt: skip


def test_the_header_can_be_read_by_anyone(tmp_path):
    file = tmp_path / "map.safetensors"
    save_map(file, METHODS["procrustes"].fit(*bent(40)))
    content = file.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    notes = json.loads(header["__metadata__"]["map"])
    assert notes["steps"]["across"] == ["affine"] and notes["notes"].keys() >= {"reflection", "scale"}


def test_listing_the_maps_loads_nothing_heavy():
    code = (
        "import sys, spaces.alignment as a; a.make_closed_form_methods(); "
        "print([n for n in ('torch', 'sklearn') if n in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


# generalised Procrustes


def test_several_senses_meet_in_one():
    x = cloud()
    clouds = [x, 2 * x @ turn(40) + 1, 0.5 * x[:, ::-1] - [3, 0]]
    found = fit_generalised_procrustes(clouds)
    assert found.disparity < 1e-10
    assert [one.notes["reflection"] for one in found.maps].count(True) in (1, 2)
    for one, points in zip(found.maps, clouds, strict=True):
        assert np.allclose(one.transform(points), found.consensus, atol=1e-5)
        assert np.allclose(one.inverse_transform(one.transform(points)), points)
    assert np.allclose(found.compose_map(1, 2).transform(clouds[1]), clouds[2], atol=1e-5)


def test_two_senses_are_procrustes():
    """With two clouds the consensus is half-way: its disparity follows from scipy's M^2."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
    m2 = scipy.spatial.procrustes(x, y)[2]
    # unit clouds with inner product c = sqrt(1 - M^2): scatter about their mean is (1 - c) / 2 of all
    assert fit_generalised_procrustes([x, y]).disparity == pytest.approx((1 - np.sqrt(1 - m2)) / 2, rel=1e-6)


def test_generalised_is_a_minimum():
    rng = np.random.default_rng(1)
    clouds = [cloud() @ turn(a) + 0.1 * rng.normal(size=(80, 2)) for a in (0, 70, 200)]
    found = fit_generalised_procrustes(clouds, allow_reflection=False)
    placed = np.stack([one.transform(points) for one, points in zip(found.maps, clouds, strict=True)])
    least = ((placed - placed.mean(0)) ** 2).sum()
    for degrees in (-2, 2):
        moved = placed.copy()
        moved[1] = moved[1] @ turn(degrees)
        assert ((moved - moved.mean(0)) ** 2).sum() > least


def test_generalised_leaves_out_what_is_not_whole():
    clouds = [cloud(), cloud() @ turn(30)]
    holed = [clouds[0].copy(), clouds[1].copy()]
    holed[0][4], holed[1][9] = np.nan, np.nan
    assert len(fit_generalised_procrustes(holed).consensus) == 78
    for bad in ([clouds[0]], [clouds[0], clouds[1][:5]], [clouds[0], np.ones_like(clouds[0])]):
        with pytest.raises(ValueError, match=r"two or more|does not vary"):
            fit_generalised_procrustes(bad)


# the report's learned mapping


def nonlinear_share(aligned, points):
    """How much of the variance of a2 no affine map of a1 gives."""
    out = aligned.project_source(points)
    design = np.column_stack([points, np.ones(len(points))])
    left = out - design @ np.linalg.lstsq(design, out, rcond=None)[0]
    return left.var(axis=0).sum() / out.var(axis=0).sum()


@pytest.mark.slow
def test_without_the_keeping_terms_it_collapses():
    x, y = bent(noise=0.15)
    whole = fit_joint_mapping(x, y, loss=LOSS)
    alone = fit_joint_mapping(
        x, y, loss=partial(LOSS, audio_weight=0, image_weight=0), config=DescentConfig(steps=500)
    )
    assert 0.8 < whole.spread < 1.05
    assert alone.spread < 0.1 * whole.spread
    assert whole.losses[-1] < whole.losses[0]


def test_origins_without_bound_collapse_as_well():
    """What the report does not say: free f1 and f2 run into the point together with the rest."""
    x, y = bent(noise=0.15)
    assert fit_joint_mapping(x, y, loss=LOSS, origins="free", config=DescentConfig(steps=500)).spread < 0.1


@pytest.mark.slow
def test_with_linear_origins_it_is_a_linear_map():
    x, y = bent(noise=0.15)
    linear = fit_joint_mapping(x, y, loss=LOSS, config=DescentConfig(hidden_units=0))
    assert nonlinear_share(linear.mapping, x) < 1e-9
    assert disparity(linear.mapping, x, y) > 0.98 * disparity(fit_affine(x, y), x, y)
    # linear f1 and f2 alone do so as far as they are kept to: A2 and I2 may still bend
    held = fit_joint_mapping(x, y, loss=partial(LOSS, audio_weight=30, image_weight=30), linear_origins=True)
    assert nonlinear_share(held.mapping, x) < 0.01
    assert nonlinear_share(fit_joint_mapping(x, y, loss=LOSS).mapping, x) > 0.2


def test_without_origins_it_goes_to_the_mean():
    """With the readings in place of f1 and f2, a2 lies between a1 and what a1 tells of i1."""
    x, y = bent(noise=0.15)
    found = fit_joint_mapping(
        x, y, loss=LOSS, origins="none", config=DescentConfig(hidden_units=0, steps=400)
    ).mapping
    zx, zy = (x - x.mean(0)) / x.std(0), (y - y.mean(0)) / y.std(0)
    cross = zx.T @ zy / len(zx)
    # both linear: a2 = zx A, i2 = zy B with 2 A - Cxx^-1 Cxy B = I and 2 B - Cyy^-1 Cyx A = I
    one, other = np.linalg.solve(zx.T @ zx / len(zx), cross), np.linalg.solve(zy.T @ zy / len(zy), cross.T)
    wanted = np.linalg.solve(4 * np.eye(2) - one @ other, 2 * np.eye(2) + one)
    assert np.allclose(found.project_source(x), zx @ wanted, atol=0.02)


@pytest.mark.slow
def test_both_models_can_be_learnt_from_features():
    """Poor readings of rich features: what is shared comes back when A2 and I2 see the features."""
    rng = np.random.default_rng(0)
    mood = rng.normal(size=(300, 2))
    voice = mood @ rng.normal(size=(2, 8)) + 0.3 * rng.normal(size=(300, 8))
    face = mood @ rng.normal(size=(2, 6)) + 0.3 * rng.normal(size=(300, 6))
    poor = mood + rng.normal(size=(300, 2)), mood + rng.normal(size=(300, 2))
    blind = fit_joint_mapping(poor[0][:200], poor[1][:200], loss=LOSS).mapping
    seeing = fit_joint_mapping(
        poor[0][:200], poor[1][:200], loss=LOSS, inputs=(voice[:200], face[:200])
    ).mapping

    def apart(aligned, one, other):
        a2, i2 = aligned.project_source(one), aligned.project_target(other)
        return ((a2 - i2) ** 2).sum() / ((i2 - i2.mean(0)) ** 2).sum()

    assert apart(seeing, voice[200:], face[200:]) < 0.5 * apart(blind, poor[0][200:], poor[1][200:])
    with pytest.raises(ValueError, match="one row for every"):
        fit_joint_mapping(*poor, loss=LOSS, inputs=(voice[:10], None))


def test_copies_come_out_as_they_would_alone():
    pairs = [bent(40, seed=seed) for seed in range(3)]
    short = DescentConfig(steps=40)
    sources, targets = zip(*pairs, strict=True)
    together = fit_joint_mappings(sources, targets, loss=LOSS, config=short)
    nets = fit_networks(sources, targets, config=short)
    for (x, y), both, net in zip(pairs, together, nets, strict=True):
        alone = fit_joint_mapping(x, y, loss=LOSS, config=short)
        assert np.allclose(both.mapping.transform(x), alone.mapping.transform(x), atol=1e-3)
        assert np.allclose(net.transform(x), fit_network(x, y, config=short).transform(x), atol=1e-3)
    with pytest.raises(ValueError, match="one shape"):
        fit_networks([pairs[0][0], pairs[1][0][:9]], [pairs[0][1], pairs[1][1][:9]])


def test_training_leaves_torch_s_random_state_alone():
    torch.manual_seed(3)
    before = torch.rand(1)
    torch.manual_seed(3)
    fit_joint_mapping(*bent(20), loss=LOSS, config=DescentConfig(steps=2))
    assert torch.equal(torch.rand(1), before)


def test_steps_that_can_not_be():
    for bad in ({"hidden_units": -1}, {"steps": 0}, {"learning_rate": 0}, {"weight_decay": -1}):
        with pytest.raises(ValueError, match="hidden and decay"):
            DescentConfig(**bad)


def test_a_chain_of_affine_steps_is_one():
    one, other = AffineMap(weight=turn(20), bias=np.ones(2)), AffineMap(weight=2 * turn(9), bias=np.zeros(2))
    x = cloud()
    assert np.allclose(ChainedMap(steps=(one, other))(x), one.then(other)(x))
