"""What needs no training of ours, or next to none: zero-shot, and ridge regression to sentence vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from encoders.base import Rows, missing, owners_means, unit_rows
from experiments.ablation.fused_ranks import Placed, rsum_of
from experiments.ablation.prepared_data import Corpus
from retrieval.features.pipeline import Experts
from spaces.zero_shot import LabelSpace

STRENGTHS = tuple(10.0**power for power in range(7))  # of the ridge
SHARES = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))  # of zero-shot beside a trained row

Floats = npt.NDArray[np.float64]


def can_zero_shot(experts: Experts | None, corpus: Corpus) -> bool:
    """Whether the engine's own object space has labels that words can meet items through."""
    return experts is not None and "objects" in corpus.present and isinstance(experts.spaces[0], LabelSpace)


def zero_shot(corpus: Corpus, experts: Experts) -> Placed:
    """Items and captions in the engine's object space, untrained."""
    space = experts.spaces[0]
    items = space.project({"objects": corpus.media["objects"]})["words"]
    captions = space.project({"text": np.asarray(corpus.texts["sentence"], np.float32)})["words"]
    return _parts(corpus, items, captions)


def ridge(corpus: Corpus, roles: Sequence[str]) -> tuple[Placed, float]:
    """Items where a ridge regression on their features sees their mean caption; its strength, chosen on dev.

    Features are standardised on train, what is missing is their mean, and items without any are missing.
    Sentence vectors are unit rows less the mean of the training captions.
    """
    train = corpus.items("train")
    features = np.concatenate([_standard(corpus.media[role], train) for role in roles], axis=1)
    silent = np.all([missing(corpus.media[role]) for role in roles], axis=0)
    said = unit_rows(np.asarray(corpus.texts["sentence"], np.float32)).astype(np.float64)
    captions = said - said[corpus.captions("train")].mean(0)
    target = owners_means(captions, corpus.owner, len(silent))
    told = train[~silent[train] & ~np.isnan(target[train]).any(1)]
    left, values, right = np.linalg.svd(features[told], full_matrices=False)
    turned = left.T @ target[told]
    found: dict[float, Placed] = {}
    for strength in STRENGTHS:
        weight = right.T @ ((values / (values**2 + strength))[:, None] * turned)
        rows = np.where(silent[:, None], np.nan, features @ weight)
        found[strength] = _parts(corpus, unit_rows(np.asarray(rows)), unit_rows(captions))
    best = max(STRENGTHS, key=lambda strength: dev_rsum(found[strength], corpus))
    return found[best], best


def dev_rsum(placed: Placed, corpus: Corpus) -> float:
    """rsum of the dev part."""
    return rsum_of(*placed["dev"], owners(corpus, "dev"))


def owners(corpus: Corpus, part: str) -> npt.NDArray[np.int64]:
    """(c,) the item of each of a part's captions, numbered within the part."""
    place = np.full(len(corpus.split), -1)
    place[corpus.items(part)] = np.arange(len(corpus.items(part)))
    return place[corpus.owner[corpus.captions(part)]]


def _parts(corpus: Corpus, items: Rows, captions: Rows) -> Placed:
    return {part: (items[corpus.items(part)], captions[corpus.captions(part)]) for part in ("dev", "test")}


def _standard(rows: Rows, train: npt.NDArray[np.int64]) -> Floats:
    """Columns with mean 0 and variance 1 over train; 0 where missing."""
    mean, spread = np.nanmean(rows[train], axis=0), np.nanstd(rows[train], axis=0)
    return np.nan_to_num((rows - mean) / np.maximum(spread, 1e-6)).astype(np.float64)
