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

from encoders.base import AffectError, printable
from encoders.text_files import read_text
from retrieval.evaluation.procrustes import Exchange
from retrieval.evaluation.splits import folds
from spaces.alignment.steps import spread

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]

FOLDS = 5
FARTHEST = 5.0  # standard deviations of the anchors: features that lie farther out are held there

Reading = Callable[[Floats], Floats]
Teach = Callable[[Floats, Ints], Reading]
"""From a sense's features of the anchors (n, d) and their row numbers to a model that reads features (m, d)
into coordinates (m, k)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Two senses' readings of the same n things.

    senses:   their names, the source first; maps lead from source to target
    source, target: (n, p) and (n, q), NaN where missing
    columns:  (q,) the names of the target's columns
    groups:   (n,) what no fold tears apart: an actor, a film, a video
    emotions: (n,) words for which there is a right answer in retrieval; none where ""
    moods:    (n, 2) true valence and arousal, for graded retrieval; if None and q = 2 the target's readings
    exchange: what may change places if there were no relation
    teach:    how a sense's features become readings, by a model taught on the anchors; None where they are
              readings already
    scale:    whether columns are standardised on the anchors: features have no common unit, readings do; of
              a taught sense they always are
    product:  whether things are compared by inner product (of probabilities: that both are the same) and not
              by distance, while they are in the target's own coordinates
    test:     (n,) rows that are never learnt from
    made:     where pairs are not true ones, how they were made
    """

    name: str
    senses: tuple[str, str]
    source: Floats
    target: Floats
    columns: tuple[str, ...]
    groups: Names
    emotions: Names | None = None
    moods: Floats | None = None
    exchange: Exchange = "rows"
    teach: tuple[Teach | None, Teach | None] = (None, None)
    scale: bool = False
    product: bool = False
    test: npt.NDArray[np.bool_] | None = None
    made: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.source)
        told = [self.target, self.groups, self.emotions, self.moods, self.test]
        if any(one is not None and len(one) != count for one in told):
            raise ValueError(f"{self.name}: rows do not pair")

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """Anchors and what is held out of them, as readings.

    rows:    (m,) numbers of the rows held out; `anchors` (n,) of the anchors
    source, target: (n, k) of the anchors; new_source, new_target (m, k) of the others
    centre:  (q,) mean of the anchors' targets: the plainest forecast
    """

    rows: Ints
    anchors: Ints
    source: Floats
    target: Floats
    new_source: Floats
    new_target: Floats

    @property
    def centre(self) -> Floats:
        """(q,) mean of the anchors' targets."""
        return np.asarray(np.nanmean(self.target, axis=0))


def held_out(pairs: Pairs, *, seed: int, part: Literal["folds", "test"] = "folds") -> list[Fold]:
    """folds: groups held out in turn; test: all other rows are anchors of the test rows, if there are any.

    Models of the readings (`Pairs.teach`) are taught on the anchors alone; the readings of the anchors come
    from models taught on other groups of anchors, so that they are as good as those of what is held out.

    Raises AffectError for too few groups.
    """
    test = np.zeros(len(pairs), bool) if pairs.test is None else pairs.test
    known = np.flatnonzero(~test)
    if part == "test":
        new = np.flatnonzero(test)
        return [_fold(pairs, known, new, seed)] if len(new) and len(known) else []
    parts = _grouped(pairs, known, seed)
    return [_fold(pairs, np.setdiff1d(known, new), new, seed) for new in parts]


def halved(pairs: Pairs, *, seed: int) -> Fold:
    """Half of the groups held out, the others are anchors. Raises AffectError as `held_out` does."""
    rows = np.flatnonzero(np.ones(len(pairs), bool) if pairs.test is None else ~pairs.test)
    anchors, new = _grouped(pairs, rows, seed + 2, 2)
    return _fold(pairs, anchors, new, seed)


def _grouped(pairs: Pairs, rows: Ints, seed: int, most: int = FOLDS) -> list[Ints]:
    groups = pairs.groups[rows]
    count = min(most, len(np.unique(groups)))
    if count < 2:
        raise AffectError(f"{pairs.name}: all {len(rows)} rows are of one group; nothing can be held out")
    return [np.sort(rows[part]) for part in folds(list(groups), count, seed)]


def _fold(pairs: Pairs, anchors: Ints, new: Ints, seed: int) -> Fold:
    read = []
    for at, rows in enumerate((pairs.source, pairs.target)):
        known, asked = rows[anchors], rows[new]
        teach = pairs.teach[at]
        if pairs.scale or teach is not None:
            known, asked = scaled(known, asked)
        if teach is not None:
            known, asked = _taught(pairs, teach, known, asked, anchors, seed)
        read.append((known, asked))
    return Fold(
        rows=new, anchors=anchors, source=read[0][0], target=read[1][0],
        new_source=read[0][1], new_target=read[1][1],
    )  # fmt: skip


def scaled(known: Floats, asked: Floats) -> tuple[Floats, Floats]:
    """Both by the mean and standard deviation of the first; what is missing lies at the mean."""
    here = np.where(np.isnan(known), np.nanmean(known, axis=0), known)
    mean, scale = here.mean(axis=0), spread(here)

    def one(rows: Floats) -> Floats:
        return np.nan_to_num(np.clip((rows - mean) / scale, -FARTHEST, FARTHEST))

    return one(known), one(asked)


