"""Maps learnt by gradient steps: the circumplex report's joint mapping (section 9.2), and a small network.

Many copies are trained at once, each on anchors of its own: shuffles of the pairs, draws of a learning curve.
All begin alike, so that a copy comes out as it would alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from spaces.alignment.linear import fit_least_squares
from spaces.alignment.steps import (
    AffineMap,
    AlignmentMap,
    ChainedMap,
    Floats,
    NetworkMap,
    compute_scale,
    select_complete_pairs,
)

JointLoss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(a2, i2, f1(a1), f2(i1)), each (n, d), to their mean cost, such as `losses.affect.mapping_loss`."""

OriginMode = Literal["bounded", "free", "none"]
Float32Points = npt.NDArray[np.float32]

MIN_RELATIVE_EIGENVALUE = 1e-3  # of a covariance's largest eigenvalue: what varies less is not blown up to 1
COVARIANCE_JITTER = 1e-4  # added to a covariance's diagonal in training, where all have variances near 1


@dataclass(frozen=True, kw_only=True)
class DescentConfig:
    """How to train. hidden: units of a network, 0 for linear; decay: of the hidden layers' weights."""

    hidden_units: int = 16
    steps: int = 250
    learning_rate: float = 0.02
    weight_decay: float = 1e-3

    def __post_init__(self) -> None:
        if self.hidden_units < 0 or self.steps < 1 or not self.learning_rate > 0 or self.weight_decay < 0:
            raise ValueError(f"hidden and decay must be >= 0, steps 1 or more, rate above 0: {self}")


DEFAULT_DESCENT = DescentConfig()


@dataclass(frozen=True, kw_only=True, eq=False)
class JointMapping:
    """A joint mapping as it was trained, with what shows whether it collapsed.

    spread: root mean square standard deviation of a2 and i2 on the anchors; bounded f1 and f2 have 1
    losses: (steps,) what was minimised, over all copies trained together
    """

    mapping: AlignmentMap
    spread: float
    losses: Floats


