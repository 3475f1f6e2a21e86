"""Latency and recall of whole fused queries: candidates, exact scores, calibration, fusion and merge."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders import Rows, unit_rows
from experiments.benchmarks.synthetic_library import VIEW_SPECS
from retrieval.evaluation import Estimate, compute_proportion_interval
from retrieval.search import EncodedQueryPart, Engine, Query
from retrieval.storage import Snapshot
from retrieval.vector_index import RowSubset, find_exact_neighbours

Positions = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]

TEXT_VIEWS = ("object.words", "activity.words", "audio.words", "audio.events")  # of three spaces
QUERY_NOISE = 0.7  # norm of what is added to an item's unit rows
RESULT_COUNT = 10
EXACT_DEPTH = 200  # candidates per view and modality of the exact reference
QUERY = Query(text="a synthetic query", k=RESULT_COUNT)


@dataclass(frozen=True, kw_only=True)
class QuerySet:
    """Encoded queries, each near the rows of one video in the views that a text has."""

    parts: Sequence[EncodedQueryPart]

    @classmethod
    def draw(cls, snapshot: Snapshot, count: int, seed: int) -> QuerySet:
        """Queries near `count` videos drawn at random."""
        rng = np.random.default_rng(seed)
        segments = rng.choice(np.flatnonzero(snapshot.mask_modality("video")), count)
        rows = {view: snapshot.views[view].select_rows(segments) for view in TEXT_VIEWS}
        noisy = {view: unit_rows(matrix + _draw_noise(rng, matrix)) for view, matrix in rows.items()}
        return cls(
            parts=[
                EncodedQueryPart(
                    embeddings={view: matrix[i : i + 1] for view, matrix in noisy.items()}, is_text=True
                )
                for i in range(count)
            ]
        )


def _draw_noise(rng: np.random.Generator, rows: Rows) -> Rows:
    return rng.standard_normal(rows.shape, np.float32) * np.float32(QUERY_NOISE / rows.shape[1] ** 0.5)


def time_queries(engine: Engine, queries: QuerySet) -> Seconds:
    """Seconds (q,) of each query; one goes ahead uncounted."""
    engine.run_encoded_query(QUERY, [queries.parts[0]])
    seconds = np.empty(len(queries.parts))
    for i, part in enumerate(queries.parts):
        start = time.perf_counter()
        engine.run_encoded_query(QUERY, [part])
        seconds[i] = time.perf_counter() - start
    return seconds


def measure_recall(engine: Engine, snapshot: Snapshot, queries: QuerySet) -> Estimate:
    """Share of the first results by exact candidates that the engine gives, with its 95 % interval."""
    shares = []
    for part, segments in zip(queries.parts, find_exact_candidates(snapshot, queries), strict=True):
        exact = {hit.id for hit in engine.run_encoded_query(QUERY, [part], segments).hits}
        found = {hit.id for hit in engine.run_encoded_query(QUERY, [part]).hits}
        shares.append(len(exact & found) / len(exact))
    return Estimate(float(np.mean(shares)), *compute_proportion_interval(shares))


def find_exact_candidates(snapshot: Snapshot, queries: QuerySet) -> list[Positions]:
    """For each query the segments of the EXACT_DEPTH nearest rows of every view and modality, ascending."""
    found: list[list[Positions]] = [[] for _ in queries.parts]
    for view in TEXT_VIEWS:
        vectors = snapshot.views[view]
        embeddings = np.concatenate([part.embeddings[view] for part in queries.parts])
        for modality in VIEW_SPECS[view].modalities:
            rows = np.flatnonzero(snapshot.mask_rows(view, modality))
            depth = min(EXACT_DEPTH, len(rows))
            nearest = find_exact_neighbours(RowSubset(vectors.rows, rows), embeddings, depth)
            for i, positions in enumerate(nearest):
                found[i].append(vectors.segment_by_row[rows[positions]])
    return [np.unique(np.concatenate(segments)).astype(np.int64) for segments in found]
