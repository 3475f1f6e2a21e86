"""Folds of query words, such that words which share a part, "car" and "car engine", are in one fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from experiments.benchmarks.labelled_gallery import make_bag
from retrieval.evaluation import make_group_folds

FOLD_COUNT = 5


def make_word_folds(words: Sequence[str], seed: int) -> list[npt.NDArray[np.int64]]:
    """Positions of the words of each of FOLD_COUNT folds. Raises ValueError for fewer groups of words."""
    return make_group_folds(group_words(words), FOLD_COUNT, seed)


def group_words(words: Sequence[str]) -> list[int]:
    """A number for each text: the same where they share a word, or each shares one with a third."""
    bags = [make_bag(word) for word in words]
    pairs = [(i, j) for i, bag in enumerate(bags) for j, other in enumerate(bags) if bag & other]
    rows, columns = np.array(pairs).T
    graph = coo_matrix((np.ones(len(pairs)), (rows, columns)), shape=(len(words), len(words)))
    return [int(number) for number in connected_components(graph, directed=False)[1]]
