import numpy as np
from point_clouds import cloud, turn

from spaces.alignment.steps import AffineMap, ChainedMap


def test_a_chain_of_affine_steps_is_one():
    one, other = AffineMap(weight=turn(20), bias=np.ones(2)), AffineMap(weight=2 * turn(9), bias=np.zeros(2))
    x = cloud()
    assert np.allclose(ChainedMap(steps=(one, other))(x), one.then(other)(x))
