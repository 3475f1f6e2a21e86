"""The circumplex report's model of a picture's mood, as it is told there, to hold the better one against.

1721 descriptors (`encoders.image_descriptors`), three hidden layers of 3000, 1000 and 1000 with ReLU and one
output, a network a dimension; squared error, stochastic gradient descent with rate 1e-4, momentum .9 and
batches of 500, 70000 of them (Kim et al. 2017; report, section 6). What the report leaves open is chosen
here: columns are standardised by the training pictures, what is missing becomes their mean, and answers are
cut to [-1, 1].

    python -m experiments.heads.image_mlp_baseline --iterations 40
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from encoders.base import Rows, batched
from encoders.image_descriptors import image_1721, pad_semantic_block
from experiments.datasets import DATA_ROOT, load_oasis
from experiments.features.extraction import decode_first_segments
from retrieval.evaluation.affect_metrics import ccc, pearson, rmse
from retrieval.evaluation.splits import make_group_folds, split_by_group
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline

Floats = npt.NDArray[np.float64]

EARLY_STOPPING_SHARE = 0.15  # of the training pictures, whole groups, held out where training may stop early
CHECK_INTERVAL = 5  # iterations between two looks at them


@dataclass(frozen=True, kw_only=True)
class MLPConfig:
    """How to train; the report's numbers by default.

    patience: looks at held-out pictures without a gain before training stops; None never stops early
    """

    hidden_sizes: tuple[int, ...] = (3000, 1000, 1000)
    learning_rate: float = 1e-4
    momentum: float = 0.9
    batch_size: int = 500
    iterations: int = 70000
    patience: int | None = None


@dataclass(frozen=True, eq=False)
class MLPRegressor:
    """A trained network for one dimension.

    mean, scale: (d,) of the training rows, of columns that are there
    training_losses: squared error of each training batch, in order
    validation_losses: squared error on the held-out groups at each look; empty without early stopping
    """

    network: torch.nn.Sequential
    mean: Floats
    scale: Floats
    training_losses: tuple[float, ...]
    validation_losses: tuple[float, ...] = ()

    def __call__(self, features: Rows) -> Floats:
        """(n,) in [-1, 1] of raw rows (n, d)."""
        with torch.inference_mode():
            out = self.network(_standardise(features, self.mean, self.scale))[:, 0].numpy()
        return np.clip(out, -1, 1).astype(np.float64)


def fit(
    features: Rows, targets: npt.ArrayLike, groups: Sequence[object], config: MLPConfig, *, seed: int
) -> MLPRegressor:
    """Train one network on rows (n, d) and numbers (n,) in [-1, 1].

    With `how.patience` some groups are held out and the best state on them is kept.
    """
    truth = np.asarray(targets, np.float32)
    learning, stopping = np.arange(len(features)), np.empty(0, np.int64)
    if config.patience is not None:
        part = split_by_group(
            [str(one) for one in groups], {"in": 1 - EARLY_STOPPING_SHARE, "out": EARLY_STOPPING_SHARE}, seed
        )
        learning, stopping = np.flatnonzero(part == "in"), np.flatnonzero(part == "out")
    mean, scale = _compute_mean_and_scale(features[learning])
    seen, target = _standardise(features, mean, scale), torch.from_numpy(truth)[:, None]
    draws = np.random.default_rng(seed)
    torch.manual_seed(seed)
    net = build_network(features.shape[1], config.hidden_sizes)
    descent = torch.optim.SGD(net.parameters(), lr=config.learning_rate, momentum=config.momentum)
    losses: list[float] = []
    held: list[float] = []
    best = {name: value.clone() for name, value in net.state_dict().items()}
    for step in range(config.iterations):
        batch = draws.choice(learning, min(config.batch_size, len(learning)), replace=False)
        loss = torch.nn.functional.mse_loss(net(seen[batch]), target[batch])
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(loss.item())
        if config.patience is not None and step % CHECK_INTERVAL == CHECK_INTERVAL - 1:
            with torch.inference_mode():
                held.append(float(torch.nn.functional.mse_loss(net(seen[stopping]), target[stopping])))
            if held[-1] == min(held):
                best = {name: value.clone() for name, value in net.state_dict().items()}
            elif len(held) - 1 - int(np.argmin(held)) >= config.patience:
                break
    if held:
        net.load_state_dict(best)
    return MLPRegressor(net.eval(), mean, scale, tuple(losses), tuple(held))


def build_network(input_size: int, hidden_sizes: Sequence[int]) -> torch.nn.Sequential:
    """Linear layers with ReLU between them, from `input_size` numbers to one."""
    sizes = [input_size, *hidden_sizes]
    layers: list[torch.nn.Module] = []
    for into, out in zip(sizes, hidden_sizes, strict=False):
        layers += [torch.nn.Linear(into, out), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], 1))


def cross_validate(
    features: Rows, ratings: Floats, groups: Sequence[str], config: MLPConfig, *, seed: int, n_folds: int = 5
) -> tuple[Floats, list[MLPRegressor]]:
    """(n, 2) of pictures whose groups were held out, and the networks, fold by fold, valence first."""
    found, nets = np.full(ratings.shape, np.nan), []
    for out in make_group_folds(groups, n_folds, seed):
        rest = np.setdiff1d(np.arange(len(features)), out)
        for dimension in range(ratings.shape[1]):
            net = fit(features[rest], ratings[rest, dimension], [groups[i] for i in rest], config, seed=seed)
            found[out, dimension] = net(features[out])
            nets.append(net)
    return found, nets


def compute_descriptors(paths: Sequence[Path], *, batch_size: int = 32) -> Rows:
    """(n, 1721) of picture files, the semantic block NaN where its model is not on this machine.

    Raises MediaError for one that can't be read.
    """
    encoder, experts = image_1721(), FeaturePipeline(PipelineConfig(activity="", sound="", faces="", text=""))
    made = [
        encoder.encode([one.frames for one in decode_first_segments(experts, some) if one.frames is not None])
        for some in batched(paths, batch_size)
    ]
    return pad_semantic_block(np.concatenate(made))


def _compute_mean_and_scale(features: Rows) -> tuple[Floats, Floats]:
    """Mean and scale (d,); 0 and 1 of columns that nobody has."""
    there = np.isfinite(features).any(axis=0)
    mean, scale = np.zeros(features.shape[1]), np.ones(features.shape[1])
    mean[there], scale[there] = np.nanmean(features[:, there], axis=0), np.nanstd(features[:, there], axis=0)
    return mean, np.where(scale > 0, scale, 1)


def _standardise(features: Rows, mean: Floats, scale: Floats) -> torch.Tensor:
    """Standardised, the training mean for what is missing."""
    return torch.from_numpy(np.nan_to_num((features - mean) / scale).astype(np.float32))


def main() -> None:
    """Train for a while on grouped folds of OASIS and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--rate", type=float, default=MLPConfig.learning_rate)
    parser.add_argument("--patience", type=int)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rated = [one for one in load_oasis(args.data) if one.split != "test"]
    rows = compute_descriptors([one.path for one in rated])
    truth = np.array([one.mean for one in rated])
    how = MLPConfig(iterations=args.iterations, learning_rate=args.rate, patience=args.patience)
    start = time.monotonic()
    found, nets = cross_validate(rows, truth, [one.theme for one in rated], how, seed=args.seed)
    steps = sum(len(net.training_losses) for net in nets)
    print(f"{steps} iterations, {(time.monotonic() - start) / steps:.2f} s each")
    for name, statistic in {"CCC": ccc, "r": pearson, "RMSE": rmse}.items():
        print(name, "valence {:.3f} arousal {:.3f}".format(*statistic(found, truth)))
    for dimension, name in enumerate(("valence", "arousal")):
        curves = [net.training_losses for net in nets[dimension::2]]
        shortest = min(map(len, curves))
        curve = np.mean([one[:shortest] for one in curves], axis=0)
        places = np.unique(np.linspace(0, shortest - 1, 8).astype(int))
        print(name, "loss", " ".join(f"{place + 1}: {curve[place]:.4f}" for place in places))


if __name__ == "__main__":
    main()
