"""Adapter of FAISS (Johnson, Douze & Jégou 2019) to the VectorIndex interface: IVF-PQ with fast scan.

Rows are grouped by k-means (inverted file), and their residuals coded by product quantisation with 4 bits a
part (Jégou, Douze & Schmid 2011; André, Kermarrec & Le Scouarnec 2015). Codes only choose a short list, whose
rows are then compared exactly.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from encoders import MissingBackendError, Rows, is_missing_row, make_draft_path
from retrieval.vector_index.topk import (
    LARGE_CHUNK_BYTES,
    Mask,
    Neighbours,
    Positions,
    StoredRows,
    pad_neighbours,
    rescore,
    select_top_k,
    split_into_chunks,
    validate_k,
    validate_queries,
)

EFFORTS = (16, 32, 64, 128, 256, 512, 1024)  # groups searched: nprobe
MIN_GROUPED_ROWS = 10_000  # fewer are stored whole, without codes
MAX_REDUCED_DIM = 256  # longer rows are projected on principal axes before they are coded
MAX_AXES_ROWS = 20 * MAX_REDUCED_DIM  # of which the axes are taken
MAX_PARTS = 128  # of product quantisation
TRAINING_ROWS_PER_GROUP = 40  # FAISS warns below 39
TRAINING_ROUNDS = 10
SHORTLIST_FACTOR, MIN_SHORTLIST = 10, 400  # rows compared exactly by `search`
CODE_BITS = 4


class FaissIndex:
    """An approximate index that is immutable once built; `rows` are read for the exact comparison."""

    def __init__(self, index: Any, rows: StoredRows) -> None:
        self._index, self._rows = index, rows
        self._parameters: dict[int, Any] = {}  # of searches without a mask, by effort
        self.effort = EFFORTS[0]

    @classmethod
    def build(cls, rows: StoredRows, path: Path, seed: int = 0) -> FaissIndex:
        """Build over (n, d) unit `rows`, write `path` atomically, and give an index ready for search.

        Missing rows are left out without changing positions. Raises MissingBackendError without the package,
        OSError if writing fails.
        """
        faiss = import_faiss()
        index = train_index(rows, seed)
        for chunk_slice in split_into_chunks(len(rows), 4 * rows.shape[1], LARGE_CHUNK_BYTES):
            chunk = np.asarray(rows[chunk_slice], np.float32)
            present = np.flatnonzero(~is_missing_row(chunk))
            if len(present):
                index.add_with_ids(chunk[present], chunk_slice.start + present)
        with make_draft_path(path) as draft:
            write_index(faiss, index, draft)
            draft.replace(path)
        return cls(index, rows)

    @classmethod
    def load(cls, path: Path, rows: StoredRows) -> FaissIndex:
        """Map a file that `build` wrote for rows (n, d).

        Raises OSError if it is absent, ValueError if it is damaged or of rows of another length.
        """
        faiss = import_faiss()
        path.stat()  # OSError
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise ValueError(f"{path}: no FAISS index can be read") from error
        if index.d != rows.shape[1] or index.ntotal > len(rows):
            raise ValueError(f"{path}: an index of {index.ntotal} rows of length {index.d}")
        return cls(index, rows)

    def search(self, queries: Rows, k: int, mask: Mask | None = None) -> Neighbours:
        """See VectorIndex."""
        count = validate_k(k)
        shortlists = self.find_candidates(queries, max(SHORTLIST_FACTOR * count, MIN_SHORTLIST), mask)
        neighbours = []
        for query, shortlist in zip(queries, shortlists, strict=True):
            positions = shortlist[shortlist >= 0]
            neighbours.append(select_top_k(positions, rescore(self._rows, positions, query), count))
        return pad_neighbours(neighbours, count)

    def find_candidates(self, queries: Rows, k: int, mask: Mask | None = None) -> Positions:
        """See VectorIndex. Searches more and more groups until k rows are found, or all were searched."""
        count = min(validate_k(k), max(self._index.ntotal, 1))
        if mask is not None and mask.shape != (len(self._rows),):
            raise ValueError(f"mask must have one flag a row ({len(self._rows)},), not {mask.shape}")
        query_rows = np.ascontiguousarray(validate_queries(queries, self._rows.shape[1]), np.float32)
        positions = np.full((len(query_rows), validate_k(k)), -1, np.int64)
        open_queries = np.flatnonzero(~is_missing_row(query_rows))
        wanted = count if mask is None else min(count, int(mask.sum()))
        effort = self.effort
        while len(open_queries) and wanted:
            found = self._search_index(query_rows[open_queries], count, effort, mask)
            positions[open_queries, :count] = found
            open_queries = open_queries[(found >= 0).sum(axis=1) < wanted]
            if effort >= self._group_count:
                break
            effort *= 4
        return positions

    @cached_property
    def _group_count(self) -> int:
        ivf = import_faiss().try_extract_index_ivf(self._index)
        return 1 if ivf is None else int(ivf.nlist)

    def _search_index(self, queries: Rows, count: int, effort: int, mask: Mask | None) -> Positions:
        if mask is not None:
            selector = import_faiss().IDSelectorBitmap(np.packbits(mask, bitorder="little"))
            parameters = self._make_parameters(effort, selector)
        else:
            if effort not in self._parameters:
                self._parameters[effort] = self._make_parameters(effort, None)
            parameters = self._parameters[effort]
        return np.asarray(self._index.search(queries, count, params=parameters)[1], np.int64)

    def _make_parameters(self, effort: int, selector: Any) -> Any:
        faiss = import_faiss()
        if self._group_count == 1:
            return faiss.SearchParameters(sel=selector)
        parameters = faiss.SearchParametersIVF(sel=selector, nprobe=min(effort, self._group_count))
        if isinstance(self._index, faiss.IndexPreTransform):
            return faiss.SearchParametersPreTransform(index_params=parameters)
        return parameters


def train_index(rows: StoredRows, seed: int) -> Any:
    """An empty index with k-means, principal axes and codes trained on a sample of the rows (n, d)."""
    faiss = import_faiss()
    row_count, dim = rows.shape
    if row_count < MIN_GROUPED_ROWS:
        return faiss.IndexIDMap2(faiss.IndexFlatIP(dim))
    group_count = round(2 * row_count**0.5)
    rng = np.random.default_rng(seed)
    sampled = rng.permutation(row_count)[: TRAINING_ROWS_PER_GROUP * group_count]
    sample = np.asarray(rows[np.sort(sampled)], np.float32)
    sample = rng.permutation(sample[~is_missing_row(sample)])
    transform = reduce_rows(sample, seed) if dim > MAX_REDUCED_DIM else None
    coded_dim = MAX_REDUCED_DIM if transform is not None else dim
    index = faiss.index_factory(coded_dim, describe_index(coded_dim, group_count), faiss.METRIC_INNER_PRODUCT)
    ivf = faiss.downcast_index(faiss.extract_index_ivf(index))
    ivf.cp.seed = ivf.pq.cp.seed = seed
    ivf.cp.niter = ivf.pq.cp.niter = TRAINING_ROUNDS
    index.train(sample if transform is None else transform.apply(sample))
    return index if transform is None else _prepend(transform, index)


def reduce_rows(sample: Rows, seed: int) -> Any:
    """The linear map of rows (n, d) to their inner products with MAX_REDUCED_DIM principal axes.

    The axes are those of the rows as they are, not centred: that keeps inner products best. Halko, Martinsson
    & Tropp 2011; FAISS's own decomposition of 2304 columns takes fifteen times as long.
    """
    from sklearn.utils.extmath import randomized_svd

    faiss = import_faiss()
    axes = randomized_svd(sample[:MAX_AXES_ROWS], MAX_REDUCED_DIM, n_iter=2, random_state=seed)[2]
    transform = faiss.LinearTransform(sample.shape[1], MAX_REDUCED_DIM)
    faiss.copy_array_to_vector(np.ascontiguousarray(axes, np.float32).ravel(), transform.A)
    transform.is_trained = True
    return transform


def _prepend(transform: Any, index: Any) -> Any:
    """An index that maps rows before it searches; it owns both."""
    faiss = import_faiss()
    whole = faiss.IndexPreTransform(transform, index)
    for part in (transform, index):
        part.this.disown()
    whole.own_fields = True
    return whole


def describe_index(dim: int, group_count: int) -> str:
    """The string from which FAISS makes the index of rows of at most MAX_REDUCED_DIM columns."""
    parts = min(MAX_PARTS, max(1, dim // 2))
    length = -(-dim // parts) * parts  # the next multiple of the number of parts
    padding = f"Pad{length}," if length > dim else ""
    return f"{padding}IVF{group_count},PQ{parts}x{CODE_BITS}fs"


def write_index(faiss: Any, index: Any, path: Path) -> None:
    """Write an index and fsync. Raises OSError."""
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # a full disk
        raise OSError(f"{path}: {str(error).splitlines()[0]}") from error
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def import_faiss() -> Any:
    """The package, imported when it is first needed, with one thread a call. Raises MissingBackendError.

    OpenMP's threads spin while they wait: where other processes work, a build with two took ten times as long
    as with one. Searches and builds run beside each other instead.
    """
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise MissingBackendError(
            "the index 'faiss' needs the package faiss-cpu: pip install faiss-cpu"
        ) from error
    if faiss.omp_get_max_threads() != 1:
        faiss.omp_set_num_threads(1)
    return faiss
