"""Paired readings of two modalities, the input of every alignment study, and readings of several at once."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError
from retrieval.evaluation import format_number
from retrieval.evaluation.permutation_tests import ExchangeRule

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

MAX_PAIRS = 1000  # pairs studied of a set, drawn evenly: keeps a study to minutes
AFFECT_COLUMNS = ("valence", "arousal")
CONTROL_ROWS = "the file marks these rows as controls, mismatched on purpose"

PredictFunction = Callable[[Floats], Floats]
FitFunction = Callable[[Floats, Ints], PredictFunction]
"""Fits a model on the anchors' features (n, d) and their row numbers (n,); the model maps features (m, d) to
coordinates (m, k)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairedReadings:
    """Readings of the same n items in two modalities.

    modalities: their names, the source first; maps lead from source to target
    source, target: (n, p) and (n, q), NaN where missing
    columns:  (q,) the names of the target's columns
    source_columns: (p,) the names of the source's columns, where they are not the target's
    groups:   (n,) group of each row, such as an actor, a film or a video; no fold splits a group
    emotions: (n,) emotion labels, the relevance of retrieval; "" where there is none
    affect:   (n, 2) true valence and arousal, for graded retrieval; if None and q = 2 the target's readings
    exchange: which rows are exchangeable under the null hypothesis of no relation
    fit_functions: a model of each modality, trained on the anchors, that turns its features into readings;
        None where the rows are readings already
    standardise: whether columns are standardised on the anchors: features have no common unit, readings do;
        features of a modality with a fit function are standardised in any case
    uses_inner_product: whether items are compared by inner product (of probabilities: that both are the
        same) and not by distance, while they are in the target's own coordinates
    is_test:  (n,) rows that are never trained on
    construction: how the pairs were made, where they are not of the same item
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
    source_columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        row_arrays = [self.target, self.groups, self.emotions, self.affect, self.is_test]
        if any(rows is not None and len(rows) != len(self.source) for rows in row_arrays):
            raise ValueError(f"{self.name}: rows do not pair")

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, kw_only=True, eq=False)
class MultimodalReadings:
    """Readings of the same n items in two or more modalities: (n, k) and the k column names, by modality.

    groups, emotions: (n,), None without such a column
    is_control: (n,) rows that are no true pairs but mismatched on purpose, if there are any
    """

    name: str
    by_modality: Mapping[str, Floats]
    columns: Mapping[str, tuple[str, ...]]
    groups: Strings | None
    emotions: Strings | None
    exchange: ExchangeRule
    is_control: npt.NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()

    @property
    def row_groups(self) -> Strings:
        """(n,) the group of each row; without groups each row is its own."""
        row_count = len(next(iter(self.by_modality.values())))
        return np.arange(row_count).astype(str) if self.groups is None else self.groups

    def make_pairs(self) -> list[PairedReadings]:
        """Every pair of modalities, in the order of the columns; control rows are sets of their own."""
        pairs = []
        for source, target in itertools.combinations(self.by_modality, 2):
            # columns of different names, or more than two, are features without a common unit
            has_common_unit = self.columns[source] == self.columns[target] and len(self.columns[source]) <= 2
            pairs += _split_controls(PairedReadings(
                name=f"{self.name}: {source} to {target}", modalities=(source, target),
                source=self.by_modality[source], target=self.by_modality[target],
                columns=self.columns[target], source_columns=self.columns[source],
                groups=self.row_groups, emotions=self.emotions, exchange=self.exchange,
                standardise=not has_common_unit, notes=self.notes,
            ), self.is_control)  # fmt: skip
        return pairs

    def drop_controls(self) -> MultimodalReadings:
        """The readings of true pairs alone."""
        if self.is_control is None:
            return self
        is_true = ~self.is_control
        return replace(
            self,
            by_modality={name: rows[is_true] for name, rows in self.by_modality.items()},
            groups=self.row_groups[is_true],
            emotions=None if self.emotions is None else self.emotions[is_true],
            is_control=None,
        )


def _split_controls(pairs: PairedReadings, is_control: npt.NDArray[np.bool_] | None) -> list[PairedReadings]:
    """The true pairs, if there are any, and the control rows under a name of their own."""
    if is_control is None or not is_control.any():
        return [pairs]
    count = int(is_control.sum())
    subject = "1 row marked as a control is a set of its own"
    if count > 1:
        subject = f"{count} rows marked as controls are a set of their own"
    true_pairs = select_rows(pairs, np.flatnonzero(~is_control), subject)
    controls = replace(
        select_rows(pairs, np.flatnonzero(is_control)),
        name=f"{pairs.name}, controls",
        construction=CONTROL_ROWS,
    )
    return [true_pairs, controls] if len(true_pairs) else [controls]


def find_usable_rows(pairs: PairedReadings) -> npt.NDArray[np.bool_]:
    """(n,) whether both modalities have a complete reading, or, of features, at least one value."""
    is_missing = np.zeros(len(pairs), bool)
    for rows, fit in zip((pairs.source, pairs.target), pairs.fit_functions, strict=True):
        is_nan = np.isnan(rows)
        is_missing |= is_nan.all(axis=1) if pairs.standardise or fit is not None else is_nan.any(axis=1)
    return ~is_missing


def compute_readings_digest(pairs: PairedReadings) -> str:
    """SHA-256, hexadecimal, of the usable rows' readings or features, groups and emotions, and of columns."""
    state = hashlib.sha256(json.dumps([pairs.modalities, pairs.columns, pairs.source_columns]).encode())
    is_usable = find_usable_rows(pairs)
    for rows in (pairs.source, pairs.target):
        state.update(np.ascontiguousarray(rows[is_usable]).tobytes())
    for labels in (pairs.groups, pairs.emotions):
        state.update("\0".join([] if labels is None else labels[is_usable].tolist()).encode())
    return state.hexdigest()


def check_columns_vary(pairs: PairedReadings) -> PairedReadings:
    """The pairs, with a note on readings that are the same in every pair; features are not looked at.

    Raises AffectError where all columns of a modality are constant.
    """
    notes: list[str] = []
    columns_by_side = (pairs.source_columns or pairs.columns, pairs.columns)
    for side, rows in enumerate((pairs.source, pairs.target)):
        modality, columns = pairs.modalities[side], columns_by_side[side]
        is_constant = np.fmin.reduce(rows, axis=0) == np.fmax.reduce(rows, axis=0)
        if is_constant.all():
            raise AffectError(f"{pairs.name}: {modality} is the same in every pair; nothing can be aligned")
        if pairs.fit_functions[side] is None and len(columns) == rows.shape[1]:
            notes += [
                f"{columns[at]} of {modality} is {format_number(np.fmax.reduce(rows[:, at]))} in every pair, "
                "which tells nothing of it"
                for at in np.flatnonzero(is_constant)
            ]
    return replace(pairs, notes=(*pairs.notes, *notes))


def select_rows(pairs: PairedReadings, rows: Ints, *notes: str) -> PairedReadings:
    """The pairs at these row numbers, with `notes` that give the reason.

    Raises ValueError for pairs with fit functions, which refer to rows by number.
    """
    if len(rows) == len(pairs):
        return pairs
    if pairs.fit_functions != (None, None):
        raise ValueError(f"{pairs.name}: fit functions refer to rows by number")

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


def draw_evenly(count: int) -> Ints:
    """Up to MAX_PAIRS indices of `count` rows, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(MAX_PAIRS, count)).astype(int))
