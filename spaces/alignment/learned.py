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

from spaces.alignment.linear import least_squares
from spaces.alignment.steps import Affine, Aligned, Chain, Floats, Network, anchors, spread

JointLoss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(a2, i2, f1(a1), f2(i1)), each (n, d), to their mean cost, such as `losses.affect.mapping_loss`."""

Origins = Literal["bounded", "free", "none"]
Cloud = npt.NDArray[np.float32]

FLOOR = 1e-3  # of a covariance's largest eigenvalue: what varies less is not blown up to 1
SMALL = 1e-4  # added to a covariance's diagonal in training, where all have variances near 1


@dataclass(frozen=True, kw_only=True)
class Steps:
    """How to train. hidden: units of a network, 0 for linear; decay: of the hidden layers' weights."""

    hidden: int = 16
    steps: int = 250
    rate: float = 0.02
    decay: float = 1e-3

    def __post_init__(self) -> None:
        if self.hidden < 0 or self.steps < 1 or not self.rate > 0 or self.decay < 0:
            raise ValueError(f"hidden and decay must be >= 0, steps 1 or more, rate above 0: {self}")


STEPS = Steps()


@dataclass(frozen=True, kw_only=True, eq=False)
class Joint:
    """A joint mapping as it was trained, with what shows whether it collapsed.

    spread: root mean square standard deviation of a2 and i2 on the anchors; bounded f1 and f2 have 1
    losses: (steps,) what was minimised, over all copies trained together
    """

    aligned: Aligned
    spread: float
    losses: Floats


def joint(
    source: npt.ArrayLike, target: npt.ArrayLike, *, loss: JointLoss,
    inputs: tuple[npt.ArrayLike | None, npt.ArrayLike | None] = (None, None), origins: Origins = "bounded",
    linear_origins: bool = False, how: Steps = STEPS, seed: int = 0,
) -> Joint:  # fmt: skip
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
    return joint_many(
        [source], [target], loss=loss, inputs=(lifted[0], lifted[1]), origins=origins,
        linear_origins=linear_origins, how=how, seed=seed,
    )[0]  # fmt: skip


def joint_many(
    sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, loss: JointLoss,
    inputs: tuple[Sequence[npt.ArrayLike] | None, Sequence[npt.ArrayLike] | None] = (None, None),
    origins: Origins = "bounded", linear_origins: bool = False, how: Steps = STEPS, seed: int = 0,
) -> list[Joint]:  # fmt: skip
    """`joint` of several sets of anchors, all of one shape once incomplete pairs are left out."""
    read, seen = _sides(sources, targets, inputs)
    widths = [side.rows.shape[2] for side in read]
    if origins == "none" and widths[0] != widths[1]:
        raise ValueError(f"readings taken as they are need one width, not {widths[0]} and {widths[1]}")
    starts = _starts(read[0].standard, read[1].standard)
    if origins == "none":
        still = np.broadcast_to(np.eye(widths[0], dtype=np.float32), starts[0].shape)
        starts = still, still
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        models = [
            _Nets(rows.least(own) @ start, how.hidden)
            for rows, own, start in zip(seen, read, starts, strict=True)
        ]
        old = [_Nets(start, 0 if linear_origins else how.hidden) for start in starts]
        home = _Nets(np.zeros((len(starts[1]), starts[1].shape[2], widths[1]), np.float32), how.hidden)
    given = [torch.from_numpy(side.standard) for side in seen]
    a1, i1 = (torch.from_numpy(side.standard) for side in read)

    def cost() -> tuple[Tensor, Tensor]:
        a2, i2 = (model(rows) for model, rows in zip(models, given, strict=True))
        if origins == "none":
            before = [a1, i1]
        else:
            before = [net(rows) for net, rows in zip(old, (a1, i1), strict=True)]
        if origins == "bounded":
            before = [_white(one) for one in before]
        told = loss(*(one.flatten(0, 1) for one in (a2, i2, *before)))
        return told, (home(i2.detach()) - i1).square().mean()

    losses = _descend(cost, [*models, *([] if origins == "none" else old), home], how, len(a1))
    return [_joined(at, read, seen, models, home, losses) for at in range(len(a1))]


def network(source: npt.ArrayLike, target: npt.ArrayLike, *, how: Steps = STEPS, seed: int = 0) -> Aligned:
    """A small network from source (n, p) to target (n, q) by least squares. Raises as `anchors` does."""
    return network_many([source], [target], how=how, seed=seed)[0]