def fit_joint_mapping(
    source: npt.ArrayLike, target: npt.ArrayLike, *, loss: JointLoss,
    inputs: tuple[npt.ArrayLike | None, npt.ArrayLike | None] = (None, None), origins: OriginMode = "bounded",
    linear_origins: bool = False, config: DescentConfig = DEFAULT_DESCENT, seed: int = 0,
) -> JointMapping:  # fmt: skip
    """The report's mapping of readings a1 = source (n, p) and i1 = target (n, q).

    Both models are learnt again, a2 = A2(inputs) and i2 = I2(inputs), and f1(a1) and f2(i1) with them, until
    the loss is least. Both meet in min(p, q) dimensions. For the way across, a2 is calibrated to i2 by least
    squares, and a network that was learnt beside (and moves nothing else) leads from i2 back to i1.

    inputs:  (n, ...) what A2 and I2 read, the readings themselves by default; the map then takes such rows
    origins: "bounded" holds f1 and f2 to mean 0 and unit covariance over the anchors, as Breiman & Friedman
             (1985) hold theirs, since f1 and f2 could run into one point together with all the rest; "free"
             lets them; "none" has the standardised readings in their place
    linear_origins: f1 and f2 without a hidden layer; with `how.hidden` 0 everything is linear

    Raises ValueError as `anchors` does, and for "none" with readings of two widths.
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
    inputs: tuple[Sequence[npt.ArrayLike] | None, Sequence[npt.ArrayLike] | None] = (None, None),
    origins: OriginMode = "bounded",
    linear_origins: bool = False,
    config: DescentConfig = DEFAULT_DESCENT,
    seed: int = 0,
) -> list[JointMapping]:
    """`joint` of several sets of anchors, all of one shape once incomplete pairs are left out."""
    read, seen = _standardise_sides(sources, targets, inputs)
    widths = [side.rows.shape[2] for side in read]
    if origins == "none" and widths[0] != widths[1]:
        raise ValueError(f"readings taken as they are need one width, not {widths[0]} and {widths[1]}")
    starts = _compute_initial_weights(read[0].standardised, read[1].standardised)
    if origins == "none":
        still = np.broadcast_to(np.eye(widths[0], dtype=np.float32), starts[0].shape)
        starts = still, still
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        models = [
            _NetworkBatch(rows.solve_ridge(own) @ start, config.hidden_units)
            for rows, own, start in zip(seen, read, starts, strict=True)
        ]
        old = [_NetworkBatch(start, 0 if linear_origins else config.hidden_units) for start in starts]
        home = _NetworkBatch(
            np.zeros((len(starts[1]), starts[1].shape[2], widths[1]), np.float32), config.hidden_units
        )
    given = [torch.from_numpy(side.standardised) for side in seen]
    a1, i1 = (torch.from_numpy(side.standardised) for side in read)

    def compute_losses() -> tuple[Tensor, Tensor]:
        a2, i2 = (model(rows) for model, rows in zip(models, given, strict=True))
        if origins == "none":
            before = [a1, i1]
        else:
            before = [net(rows) for net, rows in zip(old, (a1, i1), strict=True)]
        if origins == "bounded":
            before = [_whiten(one) for one in before]
        told = loss(*(one.flatten(0, 1) for one in (a2, i2, *before)))
        return told, (home(i2.detach()) - i1).square().mean()

    losses = _minimise(compute_losses, [*models, *([] if origins == "none" else old), home], config, len(a1))
    return [_make_joint_mapping(at, read, seen, models, home, losses) for at in range(len(a1))]


def fit_network(
    source: npt.ArrayLike, target: npt.ArrayLike, *, config: DescentConfig = DEFAULT_DESCENT, seed: int = 0
) -> AlignmentMap:
    """A small network from source (n, p) to target (n, q) by least squares. Raises as `anchors` does."""
    return fit_networks([source], [target], config=config, seed=seed)[0]


def fit_networks(
    sources: Sequence[npt.ArrayLike],
    targets: Sequence[npt.ArrayLike],
    *,
    config: DescentConfig = DEFAULT_DESCENT,
    seed: int = 0,
) -> list[AlignmentMap]:
    """`network` of several sets of anchors, all of one shape once incomplete pairs are left out."""
    (source, target), _ = _standardise_sides(sources, targets, (None, None))
    seen, wanted = torch.from_numpy(source.standardised), torch.from_numpy(target.standardised)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _NetworkBatch(source.solve_ridge(target), config.hidden_units)
    _minimise(lambda: ((net(seen) - wanted).square().mean(), torch.zeros(())), [net], config, len(wanted))
    return [
        AlignmentMap(
            name="MLP",
            forward=ChainedMap(steps=(net.to_network(at, source), target.make_inverse_standardiser(at))),
        )
        for at in range(len(wanted))
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class _StandardisedPoints:
    """Rows (b, n, d) of one sense with their mean and scale (b, d), and standardised."""

    rows: Floats
    mean: Floats
    scale: Floats
    standardised: Float32Points

    @classmethod
    def from_rows(cls, rows: Sequence[Floats]) -> _StandardisedPoints:
        stacked = np.stack(rows)
        mean, scale = stacked.mean(axis=1), np.stack([compute_scale(one) for one in stacked])
        standard = (stacked - mean[:, None]) / scale[:, None]
        return cls(rows=stacked, mean=mean, scale=scale, standardised=standard.astype(np.float32))

    def solve_ridge(self, targets: _StandardisedPoints) -> Float32Points:
        """(b, d, k) the straight way to other rows (b, n, k), by ridge regression; to the same, no change."""
        if targets.rows is self.rows:
            return np.broadcast_to(
                np.eye(self.rows.shape[2], dtype=np.float32), (len(self.rows), *[self.rows.shape[2]] * 2)
            )
        turned = np.swapaxes(self.standardised, 1, 2)
        square = turned @ self.standardised
        penalty = 0.01 * self.rows.shape[1] * np.eye(square.shape[1], dtype=np.float32)
        return np.asarray(np.linalg.solve(square + penalty, turned @ targets.standardised))

    def make_inverse_standardiser(self, copy_index: int) -> AffineMap:
        """From standardised rows of a copy to rows."""
        return AffineMap(weight=np.diag(self.scale[copy_index]), bias=self.mean[copy_index])


class _NetworkBatch(nn.Module):
    """Copies of `spaces.alignment.steps.NetworkMap`, from standardised rows (b, n, p) to (b, n, q)."""

    def __init__(self, straight: Float32Points, hidden_units: int) -> None:
        super().__init__()
        copies, inside, outside = straight.shape
        inner = torch.randn(1, inside, hidden_units) / max(1, inside) ** 0.5
        self.straight = nn.Parameter(torch.tensor(np.ascontiguousarray(straight), dtype=torch.float32))
        self.inner = nn.Parameter(inner.repeat(copies, 1, 1))
        self.offset = nn.Parameter((0.5 * torch.randn(1, 1, hidden_units)).repeat(copies, 1, 1))
        self.outer = nn.Parameter(torch.zeros(copies, hidden_units, outside))
        self.bias = nn.Parameter(torch.zeros(copies, 1, outside))

    def forward(self, rows: Tensor) -> Tensor:
        """(b, n, q) of standardised rows (b, n, p)."""
        straight = torch.baddbmm(self.bias, rows, self.straight)
        if self.outer.shape[1] == 0:
            return straight
        return straight + torch.tanh(torch.baddbmm(self.offset, rows, self.inner)) @ self.outer

    def compute_penalty(self) -> Tensor:
        """() the squares of the hidden layers' weights."""
        return self.inner.square().sum() + self.outer.square().sum()

    def to_network(self, copy_index: int, points: _StandardisedPoints) -> NetworkMap:
        """One copy, for raw rows of a side."""
        return self._make_network(copy_index, points.mean[copy_index], points.scale[copy_index])

    def to_unscaled_network(self, copy_index: int) -> NetworkMap:
        """One copy, for rows as they are."""
        inside = self.straight.shape[1]
        return self._make_network(copy_index, np.zeros(inside), np.ones(inside))

    def _make_network(self, copy_index: int, mean: Floats, scale: Floats) -> NetworkMap:
        def to_float64(values: Tensor) -> Floats:
            return values[copy_index].detach().numpy().astype(np.float64)

        return NetworkMap(
            mean=mean, scale=scale, straight=to_float64(self.straight), inner=to_float64(self.inner),
            offset=to_float64(self.offset)[0], outer=to_float64(self.outer), bias=to_float64(self.bias)[0],
        )  # fmt: skip


