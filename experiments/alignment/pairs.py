"""Paired readings of two senses: what a study is made of, how they are held out, and tables of one's own."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, to_printable
from encoders.text_files import read_text
from retrieval.evaluation.procrustes import ExchangeRule
from retrieval.evaluation.splits import make_group_folds
from spaces.standardisation import compute_scale

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

FOLD_COUNT = 5
MAX_Z_SCORE = 5.0  # standard deviations of the anchors: features that lie farther out are held there

PredictFunction = Callable[[Floats], Floats]
FitFunction = Callable[[Floats, Ints], PredictFunction]
"""From a sense's features of the anchors (n, d) and their row numbers to a model that reads features (m, d)
into coordinates (m, k)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairedReadings:
    """Two senses' readings of the same n things.

    modalities: their names, the source first; maps lead from source to target
    source, target: (n, p) and (n, q), NaN where missing
    columns:  (q,) the names of the target's columns
    groups:   (n,) what no fold tears apart: an actor, a film, a video
    emotions: (n,) words for which there is a right answer in retrieval; none where ""
    affect:   (n, 2) true valence and arousal, for graded retrieval; if None and q = 2 the target's readings
    exchange: what may change places if there were no relation
    fit_functions: how a sense's features become readings, by a model taught on the anchors; None where they
        are readings already
    standardise: whether columns are standardised on the anchors: features have no common unit, readings do;
        of a taught sense they always are
    uses_inner_product: whether things are compared by inner product (of probabilities: that both are the
        same) and not by distance, while they are in the target's own coordinates
    is_test:  (n,) rows that are never learnt from
    construction: where pairs are not true ones, how they were made
    """

    name: str
    modalities: tuple[str, str]
    source: Floats
    target: Floats
    columns: tuple[str, ...]
    groups: Strings
    emotions: Strings | None = None
    affect: Floats | None = None
    exchange: ExchangeRule = "rows"
    fit_functions: tuple[FitFunction | None, FitFunction | None] = (None, None)
    standardise: bool = False
    uses_inner_product: bool = False
    is_test: npt.NDArray[np.bool_] | None = None
    construction: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.source)
        told = [self.target, self.groups, self.emotions, self.affect, self.is_test]
        if any(one is not None and len(one) != count for one in told):
            raise ValueError(f"{self.name}: rows do not pair")

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """Anchors and what is held out of them, as readings.

    held_out_rows: (m,) numbers of the rows held out; `anchor_rows` (n,) of the anchors
    source, target: (n, k) of the anchors; new_source, new_target (m, k) of the others
    target_mean: (q,) mean of the anchors' targets: the plainest forecast
    """

    held_out_rows: Ints
    anchor_rows: Ints
    source: Floats
    target: Floats
    held_out_source: Floats
    held_out_target: Floats

    @property
    def target_mean(self) -> Floats:
        """(q,) mean of the anchors' targets."""
        return np.asarray(np.nanmean(self.target, axis=0))


def split_folds(pairs: PairedReadings, *, seed: int, split: Literal["folds", "test"] = "folds") -> list[Fold]:
    """folds: groups held out in turn; test: all other rows are anchors of the test rows, if there are any.

    Models of the readings (`Pairs.teach`) are taught on the anchors alone; the readings of the anchors come
    from models taught on other groups of anchors, so that they are as good as those of what is held out.

    Raises AffectError for too few groups.
    """
    test = np.zeros(len(pairs), bool) if pairs.is_test is None else pairs.is_test
    known = np.flatnonzero(~test)
    if split == "test":
        new = np.flatnonzero(test)
        return [_make_fold(pairs, known, new, seed)] if len(new) and len(known) else []
    parts = _split_groups(pairs, known, seed)
    return [_make_fold(pairs, np.setdiff1d(known, new), new, seed) for new in parts]


def split_half(pairs: PairedReadings, *, seed: int) -> Fold:
    """Half of the groups held out, the others are anchors. Raises AffectError as `held_out` does."""
    rows = np.flatnonzero(np.ones(len(pairs), bool) if pairs.is_test is None else ~pairs.is_test)
    anchors, new = _split_groups(pairs, rows, seed + 2, 2)
    return _make_fold(pairs, anchors, new, seed)