def network_many(
    sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, how: Steps = STEPS, seed: int = 0
) -> list[Aligned]:
    """`network` of several sets of anchors, all of one shape once incomplete pairs are left out."""
    (source, target), _ = _sides(sources, targets, (None, None))
    seen, wanted = torch.from_numpy(source.standard), torch.from_numpy(target.standard)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _Nets(source.least(target), how.hidden)
    _descend(lambda: ((net(seen) - wanted).square().mean(), torch.zeros(())), [net], how, len(wanted))
    return [
        Aligned(name="MLP", across=Chain(steps=(net.step(at, source), target.restore(at))))
        for at in range(len(wanted))
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Side:
    """Rows (b, n, d) of one sense with their mean and scale (b, d), and standardised."""

    rows: Floats
    mean: Floats
    scale: Floats
    standard: Cloud

    @classmethod
    def of(cls, rows: Sequence[Floats]) -> _Side:
        stacked = np.stack(rows)
        mean, scale = stacked.mean(axis=1), np.stack([spread(one) for one in stacked])
        standard = (stacked - mean[:, None]) / scale[:, None]
        return cls(rows=stacked, mean=mean, scale=scale, standard=standard.astype(np.float32))

    def least(self, wanted: _Side) -> Cloud:
        """(b, d, k) the straight way to other rows (b, n, k), by ridge regression; to the same, no change."""
        if wanted.rows is self.rows:
            return np.broadcast_to(
                np.eye(self.rows.shape[2], dtype=np.float32), (len(self.rows), *[self.rows.shape[2]] * 2)
            )
        turned = np.swapaxes(self.standard, 1, 2)
        square = turned @ self.standard
        penalty = 0.01 * self.rows.shape[1] * np.eye(square.shape[1], dtype=np.float32)
        return np.asarray(np.linalg.solve(square + penalty, turned @ wanted.standard))

    def restore(self, at: int) -> Affine:
        """From standardised rows of a copy to rows."""
        return Affine(weight=np.diag(self.scale[at]), bias=self.mean[at])


class _Nets(nn.Module):
    """Copies of `spaces.alignment.steps.Network`, from standardised rows (b, n, p) to (b, n, q)."""

    def __init__(self, straight: Cloud, hidden: int) -> None:
        super().__init__()
        copies, inside, outside = straight.shape
        inner = torch.randn(1, inside, hidden) / max(1, inside) ** 0.5
        self.straight = nn.Parameter(torch.tensor(np.ascontiguousarray(straight), dtype=torch.float32))
        self.inner = nn.Parameter(inner.repeat(copies, 1, 1))
        self.offset = nn.Parameter((0.5 * torch.randn(1, 1, hidden)).repeat(copies, 1, 1))
        self.outer = nn.Parameter(torch.zeros(copies, hidden, outside))
        self.bias = nn.Parameter(torch.zeros(copies, 1, outside))

    def forward(self, rows: Tensor) -> Tensor:
        """(b, n, q) of standardised rows (b, n, p)."""
        straight = torch.baddbmm(self.bias, rows, self.straight)
        if self.outer.shape[1] == 0:
            return straight
        return straight + torch.tanh(torch.baddbmm(self.offset, rows, self.inner)) @ self.outer

    def bent(self) -> Tensor:
        """() the squares of the hidden layers' weights."""
        return self.inner.square().sum() + self.outer.square().sum()

    def step(self, at: int, side: _Side) -> Network:
        """One copy, for raw rows of a side."""
        return self._step(at, side.mean[at], side.scale[at])

    def plain(self, at: int) -> Network:
        """One copy, for rows as they are."""
        inside = self.straight.shape[1]
        return self._step(at, np.zeros(inside), np.ones(inside))

    def _step(self, at: int, mean: Floats, scale: Floats) -> Network:
        def array(values: Tensor) -> Floats:
            return values[at].detach().numpy().astype(np.float64)

        return Network(
            mean=mean, scale=scale, straight=array(self.straight), inner=array(self.inner),
            offset=array(self.offset)[0], outer=array(self.outer), bias=array(self.bias)[0],
        )  # fmt: skip


def _sides(
    sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike],
    inputs: tuple[Sequence[npt.ArrayLike] | None, Sequence[npt.ArrayLike] | None],
) -> tuple[list[_Side], list[_Side]]:  # fmt: skip
    """The readings of both senses and what is seen of them; the same objects where no inputs are given."""
    if not sources or len(sources) != len(targets):
        raise ValueError(f"{len(sources)} sources and {len(targets)} targets; one each a copy is needed")
    complete = [anchors(one, other, least=3) for one, other in zip(sources, targets, strict=True)]
    if len({(one.shape, other.shape) for one, other in complete}) != 1:
        raise ValueError("copies trained side by side need anchors of one shape")
    read = [_Side.of([pair[at] for pair in complete]) for at in (0, 1)]
    seen = []
    for own, rows in zip(read, inputs, strict=True):
        if rows is None:
            seen.append(own)
            continue
        known = [np.asarray(one, np.float64) for one in rows]
        if len(known) != len(own.rows) or any(len(one) != own.rows.shape[1] for one in known):
            raise ValueError("inputs must be one row for every complete pair of readings")
        seen.append(_Side.of(known))
    return read, seen


