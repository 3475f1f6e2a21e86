"""Adapter of FAISS (Johnson, Douze & Jégou 2019) to the VectorIndex interface: IVF-PQ with fast scan.

Rows are grouped by k-means (inverted file), and their residuals coded by product quantisation with 4 bits a
part (Jégou, Douze & Schmid 2011; André, Kermarrec & Le Scouarnec 2015). Codes only choose a short list, whose
rows are then compared exactly.
"""

from __future__ import annotations

import os
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
MAX_REDUCED_DIM = 256  # longer rows are projected on their principal axes before they are coded
MAX_PARTS = 128  # of product quantisation
TRAINING_ROWS_PER_GROUP = 40  # FAISS warns below 39
TRAINING_ROUNDS = 10
SHORTLIST_FACTOR, MIN_SHORTLIST = 10, 400  # rows compared exactly by `search`
CODE_BITS = 4


class FaissIndex:
    """An approximate index that is immutable once built; `rows` are read for the exact comparison."""

    def __init__(self, index: Any, rows: StoredRows) -> None:
        self._index, self._rows = index, rows
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
        asked = np.flatnonzero(~is_missing_row(query_rows))
        wanted = count if mask is None else min(count, int(mask.sum()))
        effort = self.effort
        while len(asked) and wanted:
            found = self._search_index(query_rows[asked], count, effort, mask)
            positions[asked, :count] = found
            asked = asked[(found >= 0).sum(axis=1) < wanted]
            if effort >= self._group_count:
                break
            effort *= 4
        return positions

    @property
    def _group_count(self) -> int:
        ivf = import_faiss().try_extract_index_ivf(self._index)
        return 1 if ivf is None else int(ivf.nlist)

    def _search_index(self, queries: Rows, count: int, effort: int, mask: Mask | None) -> Positions:
        faiss = import_faiss()
        selector = None
        if mask is not None:
            selector = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
        if self._group_count == 1:
            parameters = faiss.SearchParameters(sel=selector)
        else:
            parameters = faiss.SearchParametersIVF(sel=selector, nprobe=min(effort, self._group_count))
            if isinstance(self._index, faiss.IndexPreTransform):
                parameters = faiss.SearchParametersPreTransform(index_params=parameters)
        return np.asarray(self._index.search(queries, count, params=parameters)[1], np.int64)


def train_index(rows: StoredRows, seed: int) -> Any:
    """An empty index with k-means, principal axes and codes trained on a sample of the rows (n, d)."""
    faiss = import_faiss()
    row_count, dim = rows.shape
    if row_count < MIN_GROUPED_ROWS:
        return faiss.IndexIDMap2(faiss.IndexFlatIP(dim))
    group_count = round(2 * row_count**0.5)
    rng = np.random.default_rng(seed)
    sampled = np.sort(rng.permutation(row_count)[: TRAINING_ROWS_PER_GROUP * group_count])
    sample = np.asarray(rows[sampled], np.float32)
    sample = sample[~is_missing_row(sample)]
    index = faiss.index_factory(dim, describe_index(dim, group_count), faiss.METRIC_INNER_PRODUCT)
    ivf = faiss.downcast_index(faiss.extract_index_ivf(index))
    ivf.cp.seed = ivf.pq.cp.seed = seed
    ivf.cp.niter = ivf.pq.cp.niter = TRAINING_ROUNDS
    index.train(sample)
    return index


def describe_index(dim: int, group_count: int) -> str:
    """The string from which FAISS makes the index of d-d rows."""
    reduced = min(dim, MAX_REDUCED_DIM)
    parts = min(MAX_PARTS, max(1, reduced // 2))
    length = parts * max(1, reduced // parts)  # a multiple of the number of parts
    reduction = f"PCA{length}," if length < dim else ""
    return f"{reduction}IVF{group_count},PQ{parts}x{CODE_BITS}fs"


def write_index(faiss: Any, index: Any, path: Path) -> None:
    """Write an index and fsync. Raises OSError."""
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # a full disk
        raise OSError(f"{path}: {str(error).splitlines()[0]}") from error
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def import_faiss() -> Any:
    """The package, imported when it is first needed. Raises MissingBackendError."""
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise MissingBackendError(
            "the index 'faiss' needs the package faiss-cpu: pip install faiss-cpu"
        ) from error
    return faiss
