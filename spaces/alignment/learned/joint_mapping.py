"""The circumplex report's joint mapping (section 9.2): two modalities' models trained to agree (torch)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spaces.alignment.learned.gradient_descent import DEFAULT_DESCENT, DescentConfig, minimise
from spaces.alignment.learned.network_batch import NetworkBatch
from spaces.alignment.learned.standardised_points import (
    OptionalPoints,
    StandardisedPoints,
    compute_initial_weights,
    standardise_pairs,
)
from spaces.alignment.linear import fit_least_squares
from spaces.alignment.steps import AlignmentMap, ChainedMap, Floats

JointLoss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(a2, i2, f1(a1), f2(i1)), each (n, d), to their mean loss (), such as `losses.affect.mapping_loss`."""

OriginMode = Literal["bounded", "free", "none"]

COVARIANCE_JITTER = 1e-4  # added to a covariance's diagonal in training, where variances are near 1


@dataclass(frozen=True, kw_only=True, eq=False)
class JointMapping:
    """A trained joint mapping, and how to see whether it collapsed.

    spread: root mean square standard deviation of a2 and i2 on the anchors; bounded f1 and f2 have 1
    losses: (steps,) the minimised loss, over all copies trained together
    """

    mapping: AlignmentMap
    spread: float
    losses: Floats


def fit_joint_mapping(
    source: npt.ArrayLike, target: npt.ArrayLike, *, loss: JointLoss,
    inputs: tuple[npt.ArrayLike | None, npt.ArrayLike | None] = (None, None), origins: OriginMode = "bounded",
    linear_origins: bool = False, config: DescentConfig = DEFAULT_DESCENT, seed: int = 0,
) -> JointMapping:  # fmt: skip
    """The report's mapping of predictions a1 = source (n, p) and i1 = target (n, q).

    Both models are trained again, a2 = A2(inputs) and i2 = I2(inputs), together with f1(a1) and f2(i1), to
    minimise the loss. Both map into min(p, q) dimensions. Forward, a2 is calibrated to i2 by least squares,
    and a network trained beside them, without influence on them, leads from i2 back to i1.

    inputs:  (n, ...) inputs of A2 and I2, by default a1 and i1; the map then takes such rows
    origins: "bounded" holds f1 and f2 to mean 0 and unit covariance over the anchors, as Breiman & Friedman
             (1985) do, since f1 and f2 could collapse into one point with all the rest; "free" does not;
             "none" takes the standardised a1 and i1 in their place
    linear_origins: f1 and f2 without a hidden layer; with `config.hidden_units` 0 everything is linear

    Raises ValueError as `select_complete_pairs` does, and for "none" with two different widths.
    """
    lifted = tuple(None if rows is None else [rows] for rows in inputs)
    return fit_joint_mappings(
        [source], [target], loss=loss, inputs=(lifted[0], lifted[1]), origins=origins,
        linear_origins=linear_origins, config=config, seed=seed,
    )[0]  # fmt: skip


def fit_joint_mappings(
    sources: Sequence[npt.ArrayLike],
    targets: Sequence[npt.ArrayLike],
    *,
    loss: JointLoss,
    inputs: OptionalPoints = (None, None),
    origins: OriginMode = "bounded",
    linear_origins: bool = False,
    config: DescentConfig = DEFAULT_DESCENT,
    seed: int = 0,
) -> list[JointMapping]:
    """`fit_joint_mapping` of several sets of anchors, all of one shape once incomplete pairs are left out."""
    origin_units = 0 if linear_origins else config.hidden_units
    points, model_inputs = standardise_pairs(sources, targets, inputs)
    networks = _make_networks(points, model_inputs, origins, origin_units, config, seed)
    x = [torch.from_numpy(side.standardised) for side in model_inputs]
    a1, i1 = (torch.from_numpy(side.standardised) for side in points)

    def compute_losses() -> tuple[Tensor, Tensor]:
        a2, i2 = (model(rows) for model, rows in zip(networks.models, x, strict=True))
        f1, f2 = networks.compute_origins((a1, i1), origins)
        main_loss = loss(*(rows.flatten(0, 1) for rows in (a2, i2, f1, f2)))
        return main_loss, (networks.inverse(i2.detach()) - i1).square().mean()

    losses = minimise(compute_losses, networks.list_trained(origins), config, len(a1))
    return [_make_joint_mapping(at, points, model_inputs, networks, losses) for at in range(len(a1))]


