"""Small sets of pairs for tests of alignment studies."""

import numpy as np

from experiments.alignment.folds import fold_pairs
from experiments.alignment.map_evaluation import evaluate_map
from experiments.alignment.pairs import PairedReadings
from experiments.alignment.statistics import compute_statistics
from experiments.alignment.study_config import StudyConfig, list_methods

METHODS = list_methods()
QUICK = StudyConfig(draws=199, shuffles=4, sizes=(10, 30), repeats=1)
CLOSED = ("identity", "z-score", "rotation", "procrustes", "affine", "CCA", "kernel ridge")


def noise(n=60, seed=0, width=2):
    """(n, width) standard normal values."""
    return np.random.default_rng(seed).normal(size=(n, width))


def make_pairs(source, target, **options):
    """A set of these rows, each a group of its own."""
    defaults = {"columns": tuple("va"), "groups": np.arange(len(source)).astype(str)}
    return PairedReadings(
        name="made", modalities=("one", "other"), source=source, target=target, **(defaults | options)
    )


def study_pairs(pairs, map_names=CLOSED, config=QUICK):
    """The results of some maps on a set."""
    data = fold_pairs(pairs, config)
    outcomes = {name: evaluate_map(METHODS[name], data, config) for name in map_names}
    return compute_statistics(data, METHODS, outcomes, config, {})


def make_grouped_noise(seed, groups=16, each=5):
    """The group of each row, and two unrelated point clouds whose rows are alike within a group."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(groups), each)
    return owner, *(
        rng.normal(size=(groups, 2))[owner] + 0.5 * rng.normal(size=(len(owner), 2)) for _ in "xy"
    )
