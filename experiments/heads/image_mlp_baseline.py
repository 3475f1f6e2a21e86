"""The circumplex report's model of a picture's affect, as described there: a baseline.

1721 descriptors (`encoders.image_descriptors`), three hidden layers of 3000, 1000 and 1000 with ReLU and
one output, a network a dimension; squared error, stochastic gradient descent with rate 1e-4, momentum .9
and batches of 500, 70000 of them (Kim et al. 2017; report, section 6). What the report leaves open: columns
are standardised by the training pictures, missing values are replaced by their mean, and predictions are
clipped to [-1, 1].

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
from torch.nn.functional import mse_loss

from encoders import Rows, batched
from encoders.image_descriptors import image_1721, pad_semantic_block
from experiments.datasets import DATA_ROOT, load_oasis
from experiments.features.extraction import decode_first_segments
from retrieval.evaluation import ccc, make_group_folds, pearson, rmse, split_by_group
from retrieval.features import FeaturePipeline, PipelineConfig

Floats = npt.NDArray[np.float64]

EARLY_STOPPING_SHARE = 0.15  # of the training pictures, whole groups, held out where training may stop early
CHECK_INTERVAL = 5  # iterations between two validations on them


@dataclass(frozen=True, kw_only=True)
class MLPConfig:
    """Training; the report's numbers by default.

    patience: validations without a gain before training stops; None never stops early
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

    mean, scale: (d,) of the training rows, missing values ignored
    training_losses: squared error of each training batch, in order
    validation_losses: squared error on the held-out groups at each validation; empty without early stopping
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
    """Train one network on rows (n, d) and targets (n,) in [-1, 1].

    With `config.patience` some groups are held out and the best state on them is kept.
    """
    truth = np.asarray(targets, np.float32)
    train_rows, validation_rows = _split_validation(len(features), groups, config, seed)
    mean, scale = _compute_mean_and_scale(features[train_rows])
    inputs, outputs = _standardise(features, mean, scale), torch.from_numpy(truth)[:, None]
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network = build_network(features.shape[1], config.hidden_sizes)
    optimiser = torch.optim.SGD(network.parameters(), lr=config.learning_rate, momentum=config.momentum)
    losses: list[float] = []
    validation_losses: list[float] = []
    best = _copy_state(network)
    for step in range(config.iterations):
        batch = rng.choice(train_rows, min(config.batch_size, len(train_rows)), replace=False)
        losses.append(_run_step(network, optimiser, inputs[batch], outputs[batch]))
        if config.patience is not None and step % CHECK_INTERVAL == CHECK_INTERVAL - 1:
            with torch.inference_mode():
                predictions = network(inputs[validation_rows])
                validation_losses.append(float(mse_loss(predictions, outputs[validation_rows])))
            if validation_losses[-1] == min(validation_losses):
                best = _copy_state(network)
            elif len(validation_losses) - 1 - int(np.argmin(validation_losses)) >= config.patience:
                break
    if validation_losses:
        network.load_state_dict(best)
    return MLPRegressor(network.eval(), mean, scale, tuple(losses), tuple(validation_losses))


def _split_validation(
    count: int, groups: Sequence[object], config: MLPConfig, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of training and of validation rows, none of the latter without early stopping."""
    if config.patience is None:
        return np.arange(count), np.empty(0, np.int64)
    shares = {"in": 1 - EARLY_STOPPING_SHARE, "out": EARLY_STOPPING_SHARE}
    part = split_by_group([str(group) for group in groups], shares, seed)
    return np.flatnonzero(part == "in"), np.flatnonzero(part == "out")


def _run_step(
    network: torch.nn.Sequential, optimiser: torch.optim.SGD, inputs: torch.Tensor, targets: torch.Tensor
) -> float:
    loss = mse_loss(network(inputs), targets)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def _copy_state(network: torch.nn.Sequential) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


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
    """(n, 2) predictions for held-out groups, and the networks, fold by fold, valence first."""
    predictions, networks = np.full(ratings.shape, np.nan), []
    for fold in make_group_folds(groups, n_folds, seed):
        rest = np.setdiff1d(np.arange(len(features)), fold)
        for dimension in range(ratings.shape[1]):
            rest_groups = [groups[i] for i in rest]
            network = fit(features[rest], ratings[rest, dimension], rest_groups, config, seed=seed)
            predictions[fold, dimension] = network(features[fold])
            networks.append(network)
    return predictions, networks


def compute_descriptors(paths: Sequence[Path], *, batch_size: int = 32) -> Rows:
    """(n, 1721) of picture files, the semantic block NaN where its model is not installed.

    Raises MediaError for a file that can't be decoded.
    """
    encoder = image_1721()
    pipeline = FeaturePipeline(PipelineConfig(activity="", sound="", events="", faces="", text=""))
    rows = []
    for chunk in batched(paths, batch_size):
        segments = decode_first_segments(pipeline, chunk)
        rows.append(encoder.encode([segment.frames for segment in segments if segment.frames is not None]))
    return pad_semantic_block(np.concatenate(rows))


def _compute_mean_and_scale(features: Rows) -> tuple[Floats, Floats]:
    """Mean and scale (d,); 0 and 1 of columns without a value."""
    has_values = np.isfinite(features).any(axis=0)
    mean, scale = np.zeros(features.shape[1]), np.ones(features.shape[1])
    mean[has_values] = np.nanmean(features[:, has_values], axis=0)
    scale[has_values] = np.nanstd(features[:, has_values], axis=0)
    return mean, np.where(scale > 0, scale, 1)


def _standardise(features: Rows, mean: Floats, scale: Floats) -> torch.Tensor:
    """Standardised rows, missing values at the training mean."""
    return torch.from_numpy(np.nan_to_num((features - mean) / scale).astype(np.float32))


def main() -> None:
    """Train for a while on grouped folds of OASIS and print the metrics."""
    args = _parse_arguments()
    images = [image for image in load_oasis(args.data) if image.split != "test"]
    features = compute_descriptors([image.path for image in images])
    ratings = np.array([image.mean for image in images])
    config = MLPConfig(iterations=args.iterations, learning_rate=args.rate, patience=args.patience)
    start = time.monotonic()
    predictions, networks = cross_validate(
        features, ratings, [image.theme for image in images], config, seed=args.seed
    )
    steps = sum(len(network.training_losses) for network in networks)
    print(f"{steps} iterations, {(time.monotonic() - start) / steps:.2f} s each")
    for name, statistic in {"CCC": ccc, "r": pearson, "RMSE": rmse}.items():
        print(name, "valence {:.3f} arousal {:.3f}".format(*statistic(predictions, ratings)))
    for dimension, name in enumerate(("valence", "arousal")):
        curves = [network.training_losses for network in networks[dimension::2]]
        shortest = min(map(len, curves))
        curve = np.mean([losses[:shortest] for losses in curves], axis=0)
        printed = np.unique(np.linspace(0, shortest - 1, 8).astype(int))
        print(name, "loss", " ".join(f"{step + 1}: {curve[step]:.4f}" for step in printed))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--rate", type=float, default=MLPConfig.learning_rate)
    parser.add_argument("--patience", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.seed < 0:
        parser.error("--seed must be 0 or more")
    return options


if __name__ == "__main__":
    main()