def _split_groups(pairs: PairedReadings, rows: Ints, seed: int, max_folds: int = FOLD_COUNT) -> list[Ints]:
    groups = pairs.groups[rows]
    count = min(max_folds, len(np.unique(groups)))
    if count < 2:
        raise AffectError(f"{pairs.name}: all {len(rows)} rows are of one group; nothing can be held out")
    return [np.sort(rows[part]) for part in make_group_folds(list(groups), count, seed)]


def _make_fold(pairs: PairedReadings, anchor_rows: Ints, held_out_rows: Ints, seed: int) -> Fold:
    read = []
    for at, rows in enumerate((pairs.source, pairs.target)):
        known, asked = rows[anchor_rows], rows[held_out_rows]
        teach = pairs.fit_functions[at]
        if pairs.standardise or teach is not None:
            known, asked = standardise(known, asked)
        if teach is not None:
            known, asked = _predict_readings(pairs, teach, known, asked, anchor_rows, seed)
        read.append((known, asked))
    return Fold(
        held_out_rows=held_out_rows, anchor_rows=anchor_rows, source=read[0][0], target=read[1][0],
        held_out_source=read[0][1], held_out_target=read[1][1],
    )  # fmt: skip


def standardise(anchors: Floats, held_out: Floats) -> tuple[Floats, Floats]:
    """Both by the mean and standard deviation of the first; what is missing lies at the mean."""
    here = np.where(np.isnan(anchors), np.nanmean(anchors, axis=0), anchors)
    mean, scale = here.mean(axis=0), compute_scale(here)

    def transform(rows: Floats) -> Floats:
        return np.nan_to_num(np.clip((rows - mean) / scale, -MAX_Z_SCORE, MAX_Z_SCORE))

    return transform(anchors), transform(held_out)


def _predict_readings(
    pairs: PairedReadings,
    fit: FitFunction,
    anchor_features: Floats,
    held_out_features: Floats,
    anchor_rows: Ints,
    seed: int,
) -> tuple[Floats, Floats]:
    out = fit(anchor_features, anchor_rows)(held_out_features)
    inside = np.full((len(anchor_features), out.shape[1]), np.nan)
    place = {row: at for at, row in enumerate(anchor_rows)}
    for part in _split_groups(pairs, anchor_rows, seed + 1):
        left = np.array([place[row] for row in part])
        rest = np.setdiff1d(np.arange(len(anchor_features)), left)
        inside[left] = fit(anchor_features[rest], anchor_rows[rest])(anchor_features[left])
    return inside, out


# tables of one's own


@dataclass(frozen=True, kw_only=True, eq=False)
class MultimodalReadings:
    """Readings of two senses or more of the same n things, by the sense; None where a column is not there."""

    name: str
    by_modality: Mapping[str, Floats]
    columns: Mapping[str, tuple[str, ...]]
    groups: Strings | None
    emotions: Strings | None
    exchange: ExchangeRule

    @property
    def row_groups(self) -> Strings:
        """(n,) the group of each row; everyone alone without groups."""
        rows = len(next(iter(self.by_modality.values())))
        return np.arange(rows).astype(str) if self.groups is None else self.groups

    def make_pairs(self) -> list[PairedReadings]:
        """Every two senses, in the order of the columns."""
        found = []
        for one, other in itertools.combinations(self.by_modality, 2):
            # columns of other names, or many, are features without a common unit
            plane = self.columns[one] == self.columns[other] and len(self.columns[one]) == 2
            found.append(PairedReadings(
                name=f"{self.name}: {one} to {other}", modalities=(one, other), source=self.by_modality[one],
                target=self.by_modality[other], columns=self.columns[other], groups=self.row_groups,
                emotions=self.emotions, exchange=self.exchange, standardise=not plane,
            ))  # fmt: skip
        return found


