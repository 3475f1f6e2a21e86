"""`python -m experiments.heads.text_adapter`: train, average and write, weights as float16."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import experiments.heads.text_adapter as package
from encoders import get_cache_dir, write_safetensors
from experiments.datasets.data_root import DATA_ROOT
from experiments.heads.text_adapter.model_soup import make_model_soup
from experiments.heads.text_adapter.training import AdapterConfig, load_or_train_adapters
from experiments.heads.text_adapter.training_sets import load_training_sets

SOUP_SIZE = 3  # trainings averaged in the packaged adapters


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = _make_parser()
    options = parser.parse_args(arguments)
    if options.soup < 1:
        parser.error("--soup must be 1 or more")
    if options.seed < 0:
        parser.error("--seed must be 0 or more")
    torch.set_num_threads(1)  # sums in another order would give other weights
    training_sets, config = load_training_sets(options.data), AdapterConfig()
    members = [
        load_or_train_adapters(training_sets, config, seed=options.seed, order=order, folder=options.cache)
        for order in range(options.soup)
    ]
    soup = make_model_soup(members, config.rank)
    tensors = {name: weight.astype(np.float16) for name, weight in soup.items()}
    if not all(np.isfinite(weight).all() for weight in tensors.values()):
        parser.error("weights are not finite")
    write_safetensors(options.out, tensors)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.heads.text_adapter", description=package.__doc__
    )
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--soup", type=int, default=SOUP_SIZE, metavar="N", help=f"trainings to average [{SOUP_SIZE}]"
    )
    parser.add_argument(
        "--cache", type=Path, default=get_cache_dir() / "adapters", help="keeps what is finished"
    )
    return parser


if __name__ == "__main__":
    main()