def _standardise_sides(
    sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike],
    inputs: tuple[Sequence[npt.ArrayLike] | None, Sequence[npt.ArrayLike] | None],
) -> tuple[list[_StandardisedPoints], list[_StandardisedPoints]]:  # fmt: skip
    """The readings of both senses and what is seen of them; the same objects where no inputs are given."""
    if not sources or len(sources) != len(targets):
        raise ValueError(f"{len(sources)} sources and {len(targets)} targets; one each a copy is needed")
    complete = [
        select_complete_pairs(one, other, min_pairs=3) for one, other in zip(sources, targets, strict=True)
    ]
    if len({(one.shape, other.shape) for one, other in complete}) != 1:
        raise ValueError("copies trained side by side need anchors of one shape")
    read = [_StandardisedPoints.from_rows([pair[at] for pair in complete]) for at in (0, 1)]
    seen = []
    for own, rows in zip(read, inputs, strict=True):
        if rows is None:
            seen.append(own)
            continue
        known = [np.asarray(one, np.float64) for one in rows]
        if len(known) != len(own.rows) or any(len(one) != own.rows.shape[1] for one in known):
            raise ValueError("inputs must be one row for every complete pair of readings")
        seen.append(_StandardisedPoints.from_rows(known))
    return read, seen


def _compute_initial_weights(
    source: Float32Points, target: Float32Points
) -> tuple[Float32Points, Float32Points]:
    """(b, p, k) and (b, q, k): both whitened and turned onto each other, the linear solution."""
    first, second = _compute_whitening(source), _compute_whitening(target)
    product = np.swapaxes(source @ first, 1, 2) @ (target @ second)
    left, _, right = np.linalg.svd(product, full_matrices=False)
    if source.shape[2] >= target.shape[2]:  # the target's own axes
        return first @ left @ right, second
    return first, second @ np.swapaxes(left @ right, 1, 2)