def read_readings_csv(path: Path, *, exchange: ExchangeRule | None = None) -> MultimodalReadings:
    """Blocks of columns of a CSV file, named by prefix: a.valence, a.arousal, b.valence, ...

    A block's prefix is what stands before the last dot. The columns `group` (rows of one are never torn
    apart) and `emotion` are optional; an empty cell is missing. Without `group` every row is one; with it,
    whole groups are exchanged by default, as befits rows that follow each other.

    Raises AffectError naming what can't be used.
    """
    try:
        lines = list(csv.reader(io.StringIO(read_text(path), newline="")))
    except (OSError, ValueError, csv.Error) as bad:
        reason = getattr(bad, "strerror", None) or str(bad)
        raise AffectError(f"{to_printable(path)}: {str(reason).lower()}") from bad
    if len(lines) < 2:
        raise AffectError(f"{to_printable(path)}: no rows")
    header = [name.strip() for name in lines[0]]
    if len(set(header)) != len(header):
        raise AffectError(f"{to_printable(path)}: a column is there twice")
    blocks = {
        prefix: [at for at, name in enumerate(header) if "." in name and name.rpartition(".")[0] == prefix]
        for prefix in dict.fromkeys(name.rpartition(".")[0] for name in header if "." in name)
    }
    if len(blocks) < 2:
        raise AffectError(
            f"{to_printable(path)}: two or more blocks of columns are needed, such as a.valence, a.arousal, "
            f"b.valence, b.arousal; found: {', '.join(blocks) or 'none'}"
        )
    readings = {prefix: _parse_numbers(path, header, lines[1:], at) for prefix, at in blocks.items()}
    groups = _parse_text_column(header, lines[1:], "group")
    return MultimodalReadings(
        name=path.stem,
        by_modality=readings,
        groups=groups,
        emotions=_parse_text_column(header, lines[1:], "emotion"),
        columns={name: tuple(header[at].rpartition(".")[2] for at in ats) for name, ats in blocks.items()},
        exchange=exchange or ("rows" if groups is None else "groups"),
    )


def _parse_numbers(path: Path, header: list[str], lines: list[list[str]], columns: list[int]) -> Floats:
    out = np.full((len(lines), len(columns)), np.nan)
    for number, line in enumerate(lines):
        if len(line) != len(header):
            raise AffectError(
                f"{to_printable(path)}, line {number + 2}: {len(line)} cells, not {len(header)}"
            )
        for column, place in enumerate(columns):
            cell = line[place].strip()
            if not cell or cell.lower() == "nan":
                continue
            try:
                out[number, column] = float(cell)
            except ValueError as bad:
                told = f"{to_printable(path)}, line {number + 2}, {header[place]}: {cell!r} is not a number"
                raise AffectError(told) from bad
            if np.isinf(out[number, column]):
                raise AffectError(f"{to_printable(path)}, line {number + 2}, {header[place]}: not finite")
    return out


def _parse_text_column(header: list[str], lines: list[list[str]], name: str) -> Strings | None:
    if name not in header:
        return None
    return np.array([line[header.index(name)].strip() for line in lines])


def find_usable_rows(pairs: PairedReadings) -> npt.NDArray[np.bool_]:
    """(n,) rows that both senses say something of: all of it, or of features some."""
    mute = np.zeros(len(pairs), bool)
    for rows, teach in zip((pairs.source, pairs.target), pairs.fit_functions, strict=True):
        gaps = np.isnan(rows)
        mute |= gaps.all(axis=1) if pairs.standardise or teach is not None else gaps.any(axis=1)
    return ~mute


def select_rows(pairs: PairedReadings, rows: Ints, *notes: str) -> PairedReadings:
    """Some rows of pairs, with notes of why. Raises ValueError where models know rows by number."""
    if len(rows) == len(pairs):
        return pairs
    if pairs.fit_functions != (None, None):
        raise ValueError(f"{pairs.name}: models that are taught know rows by number")

    def select_optional(values: npt.NDArray[Any] | None) -> Any:
        return None if values is None else values[rows]

    return replace(
        pairs,
        source=pairs.source[rows],
        target=pairs.target[rows],
        groups=pairs.groups[rows],
        emotions=select_optional(pairs.emotions),
        affect=select_optional(pairs.affect),
        is_test=select_optional(pairs.is_test),
        notes=(*pairs.notes, *notes),
    )