def _taught(
    pairs: Pairs, teach: Teach, known: Floats, asked: Floats, anchors: Ints, seed: int
) -> tuple[Floats, Floats]:
    out = teach(known, anchors)(asked)
    inside = np.full((len(known), out.shape[1]), np.nan)
    place = {row: at for at, row in enumerate(anchors)}
    for part in _grouped(pairs, anchors, seed + 1):
        left = np.array([place[row] for row in part])
        rest = np.setdiff1d(np.arange(len(known)), left)
        inside[left] = teach(known[rest], anchors[rest])(known[left])
    return inside, out


# tables of one's own


@dataclass(frozen=True, kw_only=True, eq=False)
class Blocks:
    """Readings of two senses or more of the same n things, by the sense; None where a column is not there."""

    name: str
    readings: Mapping[str, Floats]
    columns: Mapping[str, tuple[str, ...]]
    groups: Names | None
    emotions: Names | None
    exchange: Exchange

    @property
    def owner(self) -> Names:
        """(n,) the group of each row; everyone alone without groups."""
        rows = len(next(iter(self.readings.values())))
        return np.arange(rows).astype(str) if self.groups is None else self.groups

    def pairs(self) -> list[Pairs]:
        """Every two senses, in the order of the columns."""
        found = []
        for one, other in itertools.combinations(self.readings, 2):
            # columns of other names, or many, are features without a common unit
            plane = self.columns[one] == self.columns[other] and len(self.columns[one]) == 2
            found.append(Pairs(
                name=f"{self.name}: {one} to {other}", senses=(one, other), source=self.readings[one],
                target=self.readings[other], columns=self.columns[other], groups=self.owner,
                emotions=self.emotions, exchange=self.exchange, scale=not plane,
            ))  # fmt: skip
        return found


def read_pairs(file: Path, *, exchange: Exchange | None = None) -> Blocks:
    """Blocks of columns of a CSV file, named by prefix: a.valence, a.arousal, b.valence, ...

    A block's prefix is what stands before the last dot. The columns `group` (rows of one are never torn
    apart) and `emotion` are optional; an empty cell is missing. Without `group` every row is one; with it,
    whole groups are exchanged by default, as befits rows that follow each other.

    Raises AffectError naming what can't be used.
    """
    try:
        lines = list(csv.reader(io.StringIO(read_text(file), newline="")))
    except (OSError, ValueError, csv.Error) as bad:
        reason = getattr(bad, "strerror", None) or str(bad)
        raise AffectError(f"{printable(file)}: {str(reason).lower()}") from bad
    if len(lines) < 2:
        raise AffectError(f"{printable(file)}: no rows")
    header = [name.strip() for name in lines[0]]
    if len(set(header)) != len(header):
        raise AffectError(f"{printable(file)}: a column is there twice")
    blocks = {
        prefix: [at for at, name in enumerate(header) if "." in name and name.rpartition(".")[0] == prefix]
        for prefix in dict.fromkeys(name.rpartition(".")[0] for name in header if "." in name)
    }
    if len(blocks) < 2:
        raise AffectError(
            f"{printable(file)}: two or more blocks of columns are needed, such as a.valence, a.arousal, "
            f"b.valence, b.arousal; found: {', '.join(blocks) or 'none'}"
        )
    readings = {prefix: _numbers(file, header, lines[1:], at) for prefix, at in blocks.items()}
    groups = _words(header, lines[1:], "group")
    return Blocks(
        name=file.stem, readings=readings, groups=groups, emotions=_words(header, lines[1:], "emotion"),
        columns={name: tuple(header[at].rpartition(".")[2] for at in ats) for name, ats in blocks.items()},
        exchange=exchange or ("rows" if groups is None else "groups"),
    )  # fmt: skip


def _numbers(file: Path, header: list[str], lines: list[list[str]], at: list[int]) -> Floats:
    out = np.full((len(lines), len(at)), np.nan)
    for number, line in enumerate(lines):
        if len(line) != len(header):
            raise AffectError(f"{printable(file)}, line {number + 2}: {len(line)} cells, not {len(header)}")
        for column, place in enumerate(at):
            cell = line[place].strip()
            if not cell or cell.lower() == "nan":
                continue
            try:
                out[number, column] = float(cell)
            except ValueError as bad:
                told = f"{printable(file)}, line {number + 2}, {header[place]}: {cell!r} is not a number"
                raise AffectError(told) from bad
            if np.isinf(out[number, column]):
                raise AffectError(f"{printable(file)}, line {number + 2}, {header[place]}: not finite")
    return out


def _words(header: list[str], lines: list[list[str]], name: str) -> Names | None:
    if name not in header:
        return None
    return np.array([line[header.index(name)].strip() for line in lines])


def usable(pairs: Pairs) -> npt.NDArray[np.bool_]:
    """(n,) rows that both senses say something of: all of it, or of features some."""
    mute = np.zeros(len(pairs), bool)
    for rows, teach in zip((pairs.source, pairs.target), pairs.teach, strict=True):
        gaps = np.isnan(rows)
        mute |= gaps.all(axis=1) if pairs.scale or teach is not None else gaps.any(axis=1)
    return ~mute


def chosen(pairs: Pairs, rows: Ints, *notes: str) -> Pairs:
    """Some rows of pairs, with notes of why. Raises ValueError where models know rows by number."""
    if len(rows) == len(pairs):
        return pairs
    if pairs.teach != (None, None):
        raise ValueError(f"{pairs.name}: models that are taught know rows by number")

    def some(values: npt.NDArray[Any] | None) -> Any:
        return None if values is None else values[rows]

    return replace(
        pairs, source=pairs.source[rows], target=pairs.target[rows], groups=pairs.groups[rows],
        emotions=some(pairs.emotions), moods=some(pairs.moods), test=some(pairs.test),
        notes=(*pairs.notes, *notes),
    )  # fmt: skip
