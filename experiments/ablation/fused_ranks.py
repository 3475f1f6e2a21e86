"""Late fusion of several spaces, and the evaluation of both directions under one or several protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from encoders import Rows
from retrieval.evaluation import (
    Evaluation,
    EvaluationProtocol,
    InnerProductSimilarity,
    Similarity,
    evaluate,
)
from retrieval.evaluation.rules import DEFAULT_PROTOCOL

Ints = npt.NDArray[np.int64]
Block = npt.NDArray[np.floating]
EmbeddingPair = tuple[Rows, Rows]  # unit rows of items (v, d) and of captions (c, d)
SplitEmbeddings = dict[str, EmbeddingPair]  # by split, "dev" and "test"


@dataclass(frozen=True, kw_only=True, eq=False)
class FusedSimilarity:
    """The weighted mean of similarities (q, n) of several spaces without the missing ones; NaN if all are.

    Where none is missing this ranks as JEMC's sum of similarities does (Mithun et al. 2018).
    """

    tables: tuple[Similarity, ...]
    weights: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(queries, items)."""
        return self.tables[0].shape

    def rows(self, queries: slice) -> Block:
        """The similarities (step, n) of a slice of the queries."""
        blocks = [table.rows(queries) for table in self.tables]
        weighted_sum = np.zeros_like(blocks[0])
        total_weight = np.zeros_like(blocks[0])
        for block, weight in zip(blocks, self.weights, strict=True):
            is_present = ~np.isnan(block)
            weighted_sum += weight * np.where(is_present, block, 0)
            total_weight += weight * is_present
        mean = np.full_like(weighted_sum, np.nan)
        return np.divide(weighted_sum, total_weight, out=mean, where=total_weight > 0)

    def transpose(self) -> FusedSimilarity:
        """The same with items as queries, (n, q)."""
        return FusedSimilarity(tables=tuple(table.transpose() for table in self.tables), weights=self.weights)


def fuse_similarities(
    embeddings: Sequence[EmbeddingPair], space_weights: Sequence[float] | None = None
) -> Similarity:
    """Similarities (captions, items) over spaces, each given as rows of items (v, d) and captions (c, d)."""
    tables: list[Similarity] = [InnerProductSimilarity(texts, media) for media, texts in embeddings]
    if len(tables) == 1:
        return tables[0]
    return FusedSimilarity(tables=tuple(tables), weights=tuple(space_weights or [1.0] * len(tables)))


def evaluate_similarity(
    similarity: Similarity, caption_items: Ints, protocol: EvaluationProtocol = DEFAULT_PROTOCOL
) -> Evaluation:
    """Evaluate both directions of similarities (c, v); `caption_items` (c,) is each caption's item."""
    names = [str(item) for item in range(similarity.shape[1])]
    return evaluate(similarity, [names[item] for item in caption_items], names, protocol=protocol)


def evaluate_under_protocols(
    similarity: Similarity, caption_items: Ints, protocols: Sequence[EvaluationProtocol]
) -> dict[EvaluationProtocol, Evaluation]:
    """`evaluate_similarity` under each; protocols that count ranks alike share one count."""
    evaluation_by_count: dict[tuple[str, str], Evaluation] = {}
    evaluations = {}
    for protocol in protocols:
        counted = (protocol.gallery, protocol.siblings)
        if counted not in evaluation_by_count:
            evaluation_by_count[counted] = evaluate_similarity(similarity, caption_items, protocol)
        first = evaluation_by_count[counted]
        evaluations[protocol] = Evaluation(
            t2v=replace(first.t2v, protocol=protocol), v2t=replace(first.v2t, protocol=protocol)
        )
    return evaluations


def compute_rsum(item_embeddings: Rows, caption_embeddings: Rows, caption_items: Ints) -> float:
    """The sum of the six recalls of one space."""
    return evaluate_similarity(
        InnerProductSimilarity(caption_embeddings, item_embeddings), caption_items
    ).rsum
