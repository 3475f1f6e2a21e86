"""Moods that films induce, from the features that come with LIRIS-ACCEDE: a figure, nothing that is shipped.

9800 clips of 8 to 12 s from 160 films, placed on induced valence and arousal by 1517 judges (Baveye,
Dellandrea, Chamaret & Chen 2015, IEEE TAC 6(1)). Only their features are had, no films, so no model of these
features can serve the engine. Which film a clip is from is not known here, but clips of a film have
consecutive numbers, and the three parts share no film.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, printable
from experiments.datasets.records import DATA, reading
from experiments.heads.report_figure import DIMENSIONS, Line, Part, line
from retrieval.evaluation.affect_metrics import ccc, pearson
from retrieval.evaluation.splits import folds
from spaces.circumplex import SCALES, rescale
from spaces.joint.space import gaussian

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Foretell = Callable[[Floats], Floats]
Model = Callable[[Floats, Floats, npt.NDArray[np.bool_], int], Foretell]

FOLDER = Path("liris_accede_features")
TABLES = ("ACCEDEfeaturesArousal_TAC2015.txt", "ACCEDEfeaturesValence_TAC2015.txt")
WANTED = "a table of LIRIS-ACCEDE"
PARTS = {"1": "learn", "2": "valid", "0": "test"}
HEARD = ("flatness_env", "flatness", "asymmetry_env", "zcr", "wtf_max2stdratio_")
"""How the names of features of the sound begin (the set's Readme). All others are of the pictures; slope,
which the Readme forgets, too: of the pictures' power spectrum, which the other picture features foretell
with r .54 and the sound's with r .03."""
ANGLE = "alpha"  # degrees, -1 where no template of harmonious hues fits

FOLDS = 5
PULL = 10.0  # penalty of the kernel ridge
PAIR = 5.0  # clips after which a neighbour in the film counts 1 / e
BARS = {"valence": 0.25, "arousal": 0.30}
PUBLISHED = {"valence": 0.22, "arousal": 0.28}
TESTED = "Baveye et al. 2015, support vector regression, official test"


@dataclass(frozen=True, eq=False, kw_only=True)
class Clips:
    """Clips of films.

    ids:      (n,) ascending
    parts:    (n,) learn, valid or test
    films:    (n,) runs of consecutive ids in one part: a film, or several neighbours, never a part of one
    names:    of the features' columns
    features: (n, d) as they come; the angle as sine and cosine
    ratings:  (n, 2) valence and arousal in [-1, 1]
    """

    ids: Ints
    parts: npt.NDArray[np.str_]
    films: Ints
    names: tuple[str, ...]
    features: Floats
    ratings: Floats

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """(d,) which columns are of the sound."""
        return np.array([name.startswith(HEARD) for name in self.names])

    def rows(self, *parts: str) -> Ints:
        """Row numbers of these parts."""
        return np.flatnonzero(np.isin(self.parts, parts))


def clips(data: Path = DATA) -> Clips:
    """All clips that all tables have. Raises AffectError if one is not there, or not this one."""
    sets, ranking, *features = (
        _table(data / FOLDER / name) for name in ("ACCEDEsets.txt", "ACCEDEranking.txt", *TABLES)
    )
    try:
        ids = np.array(sorted(set(sets).intersection(ranking, *features)), np.int64)
        parts = np.array([PARTS[sets[key]["set"]] for key in ids], "U5")
        rated = [[ranking[key][f"{name}Value"] for name in DIMENSIONS] for key in ids]
        columns = {
            name: np.array([table[key][name] for key in ids], np.float64)
            for table in features
            for name in (next(iter(table.values()), {}))
            if name not in ("id", "name")
        }
        angle = columns.pop(ANGLE)
    except (KeyError, ValueError) as bad:
        raise AffectError(f"{printable(data / FOLDER)}: not {WANTED} ({bad})") from bad
    turned = np.radians(angle)
    columns |= {"alpha_sine": np.sin(turned) * (angle >= 0), "alpha_cosine": np.cos(turned) * (angle >= 0)}
    return Clips(
        ids=ids, parts=parts, films=_runs(ids, parts), names=tuple(columns),
        features=np.stack(list(columns.values()), axis=1),
        ratings=rescale(np.array(rated, np.float64), *SCALES["liris"]),
    )  # fmt: skip


def _table(file: Path) -> dict[int, dict[str, str]]:
    def parse(text: str) -> dict[int, dict[str, str]]:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))
        if not rows or "id" not in rows[0]:
            raise ValueError("no column id, or no rows")
        return {int(row["id"]): row for row in rows}

    found: dict[int, dict[str, str]] = reading(file, parse, WANTED)
    return found


