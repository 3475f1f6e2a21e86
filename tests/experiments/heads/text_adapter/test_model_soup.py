"""The mean of adapters."""

import numpy as np

from experiments.heads.text_adapter.model_soup import make_model_soup


def test_a_soup_changes_a_layer_by_the_mean_of_what_its_members_change():
    rng = np.random.default_rng(0)
    shapes = {"one.down": (2, 9), "one.up": (7, 2), "head.weight": (2, 4), "head.bias": (2,)}
    members = [
        {name: rng.normal(size=size).astype(np.float32) for name, size in shapes.items()} for _ in range(3)
    ]
    wanted = np.mean([one["one.up"] @ one["one.down"] for one in members], axis=0)
    whole = make_model_soup(members, 6)
    assert (whole["one.down"].shape, whole["one.up"].shape) == ((6, 9), (7, 6))
    np.testing.assert_allclose(whole["one.up"] @ whole["one.down"], wanted, atol=1e-5)
    np.testing.assert_allclose(whole["head.bias"], np.mean([one["head.bias"] for one in members], axis=0))
    nearest = make_model_soup(members, 2)
    left, values, right = np.linalg.svd(wanted, full_matrices=False)
    np.testing.assert_allclose(
        nearest["one.up"] @ nearest["one.down"], (left * [*values[:2], 0, 0, 0, 0, 0]) @ right, atol=1e-5
    )