def _compute_whitening(rows: Float32Points) -> Float32Points:
    """(b, d, d) symmetric maps that give standardised rows (b, n, d) unit covariance."""
    values, vectors = np.linalg.eigh(np.swapaxes(rows, 1, 2) @ rows / rows.shape[1])
    values = np.maximum(values, MIN_RELATIVE_EIGENVALUE * values[:, -1:])
    return np.asarray((vectors / np.sqrt(values)[:, None]) @ np.swapaxes(vectors, 1, 2))


def _whiten(rows: Tensor) -> Tensor:
    """Rows (b, n, d) with mean 0 and unit covariance over n."""
    centred = rows - rows.mean(1, keepdim=True)
    covariance = centred.transpose(1, 2) @ centred / rows.shape[1]
    root = torch.linalg.cholesky(covariance + COVARIANCE_JITTER * torch.eye(rows.shape[2]))
    return torch.linalg.solve_triangular(root, centred.transpose(1, 2), upper=False).transpose(1, 2)


def _minimise(
    compute_losses: Callable[[], tuple[Tensor, Tensor]],
    networks: Sequence[_NetworkBatch],
    config: DescentConfig,
    copy_count: int,
) -> Floats:
    """Adam with a rate that falls along a cosine, on the sum of two costs; gives the first at every step."""
    with _use_one_thread():
        return _run_descent(compute_losses, networks, config, copy_count)


@contextmanager
def _use_one_thread() -> Iterator[None]:
    """Networks this small are slower with more, which wait for each other; and the bits stay the same."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _run_descent(
    compute_losses: Callable[[], tuple[Tensor, Tensor]],
    networks: Sequence[_NetworkBatch],
    config: DescentConfig,
    copy_count: int,
) -> Floats:
    weights = [weight for net in networks for weight in net.parameters()]
    optimiser = torch.optim.Adam(weights, lr=config.learning_rate)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    told = []
    for _ in range(config.steps):
        optimiser.zero_grad()
        found, beside = compute_losses()
        # a mean over copies, so times their number each learns as it would alone
        whole = (
            copy_count * (found + beside)
            + config.weight_decay * torch.stack([net.compute_penalty() for net in networks]).sum()
        )
        whole.backward()
        optimiser.step()
        falling.step()
        told.append(float(found.detach()))
    return np.array(told)


def _make_joint_mapping(
    copy_index: int,
    readings: list[_StandardisedPoints],
    inputs: list[_StandardisedPoints],
    models: list[_NetworkBatch],
    inverse_network: _NetworkBatch,
    losses: Floats,
) -> JointMapping:
    ways = [model.to_network(copy_index, side) for model, side in zip(models, inputs, strict=True)]
    a2, i2 = (way(side.rows[copy_index]) for way, side in zip(ways, inputs, strict=True))
    across = ChainedMap(
        steps=(
            ways[0],
            fit_least_squares(a2, i2),
            inverse_network.to_unscaled_network(copy_index),
            readings[1].make_inverse_standardiser(copy_index),
        )
    )
    size = float(np.sqrt(np.mean([a2.var(axis=0), i2.var(axis=0)])))
    aligned = AlignmentMap(
        name="learned mapping",
        forward=across,
        source_to_common=ways[0],
        target_to_common=ways[1],
        notes={"spread": size},
    )
    return JointMapping(mapping=aligned, spread=size, losses=losses)