def _runs(ids: Ints, parts: npt.NDArray[np.str_]) -> Ints:
    jumps = (np.diff(ids) != 1) | (parts[1:] != parts[:-1])
    return np.cumsum(np.concatenate([[0], jumps])).astype(np.int64)[: len(ids)]


def even(rows: Floats) -> Foretell:
    """A map of each column to normal scores by its ranks among `rows`, within 2.5: outliers lose their grip.

    (7 % of wtf_max2stdratio_11 and the other 93 % of _12 are about 1e15: a ratio to a deviation of almost 0.)
    """
    from sklearn.preprocessing import QuantileTransformer

    ranks = QuantileTransformer(output_distribution="normal", n_quantiles=min(300, len(rows)), random_state=0)
    ranks.fit(rows)
    return lambda asked: np.clip(ranks.transform(asked), -2.5, 2.5)


def ridge(rows: Floats, wanted: Floats, heard: npt.NDArray[np.bool_], seed: int) -> Foretell:
    """The floor: ridge regression on even columns; `heard` and `seed` are not needed."""
    from sklearn.linear_model import Ridge

    scores = even(rows)
    model = Ridge(alpha=100).fit(scores(rows), wanted)
    return lambda asked: np.asarray(model.predict(scores(asked)))


def teach(rows: Floats, wanted: Floats, heard: npt.NDArray[np.bool_], seed: int) -> Foretell:
    """From features (n, d) to wanted (n, k): the mean of kernel ridge and of extremely randomised trees.

    The kernel is the mean of one of the pictures, one of the sound (`heard` columns) and their product
    (Saunders, Gammerman & Vovk 1998; Geurts, Ernst & Wehenkel 2006).
    """
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.kernel_ridge import KernelRidge

    scores = even(rows)
    mean = wanted.mean(axis=0)
    seen = scores(rows)

    def likeness(one: Floats, other: Floats) -> Floats:
        sides = [gaussian(one[:, kept], other[:, kept], 1 / kept.sum()) for kept in (heard, ~heard)]
        return np.asarray((sides[0] + sides[1] + sides[0] * sides[1]) / 3)

    smooth = KernelRidge(kernel="precomputed", alpha=PULL).fit(likeness(seen, seen), wanted - mean)
    trees = ExtraTreesRegressor(200, min_samples_leaf=10, max_features=0.4, random_state=seed)
    trees.fit(seen, wanted)

    def foretell(asked: Floats) -> Floats:
        told = scores(asked)
        return np.asarray((smooth.predict(likeness(told, seen)) + mean + trees.predict(told)) / 2)

    return foretell


def ranked(ratings: Floats) -> Floats:
    """(n, k) ranks of each column in (0, 1): values gather in clumps that mean no more than their order."""
    return np.asarray((ratings.argsort(axis=0).argsort(axis=0) + 0.5) / len(ratings))


def spread_as(found: Floats, ratings: Floats) -> Floats:
    """`found` (n, k) moved and stretched to the means and SDs of `ratings`, as CCC wants; r stays."""
    scale = ratings.std(axis=0) / found.std(axis=0)
    return np.asarray((found - found.mean(axis=0)) * scale + ratings.mean(axis=0))


