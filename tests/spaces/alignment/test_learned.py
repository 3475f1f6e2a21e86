from functools import partial

import numpy as np
import pytest
import torch
from point_clouds import bent

from losses.affect import mapping_loss
from spaces.alignment.learned import (
    DescentConfig,
    fit_joint_mapping,
    fit_joint_mappings,
    fit_network,
    fit_networks,
)
from spaces.alignment.linear import fit_affine

LOSS = partial(mapping_loss, reduction="mean")


def disparity(aligned, source, target):
    scatter = ((target - target.mean(axis=0)) ** 2).sum()
    return ((aligned.transform(source) - target) ** 2).sum() / scatter


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
