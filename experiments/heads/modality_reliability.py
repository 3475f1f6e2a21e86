"""How far each sense can be believed of valence and arousal, measured where two tell of the same thing.

Three sets have pairs: RAVDESS' performances by face (action units) and voice (acoustic features)
(Livingstone & Russo 2018), CREMA-D's by people who only saw or only heard them (Cao et al. 2014),
LIRIS-ACCEDE's clips by features of the pictures and of the sound (Baveye et al. 2015). On each, every sense
has a regressor of its own and states its SD as measured by inner folds; then `fusion.affect_fusion` has to
tell what was held out.

What is learnt is small: a factor on each stated precision, so that what is joined is as likely as can be
whether one sense speaks or both, and the correlation of the senses' errors. Factors come from two sets only,
so they are drawn towards 1. Nothing is known here of texts, nor of our image model in videos: their factor
is 1. On LIRIS-ACCEDE the senses are only compared: its features are not our experts', and so weak that the
errors of both are what neither can tell (they correlate by .95 and more).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders.files import write_atomically
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import read_table
from experiments.heads import film_benchmark
from experiments.heads.report_figure import DIMENSIONS, EvaluationPart, MetricResult, measure_metric
from fusion.affect_fusion import PerDimension, precision_weighted_mean
from retrieval.evaluation.affect_metrics import ccc, rmse
from retrieval.evaluation.splits import make_group_folds
from spaces.affect_regression import load_modality_reliability
from spaces.circumplex import EMOTIONS_FILE, EmotionTable, load_emotion_categories
from spaces.joint.kernel_ridge import solve_kernel_ridge
from spaces.joint.space import gaussian_kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FeaturesByModality = Mapping[str, Floats]
JsonDict = dict[str, Any]

RELIABILITY_FILE = EMOTIONS_FILE.with_name("affect-senses.json")
MODALITIES = ("image", "sound", "face", "text")
N_FOLDS = 5
MAX_CENTRES = 300  # of a kernel, at most
PRIOR_LOG_SD = 0.3  # SD of log reliability: what is believed of a sense before, and how sets differ
ONE_SD_COVERAGE = 0.6827  # of a normal distribution within one SD
CREMAD_VOTE_EMOTIONS = {
    "A": "angry",
    "D": "disgust",
    "F": "fearful",
    "H": "happy",
    "N": "neutral",
    "S": "sad",
}
CREMAD_INTENDED_VOTES = {"ANG": "A", "DIS": "D", "FEA": "F", "HAP": "H", "NEU": "N", "SAD": "S"}
CLASSIFIER_COLUMNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
SPARSE_COLUMN_PREFIX = "cpp_"  # columns with a value in 30 % of the rows

TRAINING_DATA = (
    "pairs of senses: 300 performances of RAVDESS (voice and face features; truth: where the acted emotion "
    "lies on the plane; without a model's columns anger_mean .. neutral_mean) and 7442 of CREMA-D (votes "
    "of people by voice alone and by face alone; truth: the acted emotion). Reliabilities are factors on the "
    "precisions that senses state, drawn towards 1; image and text are 1 because nothing here tells of them."
)
LICENCE = (
    "RAVDESS CC BY-NC-SA 4.0, CREMA-D ODbL 1.0; LIRIS-ACCEDE (academic use) is measured on, not learnt from. "
    "The file holds a dozen numbers, no item of any set."
)


@dataclass(frozen=True, eq=False, kw_only=True)
class PairedModalities:
    """The same n items by several senses.

    features: by name, features (n, d); NaN where unknown
    ratings: (n, 2) valence and arousal in [-1, 1]
    groups: (n,) actors or films: never on both sides
    splits: (n,) train, dev or test
    shifts: by name, (n,) kinds of items, to be foretold from the other kinds alone: out of the domain
    ridge_penalty: penalty of the kernel ridge
    """

    name: str
    features: FeaturesByModality
    ratings: Floats
    groups: npt.NDArray[np.str_]
    splits: npt.NDArray[np.str_]
    shifts: Mapping[str, npt.NDArray[np.str_]]
    ridge_penalty: float = 0.3

    def find_rows(self, *splits: str) -> Ints:
        """Row numbers of these parts."""
        return np.flatnonzero(np.isin(self.splits, splits))


def load_ravdess_pairs(
    data_root: Path = DATA_ROOT, emotion_table: EmotionTable = "learned"
) -> PairedModalities:
    """RAVDESS by voice ("sound") and face. Raises AffectError."""
    rows = list(read_table(data_root / "ravdess_av_features" / "combined_summary.csv"))
    columns = list(rows[0])
    heard = [name for name in columns[: columns.index("file")] if not name.startswith(SPARSE_COLUMN_PREFIX)]
    rest = columns[columns.index("file") + 1 : columns.index("emotion")]
    seen = [name for name in rest if not name.startswith(CLASSIFIER_COLUMNS)]
    known = load_emotion_categories("ravdess", emotion_table)
    return PairedModalities(
        name=_label_dataset("ravdess", emotion_table),
        features={"sound": _parse_columns(rows, heard), "face": _parse_columns(rows, seen)},
        ratings=known.means[[known.names.index(row["emotion"]) for row in rows]],
        groups=np.array([row["actor"] for row in rows]),
        splits=np.array([row["split"] for row in rows]),
        shifts={name: np.array([row[name] for row in rows]) for name in ("gender", "intensity")},
    )


def _label_dataset(name: str, emotion_table: EmotionTable) -> str:
    return name if emotion_table == "learned" else f"{name}, hand table"


def _parse_columns(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> Floats:
    """(n, d) of columns; NaN where empty."""
    return np.array([[float(row[name] or "nan") for name in columns] for row in rows], np.float64)


def load_cremad_pairs(
    data_root: Path = DATA_ROOT, emotion_table: EmotionTable = "learned"
) -> PairedModalities:
    """CREMA-D by what people voted who only heard ("sound") or only saw ("face"). Raises AffectError."""
    rows = list(read_table(data_root / "cremad_votes" / "summaryTable.csv"))
    known = load_emotion_categories("ravdess", emotion_table)
    acted = [CREMAD_VOTE_EMOTIONS[CREMAD_INTENDED_VOTES[row["FileName"].split("_")[2]]] for row in rows]
    return PairedModalities(
        name=_label_dataset("cremad", emotion_table),
        features={sense: _parse_votes(rows, kind) for sense, kind in (("sound", "Voice"), ("face", "Face"))},
        ratings=known.means[[known.names.index(name) for name in acted]],
        groups=np.array([row["FileName"][:4] for row in rows]),
        splits=np.full(len(rows), "train"),
        shifts={},
    )


def _parse_votes(rows: Sequence[Mapping[str, str]], column_prefix: str) -> Floats:
    """(n, 12) share of each emotion in the winning vote (several if tied), and the same times its level."""
    found = np.zeros((len(rows), 2, len(CREMAD_VOTE_EMOTIONS)))
    for place, row in enumerate(rows):
        winners, levels = row[f"{column_prefix}Vote"].split(":"), row[f"{column_prefix}Level"].split(":")
        for winner, level in zip(winners, levels, strict=True):
            found[place, :, list(CREMAD_VOTE_EMOTIONS).index(winner)] += np.array(
                [1, float(level) / 100]
            ) / len(winners)
    return found.reshape(len(rows), -1)


def load_liris_pairs(data_root: Path = DATA_ROOT) -> PairedModalities:
    """LIRIS-ACCEDE by features of the pictures ("image") and of the sound, as normal scores. Raises."""
    known = film_benchmark.load_clips(data_root)
    scores = film_benchmark.fit_normal_scores(known.features)(known.features)
    return PairedModalities(
        name="liris",
        features={"image": scores[:, ~known.is_audio], "sound": scores[:, known.is_audio]},
        ratings=known.ratings,
        groups=known.film_ids.astype(np.str_),
        splits=np.array([{"learn": "train", "valid": "dev"}.get(one, one) for one in known.splits]),
        shifts={},
        ridge_penalty=10.0,
    )


def predict_affect(
    pairs: PairedModalities, train_rows: Ints, test_rows: Ints, *, seed: int
) -> dict[str, Floats]:
    """By sense, (m, 4) values and stated SDs of the rows `test_rows`, from a model of the rows `train_rows`.

    The SD is one number a dimension: what inner folds over the groups of those taught leave.
    """
    found = {}
    for sense, features in pairs.features.items():
        left = np.full((len(train_rows), 2), np.nan)
        for fold in make_group_folds(pairs.groups[train_rows].tolist(), N_FOLDS, seed):
            rest, these = np.delete(train_rows, fold), train_rows[fold]
            left[fold] = _predict_kernel_ridge(features, pairs, rest, these, seed) - pairs.ratings[these]
        values = _predict_kernel_ridge(features, pairs, train_rows, test_rows, seed)
        spread = np.sqrt(np.mean(left**2, axis=0))
        found[sense] = np.concatenate([values, np.broadcast_to(spread, values.shape)], axis=1)
    return found


def _predict_kernel_ridge(
    features: Floats, pairs: PairedModalities, train_rows: Ints, test_rows: Ints, seed: int
) -> Floats:
    """(m, 2) by Gaussian kernel ridge on standardised columns, the unknown at the median."""
    middle = np.nanmedian(features[train_rows], axis=0)
    filled = np.where(np.isnan(features), middle, features)
    mean, scale = filled[train_rows].mean(axis=0), filled[train_rows].std(axis=0) + 1e-9
    scaled = np.clip((filled - mean) / scale, -3, 3)
    drawn = np.random.default_rng(seed).permutation(train_rows)[:MAX_CENTRES]
    centre, wanted = scaled[drawn], pairs.ratings[train_rows]
    gamma = 0.3 / features.shape[1]
    weight = solve_kernel_ridge(
        scaled[train_rows], centre, wanted - wanted.mean(axis=0), gamma=gamma, penalty=pairs.ridge_penalty,
        weights=np.ones(len(train_rows)),
    )  # fmt: skip
    return gaussian_kernel(scaled[test_rows], centre, gamma) @ weight + wanted.mean(axis=0)


def predict_held_out(
    pairs: PairedModalities, selected_rows: Ints, *, seed: int, shift: str = ""
) -> dict[str, Floats]:
    """By sense, (m, 4) of `selected_rows`, whole groups held out in turn, or whole kinds of a shift."""
    if shift:
        kinds = pairs.shifts[shift][selected_rows]
        parts = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    else:
        parts = make_group_folds(pairs.groups[selected_rows].tolist(), N_FOLDS, seed)
    found = {sense: np.full((len(selected_rows), 4), np.nan) for sense in pairs.features}
    for part in parts:
        for sense, rows in predict_affect(
            pairs, np.delete(selected_rows, part), selected_rows[part], seed=seed
        ).items():
            found[sense][part] = rows
    return found


@dataclass(frozen=True, eq=False, kw_only=True)
class ReliabilityEstimate:
    """What one set says.

    reliability: by sense, (valence, arousal) factors on the stated precision
    log_standard_error: by sense, the standard errors of their logarithms (jackknife over groups)
    error_correlation: of the senses' errors, valence and arousal
    """

    name: str
    reliability: Mapping[str, PerDimension]
    log_standard_error: Mapping[str, PerDimension]
    error_correlation: PerDimension

    def to_json(self) -> JsonDict:
        """As JSON."""
        return {
            "set": self.name,
            "reliability": {sense: _round_pair(two) for sense, two in self.reliability.items()},
            "log_error": {sense: _round_pair(two) for sense, two in self.log_standard_error.items()},
            "correlation": _round_pair(self.error_correlation),
        }


def estimate_reliability(pairs: PairedModalities, selected_rows: Ints, *, seed: int) -> ReliabilityEstimate:
    """From rows held out: groups in turn and, beside them, kinds of each shift, which weigh the same."""
    ways = [predict_held_out(pairs, selected_rows, seed=seed, shift=shift) for shift in ("", *pairs.shifts)]
    rows = {sense: np.concatenate([way[sense] for way in ways]) for sense in pairs.features}
    truth = np.tile(pairs.ratings[selected_rows], (len(ways), 1))
    groups = np.tile(pairs.groups[selected_rows], len(ways))
    whole, correlation = fit_reliability(rows, truth)
    parts = make_group_folds(groups.tolist(), min(10, len(np.unique(groups))), seed)
    without = np.stack([
        fit_reliability({sense: np.delete(one, part, axis=0) for sense, one in rows.items()},
               np.delete(truth, part, axis=0), initial=whole)[0]
        for part in parts
    ])  # fmt: skip
    error = np.sqrt((len(parts) - 1) * without.var(axis=0))
    return ReliabilityEstimate(
        name=pairs.name,
        reliability={sense: _to_pair(np.exp(one)) for sense, one in zip(rows, whole, strict=True)},
        log_standard_error={sense: _to_pair(one) for sense, one in zip(rows, error, strict=True)},
        error_correlation=correlation,
    )


def fit_reliability(
    predictions: FeaturesByModality, ratings: Floats, *, initial: Floats | None = None
) -> tuple[Floats, PerDimension]:
    """(senses, 2) log reliabilities and the errors' correlation that make `ratings` (n, 2) likely.

    The likelihood is that of what `precision_mean` gives when each sense speaks alone, and when all do: as
    it happens that one abstains. The correlation is that of the errors in units of the stated SDs.
    """
    from scipy.optimize import minimize

    known = np.stack(list(predictions.values()))
    misses = (known[:, :, :2] - ratings) / known[:, :, 2:]
    pairs = np.triu_indices(len(predictions), 1)
    together = [np.atleast_2d(np.corrcoef(misses[:, :, column]))[pairs].mean() for column in (0, 1)]
    correlation = _to_pair(np.clip(together, 0, 0.95))

    def objective(log_reliability: Floats) -> float:
        factors = np.exp(log_reliability.reshape(len(predictions), 2))
        trust = {sense: _to_pair(one) for sense, one in zip(predictions, factors, strict=True)}
        choices = [{sense: one} for sense, one in predictions.items()] + [dict(predictions)]
        return sum(
            negative_log_likelihood(precision_weighted_mean(one, trust, correlation=correlation), ratings)
            for one in choices
        )

    begin = np.zeros((len(predictions), 2)) if initial is None else initial
    best = minimize(objective, begin.ravel(), method="L-BFGS-B", bounds=[(-2, 2)] * begin.size)
    return np.asarray(best.x).reshape(begin.shape), correlation


def negative_log_likelihood(predictions: Floats, ratings: Floats) -> float:
    """Mean over items, summed over both dimensions, of -log likelihood of truth (n, 2), less a constant."""
    sd = predictions[:, 2:]
    return float(np.mean(np.log(sd) + ((predictions[:, :2] - ratings) / sd) ** 2 / 2, axis=0).sum())


def pool_reliability(
    estimates: Sequence[ReliabilityEstimate],
) -> tuple[dict[str, PerDimension], PerDimension]:
    """Reliabilities of SENSES, drawn towards 1, and the mean correlation (Fisher's z), of several sets.

    A log reliability is N(0, DOUBT^2) before; a set shows it with its standard error and, as sets differ,
    DOUBT again. So one set moves it less than half of the way, two less than two thirds.
    """
    reliability = {}
    for sense in MODALITIES:
        known = [one for one in estimates if sense in one.reliability]
        logs = np.log([one.reliability[sense] for one in known]).reshape(-1, 2)
        weight = 1 / (
            np.array([one.log_standard_error[sense] for one in known]).reshape(-1, 2) ** 2 + PRIOR_LOG_SD**2
        )
        reliability[sense] = _to_pair(
            np.exp((weight * logs).sum(axis=0) / (weight.sum(axis=0) + PRIOR_LOG_SD**-2))
        )
    turned = np.arctanh([one.error_correlation for one in estimates]).mean(axis=0)
    return reliability, _to_pair(np.tanh(turned))


def fit(data_root: Path = DATA_ROOT, *, seed: int) -> JsonDict:
    """What spaces/weights/affect-senses.json holds: reliabilities, correlation, and where they come from."""
    found = [
        estimate_reliability(pairs, pairs.find_rows("train", "dev"), seed=seed)
        for pairs in (load_ravdess_pairs(data_root), load_cremad_pairs(data_root))
    ]
    reliability, correlation = pool_reliability(found)
    return {
        "reliability": {sense: _round_pair(two) for sense, two in reliability.items()},
        "correlation": _round_pair(correlation),
        "about": {
            "order": "valence, arousal",
            "reliability": "factor on the precision 1 / SD^2 that a sense states",
            "correlation": "of two senses' errors",
            "from": {
                "sound": "ravdess: voice features; cremad: people who heard",
                "face": "ravdess: action units; cremad: people who saw",
                "image": "1: no set pairs our picture features with another sense",
                "text": "1: no set pairs text with another sense",
            },
            "prior": f"log reliability N(0, {PRIOR_LOG_SD}^2), and {PRIOR_LOG_SD} more between sets",
            "made by": f"python -m experiments.train affect-senses --seed {seed}",
        },
        "evidence": [one.to_json() for one in found],
    }


def fit_and_save(
    data_root: Path = DATA_ROOT, out_folder: Path | None = None, *, seed: int, quiet: bool = False
) -> list[Path]:
    """Fit and write affect-senses.json into `out_folder` (default: the package). Raises AffectError."""
    told = fit(data_root, seed=seed)
    if not quiet:
        print(json.dumps({name: told[name] for name in ("reliability", "correlation")}))
    file = (out_folder or RELIABILITY_FILE.parent) / RELIABILITY_FILE.name
    write_atomically(file, (json.dumps(told, indent=1) + "\n").encode())
    return [file]


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """How near each sense comes, by how much one is nearer than the other, what joining them brings, and how
    often the truth lies within one SD of what is joined.

    folds: groups held out in turn, from the regressors and from what the reliabilities are learnt of.
    dev, test: RAVDESS' and LIRIS-ACCEDE's rows of that part, where `data_root` has any; on test by the
        packaged reliabilities. Without train rows in `data_root`, those of DATA teach. CREMA-D has no
        parts.
    """
    judged = (
        load_cremad_pairs(data_root)
        if (data_root / "cremad_votes").exists()
        else load_cremad_pairs(DATA_ROOT)
    )
    acted = _load_with_training_rows(load_ravdess_pairs, data_root)
    if part == "folds":
        known = {
            one.name: estimate_reliability(one, one.find_rows("train", "dev"), seed=seed)
            for one in (acted, judged)
        }
        lines = []
        for one, other in ((acted, judged), (judged, acted)):
            rows, joined = _fuse_held_out(one, [known[other.name]], seed=seed)
            inside = one.find_rows("train", "dev")
            lines += [
                *_compare_modalities(one, inside, rows, part, seed),
                *_evaluate_fusion(one, inside, rows, joined, part, seed),
            ]
        for one in (
            load_ravdess_pairs(data_root, "hand"),
            load_cremad_pairs(data_root, "hand"),
            load_liris_pairs(data_root),
        ):
            inside = one.find_rows("train", "dev")
            lines += _compare_modalities(one, inside, predict_held_out(one, inside, seed=seed), part, seed)
        return lines
    lines = []
    for one in (acted, _load_with_training_rows(load_liris_pairs, data_root)):
        inside, asked = one.find_rows("train", *(["dev"] if part == "test" else [])), one.find_rows(part)
        if not len(asked):
            continue
        rows = predict_affect(one, inside, asked, seed=seed)
        lines += _compare_modalities(one, asked, rows, part, seed)
        if one is acted:
            found = (
                []
                if part == "test"
                else [
                    estimate_reliability(pairs, pairs.find_rows("train"), seed=seed)
                    for pairs in (acted, judged)
                ]
            )
            reliability, correlation = (
                pool_reliability(found)
                if found
                else (load_modality_reliability().reliability, load_modality_reliability().correlation)
            )
            joined = precision_weighted_mean(rows, reliability, correlation=correlation)
            lines += _evaluate_fusion(one, asked, rows, joined, part, seed)
    return lines


def _load_with_training_rows(
    load_pairs: Callable[[Path], PairedModalities], data_root: Path
) -> PairedModalities:
    """The pairs of a root, with the train and dev rows of DATA where it has none of its own."""
    found = load_pairs(data_root)
    if len(found.find_rows("train", "dev")) or data_root == DATA_ROOT:
        return found
    known = load_pairs(DATA_ROOT)
    kept = known.find_rows("train", "dev")
    return replace(
        found,
        features={
            sense: np.concatenate([one[kept], found.features[sense]]) for sense, one in known.features.items()
        },
        ratings=np.concatenate([known.ratings[kept], found.ratings]),
        groups=np.concatenate([known.groups[kept], np.char.add("asked ", found.groups)]),
        splits=np.concatenate([known.splits[kept], found.splits]),
        shifts={name: np.concatenate([one[kept], found.shifts[name]]) for name, one in known.shifts.items()},
    )


def _fuse_held_out(
    pairs: PairedModalities, other_estimates: Sequence[ReliabilityEstimate], *, seed: int
) -> tuple[dict[str, Floats], Floats]:
    """Rows by sense and joined (n, 4), of train and dev: groups held out in turn, also from reliabilities."""
    inside = pairs.find_rows("train", "dev")
    found = {sense: np.full((len(inside), 4), np.nan) for sense in pairs.features}
    joined = np.full((len(inside), 4), np.nan)
    for fold in make_group_folds(pairs.groups[inside].tolist(), N_FOLDS, seed):
        rest = np.delete(inside, fold)
        rows = predict_affect(pairs, rest, inside[fold], seed=seed)
        reliability, correlation = pool_reliability(
            [estimate_reliability(pairs, rest, seed=seed), *other_estimates]
        )
        joined[fold] = precision_weighted_mean(rows, reliability, correlation=correlation)
        for sense in found:
            found[sense][fold] = rows[sense]
    return found, joined


def _compare_modalities(
    pairs: PairedModalities, test_rows: Ints, predictions: FeaturesByModality, part: EvaluationPart, seed: int
) -> list[MetricResult]:
    """CCC of each sense, and the RMSE of sound less that of the other."""
    truth, groups = pairs.ratings[test_rows], pairs.groups[test_rows].tolist()
    (other,) = (sense for sense in predictions if sense != "sound")
    lines = []
    for column, name in enumerate(DIMENSIONS):
        sides = np.stack(
            [predictions["sound"][:, column], predictions[other][:, column], truth[:, column]], axis=1
        )
        for place, sense in enumerate(("sound", other)):
            lines.append(
                measure_metric(
                    pairs.name, f"{name} CCC of {sense}", sides[:, [place, 2]],
                    lambda drawn: float(ccc(drawn[:, 0], drawn[:, 1])), part=part, seed=seed, groups=groups,
                )
            )  # fmt: skip
        lines.append(
            measure_metric(
                pairs.name, f"{name} RMSE, sound less {other}", sides,
                lambda drawn: float(rmse(drawn[:, 0], drawn[:, 2]) - rmse(drawn[:, 1], drawn[:, 2])),
                part=part, seed=seed, groups=groups,
            )
        )  # fmt: skip
    return lines


def _evaluate_fusion(
    pairs: PairedModalities,
    test_rows: Ints,
    predictions: FeaturesByModality,
    fused: Floats,
    part: EvaluationPart,
    seed: int,
) -> list[MetricResult]:
    """CCC and RMSE of what is joined, and its coverage."""
    truth, groups = pairs.ratings[test_rows], pairs.groups[test_rows].tolist()
    plain = np.mean([one[:, :2] for one in predictions.values()], axis=0)
    lines = []
    for column, name in enumerate(DIMENSIONS):
        both = np.stack([fused[:, column], truth[:, column], fused[:, 2 + column]], axis=1)
        alone = {sense: float(rmse(one[:, column], truth[:, column])) for sense, one in predictions.items()}
        best = min(alone, key=lambda sense: alone[sense])
        even = float(rmse(plain[:, column], truth[:, column]))
        lines += [
            measure_metric(
                pairs.name,
                f"{name} CCC joined",
                both,
                lambda drawn: float(ccc(drawn[:, 0], drawn[:, 1])),
                part=part,
                seed=seed,
                groups=groups,
            ),
            measure_metric(
                pairs.name,
                f"{name} RMSE joined",
                both,
                lambda drawn: float(rmse(drawn[:, 0], drawn[:, 1])),
                part=part,
                seed=seed,
                groups=groups,
                baseline=f"plain mean {even:.3f}, {best} alone {alone[best]:.3f}",
            ),
            measure_metric(
                pairs.name,
                f"{name} truth within one SD of joined",
                both,
                lambda drawn: float(np.mean(np.abs(drawn[:, 0] - drawn[:, 1]) <= drawn[:, 2])),
                part=part,
                seed=seed,
                groups=groups,
                ceiling=f"stated {ONE_SD_COVERAGE:.2f}, to be met within .05",
            ),
        ]
    return lines


def _to_pair(values: npt.ArrayLike) -> PerDimension:
    first, second = np.asarray(values, np.float64)
    return float(first), float(second)


def _round_pair(pair: PerDimension) -> list[float]:
    return [round(one, 3) for one in pair]