def neighbours(found: Floats, films: Ints, reach: float = PAIR) -> Floats:
    """`found` (n, k) plus the mean of each clip's neighbours in its film, the nearer the heavier.

    A film keeps to a mood: ratings of clips next to each other correlate .31 (valence) and .19 (arousal).
    """
    summed = found - found.mean(axis=0)
    for film in np.unique(films):
        inside = np.flatnonzero(films == film)
        weight = np.exp(-np.abs(np.subtract.outer(inside, inside)) / reach)
        np.fill_diagonal(weight, 0)
        if len(inside) > 1:
            weight /= weight.sum(axis=1, keepdims=True)
            summed[inside] += weight @ (found[inside] - found.mean(axis=0))
    return summed + found.mean(axis=0)


def held_out(known: Clips, taught: Ints, asked: Ints | None, model: Model, *, seed: int) -> Floats:
    """(m, 2) ranks foretold of the rows `asked` by a model of the rows `taught`.

    Without `asked`: of those taught, whole films held out in turn.
    """

    def told(others: Ints, these: Ints) -> Floats:
        foretell = model(known.features[others], ranked(known.ratings[others]), known.heard, seed)
        return foretell(known.features[these])

    if asked is not None:
        return told(taught, asked)
    found = np.full((len(taught), 2), np.nan)
    for fold in folds(list(known.films[taught]), FOLDS, seed):
        found[fold] = told(np.delete(taught, fold), taught[fold])
    return found


def figures(data: Path = DATA, *, seed: int, part: Part = "folds") -> list[Line]:
    """r and CCC of induced valence and arousal, each clip by itself, and with its neighbours in the film.

    folds: films of learn and valid held out in turn; dev: taught on learn, asked of valid; test: taught on
    both, asked of the official test, where `data` has its rows (learn and valid are then read from DATA if
    `data` has none). Intervals draw whole films.
    """
    known = clips(data)
    if part == "test" and not len(known.rows("learn", "valid")) and len(known.rows("test")):
        known = _joined(clips(DATA), known)
    taught = known.rows("learn") if part == "dev" else known.rows("learn", "valid")
    asked = {"folds": taught, "dev": known.rows("valid"), "test": known.rows("test")}[part]
    if not len(taught) or not len(asked):
        return []
    hidden = None if part == "folds" else asked
    plain, found = (held_out(known, taught, hidden, model, seed=seed) for model in (ridge, teach))
    truth, films = known.ratings[asked], known.films[asked]
    lines = []
    for way, rows in (("", found), (", with its neighbours", neighbours(found, films))):
        placed = spread_as(rows, known.ratings[taught])
        for column, name in enumerate(DIMENSIONS):
            pairs = np.stack([placed[:, column], truth[:, column]], axis=1)
            floor = float(pearson(plain[:, column], truth[:, column]))
            lines += [
                line(
                    "liris", f"{name} r{way}", pairs, lambda drawn: float(pearson(drawn[:, 0], drawn[:, 1])),
                    part=part, seed=seed, groups=films.tolist(), floor=f"ridge {floor:.2f}",
                    ceiling=f"unknown; {PUBLISHED[name]:.2f} ({TESTED})", bar=BARS[name],
                ),
                line(
                    "liris", f"{name} CCC{way}", pairs, lambda drawn: float(ccc(drawn[:, 0], drawn[:, 1])),
                    part=part, seed=seed, groups=films.tolist(),
                ),
            ]  # fmt: skip
    return lines


def _joined(one: Clips, other: Clips) -> Clips:
    """Both; raises AffectError where their features have other names."""
    if one.names != other.names:
        raise AffectError("two roots of LIRIS-ACCEDE have different features")
    return Clips(
        ids=np.concatenate([one.ids, other.ids]), parts=np.concatenate([one.parts, other.parts]),
        films=np.concatenate([one.films, other.films + 1 + one.films.max(initial=0)]), names=one.names,
        features=np.concatenate([one.features, other.features]),
        ratings=np.concatenate([one.ratings, other.ratings]),
    )  # fmt: skip
