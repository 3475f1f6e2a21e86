import numpy as np
from point_clouds import bent

from spaces.alignment.linear import fit_affine, fit_kernel_ridge


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
