"""LIRIS-ACCEDE: excerpts of films by their features, with the induced valence and arousal.

9800 excerpts of 8 to 12 s from 160 films, rated by 1517 people (Baveye, Dellandréa, Chamaret & Chen 2015,
IEEE TAC 6(1)). The folder holds their features, not the films. The film of an excerpt is not named, but
excerpts of a film have consecutive numbers, and the three splits share no film.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, to_printable
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import parse_text_file
from spaces.circumplex import RATING_SCALES, rescale

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Table = Mapping[int, Mapping[str, str]]

FOLDER = Path("liris_accede_features")
SETS_TABLE, RATINGS_TABLE = "ACCEDEsets.txt", "ACCEDEranking.txt"
FEATURE_TABLES = ("ACCEDEfeaturesArousal_TAC2015.txt", "ACCEDEfeaturesValence_TAC2015.txt")
TABLE_DESCRIPTION = "a table of LIRIS-ACCEDE"
SPLIT_BY_SET = {"1": "learn", "2": "valid", "0": "test"}
AUDIO_PREFIXES = ("flatness_env", "flatness", "asymmetry_env", "zcr", "wtf_max2stdratio_")
"""Beginnings of the names of audio features (the set's Readme). All others are visual; so is slope, which the
Readme leaves out: it is of the power spectrum of the pictures, and the other visual features predict it with
r .54, the audio features with r .03."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FilmClips:
    """n excerpts of films.

    ids:      (n,) ascending
    splits:   (n,) "learn", "valid" or "test"
    film_ids: (n,) runs of consecutive ids in one split: a film, or several neighbours, never a part of one
    feature_names: (d,) of the features' columns
    features: (n, d)
    ratings:  (n, 2) valence and arousal in [-1, 1]
    """

    ids: Ints
    splits: npt.NDArray[np.str_]
    film_ids: Ints
    feature_names: tuple[str, ...]
    features: Floats
    ratings: Floats

    @property
    def is_audio(self) -> npt.NDArray[np.bool_]:
        """(d,) whether a column is an audio feature."""
        return np.array([name.startswith(AUDIO_PREFIXES) for name in self.feature_names])

    def find_rows(self, *splits: str) -> Ints:
        """Indices of the excerpts in these splits."""
        return np.flatnonzero(np.isin(self.splits, splits))


def load_liris_accede(data_root: Path = DATA_ROOT) -> FilmClips:
    """The excerpts that all tables have, features as in the tables.

    Raises AffectError where a table is missing or malformed.
    """
    folder = data_root / FOLDER
    sets, ratings, *features = (
        _read_table(folder / name) for name in (SETS_TABLE, RATINGS_TABLE, *FEATURE_TABLES)
    )
    try:
        return _join_tables(sets, ratings, features)
    except (KeyError, ValueError) as bad:
        raise AffectError(f"{to_printable(folder)}: not {TABLE_DESCRIPTION} ({bad})") from bad


def concatenate_clips(first: FilmClips, second: FilmClips) -> FilmClips:
    """The excerpts of both; raises AffectError where their features have different names."""
    if first.feature_names != second.feature_names:
        raise AffectError("two roots of LIRIS-ACCEDE have different features")
    return FilmClips(
        ids=np.concatenate([first.ids, second.ids]),
        splits=np.concatenate([first.splits, second.splits]),
        film_ids=np.concatenate([first.film_ids, second.film_ids + 1 + first.film_ids.max(initial=0)]),
        feature_names=first.feature_names,
        features=np.concatenate([first.features, second.features]),
        ratings=np.concatenate([first.ratings, second.ratings]),
    )


def _read_table(path: Path) -> Table:
    """Rows by id."""

    def parse(text: str) -> Table:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))
        if not rows or "id" not in rows[0]:
            raise ValueError("no column id, or no rows")
        return {int(row["id"]): row for row in rows}

    table: Table = parse_text_file(path, parse, TABLE_DESCRIPTION)
    return table


def _join_tables(sets: Table, ratings: Table, features: Sequence[Table]) -> FilmClips:
    ids = np.array(sorted(set(sets).intersection(ratings, *features)), np.int64)
    splits = np.array([SPLIT_BY_SET[sets[key]["set"]] for key in ids], "U5")
    affect = [[ratings[key][f"{name}Value"] for name in ("valence", "arousal")] for key in ids]
    columns = {
        name: np.array([table[key][name] for key in ids], np.float64)
        for table in features
        for name in next(iter(table.values()), {})
        if name not in ("id", "name")
    }
    return FilmClips(
        ids=ids, splits=splits, film_ids=_number_films(ids, splits), feature_names=tuple(columns),
        features=np.stack(list(columns.values()), axis=1),
        ratings=rescale(np.array(affect, np.float64), *RATING_SCALES["liris"]),
    )  # fmt: skip


def _number_films(ids: Ints, splits: npt.NDArray[np.str_]) -> Ints:
    is_new_film = (np.diff(ids) != 1) | (splits[1:] != splits[:-1])
    return np.cumsum(np.concatenate([[0], is_new_film])).astype(np.int64)[: len(ids)]
