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

from encoders.base import AffectError, to_printable
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import parse_text_file
from experiments.heads.report_figure import DIMENSIONS, EvaluationPart, MetricResult, measure_metric
from retrieval.evaluation.affect_metrics import ccc, pearson
from retrieval.evaluation.splits import make_group_folds
from spaces.circumplex import RATING_SCALES, rescale
from spaces.joint.space import gaussian_kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Predictor = Callable[[Floats], Floats]
FitModel = Callable[[Floats, Floats, npt.NDArray[np.bool_], int], Predictor]

DATASET_FOLDER = Path("liris_accede_features")
FEATURE_TABLES = ("ACCEDEfeaturesArousal_TAC2015.txt", "ACCEDEfeaturesValence_TAC2015.txt")
TABLE_DESCRIPTION = "a table of LIRIS-ACCEDE"
SPLIT_NAMES = {"1": "learn", "2": "valid", "0": "test"}
AUDIO_PREFIXES = ("flatness_env", "flatness", "asymmetry_env", "zcr", "wtf_max2stdratio_")
"""How the names of features of the sound begin (the set's Readme). All others are of the pictures; slope,
which the Readme forgets, too: of the pictures' power spectrum, which the other picture features foretell
with r .54 and the sound's with r .03."""
HUE_ANGLE_COLUMN = "alpha"  # degrees, -1 where no template of harmonious hues fits

N_FOLDS = 5
KERNEL_RIDGE_PENALTY = 10.0  # penalty of the kernel ridge
NEIGHBOUR_DECAY_CLIPS = 5.0  # clips after which a neighbour in the film counts 1 / e
REQUIRED_CORRELATIONS = {"valence": 0.25, "arousal": 0.30}
PUBLISHED_CORRELATIONS = {"valence": 0.22, "arousal": 0.28}
PUBLISHED_SOURCE = "Baveye et al. 2015, support vector regression, official test"