@dataclass(frozen=True, kw_only=True, eq=False)
class _JointNetworks:
    """A2 and I2, f1 and f2, and the network from i2 back to i1."""

    models: list[NetworkBatch]
    origin_maps: list[NetworkBatch]
    inverse: NetworkBatch

    def compute_origins(self, predictions: tuple[Tensor, Tensor], origins: OriginMode) -> list[Tensor]:
        """f1(a1) and f2(i1), each (b, n, k)."""
        if origins == "none":
            return list(predictions)
        mapped = [network(rows) for network, rows in zip(self.origin_maps, predictions, strict=True)]
        return [_whiten(rows) for rows in mapped] if origins == "bounded" else mapped

    def list_trained(self, origins: OriginMode) -> list[NetworkBatch]:
        return [*self.models, *([] if origins == "none" else self.origin_maps), self.inverse]


def _make_networks(
    points: list[StandardisedPoints],
    model_inputs: list[StandardisedPoints],
    origins: OriginMode,
    origin_units: int,
    config: DescentConfig,
    seed: int,
) -> _JointNetworks:
    """Networks that start from the linear solution. Raises ValueError for "none" with two widths."""
    widths = [side.rows.shape[2] for side in points]
    if origins == "none" and widths[0] != widths[1]:
        raise ValueError(f"readings taken as they are need one width, not {widths[0]} and {widths[1]}")
    starts = compute_initial_weights(points[0].standardised, points[1].standardised)
    if origins == "none":
        identity = np.broadcast_to(np.eye(widths[0], dtype=np.float32), starts[0].shape)
        starts = identity, identity
    units = config.hidden_units
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        models = [
            NetworkBatch(rows.solve_ridge(own) @ start, units)
            for rows, own, start in zip(model_inputs, points, starts, strict=True)
        ]
        origin_maps = [NetworkBatch(start, origin_units) for start in starts]
        zeros = np.zeros((len(starts[1]), starts[1].shape[2], widths[1]), np.float32)
        return _JointNetworks(models=models, origin_maps=origin_maps, inverse=NetworkBatch(zeros, units))


def _whiten(rows: Tensor) -> Tensor:
    """Rows (b, n, d) with mean 0 and unit covariance over n."""
    centred = rows - rows.mean(1, keepdim=True)
    covariance = centred.transpose(1, 2) @ centred / rows.shape[1]
    root = torch.linalg.cholesky(covariance + COVARIANCE_JITTER * torch.eye(rows.shape[2]))
    return torch.linalg.solve_triangular(root, centred.transpose(1, 2), upper=False).transpose(1, 2)


def _make_joint_mapping(
    copy_index: int,
    points: list[StandardisedPoints],
    model_inputs: list[StandardisedPoints],
    networks: _JointNetworks,
    losses: Floats,
) -> JointMapping:
    models = [
        model.to_network(copy_index, side) for model, side in zip(networks.models, model_inputs, strict=True)
    ]
    a2, i2 = (model(side.rows[copy_index]) for model, side in zip(models, model_inputs, strict=True))
    forward = ChainedMap(
        steps=(
            models[0],
            fit_least_squares(a2, i2),
            networks.inverse.to_unscaled_network(copy_index),
            points[1].make_inverse_standardiser(copy_index),
        )
    )
    spread = float(np.sqrt(np.mean([a2.var(axis=0), i2.var(axis=0)])))
    mapping = AlignmentMap(
        name="learned mapping",
        forward=forward,
        source_to_common=models[0],
        target_to_common=models[1],
        notes={"spread": spread},
    )
    return JointMapping(mapping=mapping, spread=spread, losses=losses)
