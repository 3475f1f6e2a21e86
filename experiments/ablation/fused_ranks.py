"""Similarities of several spaces added up, and both directions measured under the protocol's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders.base import Rows
from retrieval.evaluation import Evaluation, InnerProductSimilarity, Similarity, evaluate
from retrieval.evaluation.rules import DEFAULT_PROTOCOL

Ints = npt.NDArray[np.int64]
Block = npt.NDArray[np.floating]
EmbeddingPair = tuple[Rows, Rows]  # unit rows of items (v, d) and of captions (c, d)
SplitEmbeddings = dict[str, EmbeddingPair]  # by part, "dev" and "test"


@dataclass(frozen=True, kw_only=True, eq=False)
class FusedSimilarity:
    """The weighted mean of tables (q, n) over those that say something of a pair; NaN where none does.

    Where no space is silent this ranks as JEMC's sum of similarities does.
    """

    tables: tuple[Similarity, ...]
    weights: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(q, n)."""
        return self.tables[0].shape

    def rows(self, queries: slice) -> Block:
        """The similarities (step, n) of some queries."""
        blocks = [table.rows(queries) for table in self.tables]
        said = np.zeros_like(blocks[0])
        spoke = np.zeros_like(blocks[0])
        for block, weight in zip(blocks, self.weights, strict=True):
            here = ~np.isnan(block)
            said += weight * np.where(here, block, 0)
            spoke += weight * here
        return np.divide(said, spoke, out=np.full_like(said, np.nan), where=spoke > 0)

    def transpose(self) -> FusedSimilarity:
        """The same with items as queries (n, q)."""
        return FusedSimilarity(tables=tuple(table.transpose() for table in self.tables), weights=self.weights)


def fuse_similarities(
    embeddings: Sequence[EmbeddingPair], space_weights: Sequence[float] | None = None
) -> Similarity:
    """The table (captions, items) of spaces, each given as rows of items (v, d) and of captions (c, d)."""
    tables: list[Similarity] = [InnerProductSimilarity(texts, media) for media, texts in embeddings]
    if len(tables) == 1:
        return tables[0]
    return FusedSimilarity(tables=tuple(tables), weights=tuple(space_weights or [1.0] * len(tables)))


def evaluate_similarity(similarity: Similarity, caption_items: Ints) -> Evaluation:
    """Both directions of a table (c, v); `caption_items` (c,) is the item of each caption."""
    names = [str(item) for item in range(similarity.shape[1])]
    return evaluate(similarity, [names[item] for item in caption_items], names, protocol=DEFAULT_PROTOCOL)


def compute_rsum(item_embeddings: Rows, caption_embeddings: Rows, caption_items: Ints) -> float:
    """The sum of the six recalls of one space."""
    return evaluate_similarity(
        InnerProductSimilarity(caption_embeddings, item_embeddings), caption_items
    ).rsum