def _starts(source: Cloud, target: Cloud) -> tuple[Cloud, Cloud]:
    """(b, p, k) and (b, q, k): both whitened and turned onto each other, the linear solution."""
    first, second = _whitening(source), _whitening(target)
    product = np.swapaxes(source @ first, 1, 2) @ (target @ second)
    left, _, right = np.linalg.svd(product, full_matrices=False)
    if source.shape[2] >= target.shape[2]:  # the target's own axes
        return first @ left @ right, second
    return first, second @ np.swapaxes(left @ right, 1, 2)


def _whitening(rows: Cloud) -> Cloud:
    """(b, d, d) symmetric maps that give standardised rows (b, n, d) unit covariance."""
    values, vectors = np.linalg.eigh(np.swapaxes(rows, 1, 2) @ rows / rows.shape[1])
    values = np.maximum(values, FLOOR * values[:, -1:])
    return np.asarray((vectors / np.sqrt(values)[:, None]) @ np.swapaxes(vectors, 1, 2))


def _white(rows: Tensor) -> Tensor:
    """Rows (b, n, d) with mean 0 and unit covariance over n."""
    centred = rows - rows.mean(1, keepdim=True)
    covariance = centred.transpose(1, 2) @ centred / rows.shape[1]
    root = torch.linalg.cholesky(covariance + SMALL * torch.eye(rows.shape[2]))
    return torch.linalg.solve_triangular(root, centred.transpose(1, 2), upper=False).transpose(1, 2)


def _descend(
    cost: Callable[[], tuple[Tensor, Tensor]], nets: Sequence[_Nets], how: Steps, copies: int
) -> Floats:
    """Adam with a rate that falls along a cosine, on the sum of two costs; gives the first at every step."""
    with _one_thread():
        return _descended(cost, nets, how, copies)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Networks this small are slower with more, which wait for each other; and the bits stay the same."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _descended(
    cost: Callable[[], tuple[Tensor, Tensor]], nets: Sequence[_Nets], how: Steps, copies: int
) -> Floats:
    weights = [weight for net in nets for weight in net.parameters()]
    optimiser = torch.optim.Adam(weights, lr=how.rate)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, how.steps)
    told = []
    for _ in range(how.steps):
        optimiser.zero_grad()
        found, beside = cost()
        # a mean over copies, so times their number each learns as it would alone
        whole = copies * (found + beside) + how.decay * torch.stack([net.bent() for net in nets]).sum()
        whole.backward()
        optimiser.step()
        falling.step()
        told.append(float(found.detach()))
    return np.array(told)


def _joined(
    at: int, read: list[_Side], seen: list[_Side], models: list[_Nets], home: _Nets, losses: Floats
) -> Joint:
    ways = [model.step(at, side) for model, side in zip(models, seen, strict=True)]
    a2, i2 = (way(side.rows[at]) for way, side in zip(ways, seen, strict=True))
    across = Chain(steps=(ways[0], least_squares(a2, i2), home.plain(at), read[1].restore(at)))
    size = float(np.sqrt(np.mean([a2.var(axis=0), i2.var(axis=0)])))
    aligned = Aligned(
        name="learned mapping", across=across, source=ways[0], target=ways[1], notes={"spread": size}
    )
    return Joint(aligned=aligned, spread=size, losses=losses)
