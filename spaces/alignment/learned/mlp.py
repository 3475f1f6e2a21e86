"""A small network from one modality's points to the other's, by least squares (torch)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt
import torch

from spaces.alignment.learned.gradient_descent import DEFAULT_DESCENT, DescentConfig, minimise
from spaces.alignment.learned.network_batch import NetworkBatch
from spaces.alignment.learned.standardised_points import standardise_pairs
from spaces.alignment.steps import AlignmentMap, ChainedMap


def fit_network(
    source: npt.ArrayLike, target: npt.ArrayLike, *, config: DescentConfig = DEFAULT_DESCENT, seed: int = 0
) -> AlignmentMap:
    """A map from source (n, p) to target (n, q). Raises ValueError as `select_complete_pairs` does."""
    return fit_networks([source], [target], config=config, seed=seed)[0]


def fit_networks(
    sources: Sequence[npt.ArrayLike],
    targets: Sequence[npt.ArrayLike],
    *,
    config: DescentConfig = DEFAULT_DESCENT,
    seed: int = 0,
) -> list[AlignmentMap]:
    """`fit_network` of several sets of anchors, all of one shape once incomplete pairs are left out."""
    (source, target), _ = standardise_pairs(sources, targets, (None, None))
    inputs, goals = torch.from_numpy(source.standardised), torch.from_numpy(target.standardised)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = NetworkBatch(source.solve_ridge(target), config.hidden_units)
    minimise(
        lambda: ((network(inputs) - goals).square().mean(), torch.zeros(())), [network], config, len(goals)
    )
    return [
        AlignmentMap(
            name="MLP",
            forward=ChainedMap(steps=(network.to_network(at, source), target.make_inverse_standardiser(at))),
        )
        for at in range(len(goals))
    ]