@dataclass(frozen=True, eq=False, kw_only=True)
class FilmClips:
    """Clips of films.

    ids:      (n,) ascending
    splits:   (n,) learn, valid or test
    film_ids: (n,) runs of consecutive ids in one part: a film, or several neighbours, never a part of one
    feature_names: of the features' columns
    features: (n, d) as they come; the angle as sine and cosine
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
        """(d,) which columns are of the sound."""
        return np.array([name.startswith(AUDIO_PREFIXES) for name in self.feature_names])

    def find_rows(self, *splits: str) -> Ints:
        """Row numbers of these parts."""
        return np.flatnonzero(np.isin(self.splits, splits))


def load_clips(data_root: Path = DATA_ROOT) -> FilmClips:
    """All clips that all tables have. Raises AffectError if one is not there, or not this one."""
    sets, ranking, *features = (
        _read_table(data_root / DATASET_FOLDER / name)
        for name in ("ACCEDEsets.txt", "ACCEDEranking.txt", *FEATURE_TABLES)
    )
    try:
        ids = np.array(sorted(set(sets).intersection(ranking, *features)), np.int64)
        parts = np.array([SPLIT_NAMES[sets[key]["set"]] for key in ids], "U5")
        rated = [[ranking[key][f"{name}Value"] for name in DIMENSIONS] for key in ids]
        columns = {
            name: np.array([table[key][name] for key in ids], np.float64)
            for table in features
            for name in (next(iter(table.values()), {}))
            if name not in ("id", "name")
        }
        angle = columns.pop(HUE_ANGLE_COLUMN)
    except (KeyError, ValueError) as bad:
        raise AffectError(
            f"{to_printable(data_root / DATASET_FOLDER)}: not {TABLE_DESCRIPTION} ({bad})"
        ) from bad
    turned = np.radians(angle)
    columns |= {"alpha_sine": np.sin(turned) * (angle >= 0), "alpha_cosine": np.cos(turned) * (angle >= 0)}
    return FilmClips(
        ids=ids, splits=parts, film_ids=_number_films(ids, parts), feature_names=tuple(columns),
        features=np.stack(list(columns.values()), axis=1),
        ratings=rescale(np.array(rated, np.float64), *RATING_SCALES["liris"]),
    )  # fmt: skip


def _read_table(path: Path) -> dict[int, dict[str, str]]:
    def parse(text: str) -> dict[int, dict[str, str]]:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))
        if not rows or "id" not in rows[0]:
            raise ValueError("no column id, or no rows")
        return {int(row["id"]): row for row in rows}

    found: dict[int, dict[str, str]] = parse_text_file(path, parse, TABLE_DESCRIPTION)
    return found


def _number_films(ids: Ints, splits: npt.NDArray[np.str_]) -> Ints:
    jumps = (np.diff(ids) != 1) | (splits[1:] != splits[:-1])
    return np.cumsum(np.concatenate([[0], jumps])).astype(np.int64)[: len(ids)]


def fit_normal_scores(features: Floats) -> Predictor:
    """A map of each column to normal scores by its ranks among `features`, within 2.5: outliers lose their
    grip.

    (7 % of wtf_max2stdratio_11 and the other 93 % of _12 are about 1e15: a ratio to a deviation of almost 0.)
    """
    from sklearn.preprocessing import QuantileTransformer

    ranks = QuantileTransformer(
        output_distribution="normal", n_quantiles=min(300, len(features)), random_state=0
    )
    ranks.fit(features)
    return lambda asked: np.clip(ranks.transform(asked), -2.5, 2.5)


def fit_ridge(features: Floats, targets: Floats, is_audio: npt.NDArray[np.bool_], seed: int) -> Predictor:
    """The floor: ridge regression on even columns; `is_audio` and `seed` are not needed."""
    from sklearn.linear_model import Ridge

    scores = fit_normal_scores(features)
    model = Ridge(alpha=100).fit(scores(features), targets)
    return lambda asked: np.asarray(model.predict(scores(asked)))


def fit_ensemble(features: Floats, targets: Floats, is_audio: npt.NDArray[np.bool_], seed: int) -> Predictor:
    """From features (n, d) to wanted (n, k): the mean of kernel ridge and of extremely randomised trees.

    The kernel is the mean of one of the pictures, one of the sound (`is_audio` columns) and their product
    (Saunders, Gammerman & Vovk 1998; Geurts, Ernst & Wehenkel 2006).
    """
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.kernel_ridge import KernelRidge

    scores = fit_normal_scores(features)
    mean = targets.mean(axis=0)
    seen = scores(features)

    def compute_kernel(left: Floats, right: Floats) -> Floats:
        sides = [
            gaussian_kernel(left[:, kept], right[:, kept], 1 / kept.sum()) for kept in (is_audio, ~is_audio)
        ]
        return np.asarray((sides[0] + sides[1] + sides[0] * sides[1]) / 3)

    smooth = KernelRidge(kernel="precomputed", alpha=KERNEL_RIDGE_PENALTY).fit(
        compute_kernel(seen, seen), targets - mean
    )
    trees = ExtraTreesRegressor(200, min_samples_leaf=10, max_features=0.4, random_state=seed)
    trees.fit(seen, targets)

    def predict(queries: Floats) -> Floats:
        told = scores(queries)
        return np.asarray((smooth.predict(compute_kernel(told, seen)) + mean + trees.predict(told)) / 2)

    return predict


def compute_ranks(ratings: Floats) -> Floats:
    """(n, k) ranks of each column in (0, 1): values gather in clumps that mean no more than their order."""
    return np.asarray((ratings.argsort(axis=0).argsort(axis=0) + 0.5) / len(ratings))


def match_mean_and_sd(predictions: Floats, ratings: Floats) -> Floats:
    """`predictions` (n, k) moved and stretched to the means and SDs of `ratings`, as CCC wants; r stays."""
    scale = ratings.std(axis=0) / predictions.std(axis=0)
    return np.asarray((predictions - predictions.mean(axis=0)) * scale + ratings.mean(axis=0))


def add_neighbour_means(predictions: Floats, film_ids: Ints, decay: float = NEIGHBOUR_DECAY_CLIPS) -> Floats:
    """`predictions` (n, k) plus the mean of each clip's neighbours in its film, the nearer the heavier.

    A film keeps to a mood: ratings of clips next to each other correlate .31 (valence) and .19 (arousal).
    """
    summed = predictions - predictions.mean(axis=0)
    for film in np.unique(film_ids):
        inside = np.flatnonzero(film_ids == film)
        weight = np.exp(-np.abs(np.subtract.outer(inside, inside)) / decay)
        np.fill_diagonal(weight, 0)
        if len(inside) > 1:
            weight /= weight.sum(axis=1, keepdims=True)
            summed[inside] += weight @ (predictions[inside] - predictions.mean(axis=0))
    return summed + predictions.mean(axis=0)


def predict_held_out(
    clips: FilmClips, train_rows: Ints, test_rows: Ints | None, fit_model: FitModel, *, seed: int
) -> Floats:
    """(m, 2) ranks foretold of the rows `test_rows` by a model of the rows `train_rows`.

    Without `test_rows`: of those taught, whole films held out in turn.
    """

    def fit_and_predict(fit_rows: Ints, predicted_rows: Ints) -> Floats:
        foretell = fit_model(
            clips.features[fit_rows], compute_ranks(clips.ratings[fit_rows]), clips.is_audio, seed
        )
        return foretell(clips.features[predicted_rows])

    if test_rows is not None:
        return fit_and_predict(train_rows, test_rows)
    found = np.full((len(train_rows), 2), np.nan)
    for fold in make_group_folds(list(clips.film_ids[train_rows]), N_FOLDS, seed):
        found[fold] = fit_and_predict(np.delete(train_rows, fold), train_rows[fold])
    return found


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """r and CCC of induced valence and arousal, each clip by itself, and with its neighbours in the film.

    folds: films of learn and valid held out in turn; dev: taught on learn, asked of valid; test: taught on
        both, asked of the official test, where `data_root` has its rows (learn and valid are then read from
        DATA if `data_root` has none). Intervals draw whole films.
    """
    known = load_clips(data_root)
    if part == "test" and not len(known.find_rows("learn", "valid")) and len(known.find_rows("test")):
        known = _concatenate_clips(load_clips(DATA_ROOT), known)
    taught = known.find_rows("learn") if part == "dev" else known.find_rows("learn", "valid")
    asked = {"folds": taught, "dev": known.find_rows("valid"), "test": known.find_rows("test")}[part]
    if not len(taught) or not len(asked):
        return []
    hidden = None if part == "folds" else asked
    plain, found = (
        predict_held_out(known, taught, hidden, model, seed=seed) for model in (fit_ridge, fit_ensemble)
    )
    truth, films = known.ratings[asked], known.film_ids[asked]
    lines = []
    for way, rows in (("", found), (", with its neighbours", add_neighbour_means(found, films))):
        placed = match_mean_and_sd(rows, known.ratings[taught])
        for column, name in enumerate(DIMENSIONS):
            pairs = np.stack([placed[:, column], truth[:, column]], axis=1)
            floor = float(pearson(plain[:, column], truth[:, column]))
            lines += [
                measure_metric(
                    "liris",
                    f"{name} r{way}",
                    pairs,
                    lambda drawn: float(pearson(drawn[:, 0], drawn[:, 1])),
                    part=part,
                    seed=seed,
                    groups=films.tolist(),
                    baseline=f"ridge {floor:.2f}",
                    ceiling=f"unknown; {PUBLISHED_CORRELATIONS[name]:.2f} ({PUBLISHED_SOURCE})",
                    required=REQUIRED_CORRELATIONS[name],
                ),
                measure_metric(
                    "liris",
                    f"{name} CCC{way}",
                    pairs,
                    lambda drawn: float(ccc(drawn[:, 0], drawn[:, 1])),
                    part=part,
                    seed=seed,
                    groups=films.tolist(),
                ),
            ]
    return lines


def _concatenate_clips(first: FilmClips, second: FilmClips) -> FilmClips:
    """Both; raises AffectError where their features have other names."""
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
