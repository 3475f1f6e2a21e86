"""How far each sense can be believed of valence and arousal, measured where two tell of the same thing.

Three sets have pairs: RAVDESS' performances by face (action units) and voice (acoustic features)
(Livingstone & Russo 2018), CREMA-D's by people who only saw or only heard them (Cao et al. 2014),
LIRIS-ACCEDE's clips by features of the pictures and of the sound (Baveye et al. 2015). On each, every sense
has a regressor of its own and states its SD as measured by inner folds; then `fusion.affect_fusion` has to tell
what was held out.

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

from encoders.onnx_runtime import write_whole
from experiments.datasets.records import DATA, table
from experiments.heads import film_benchmark
from experiments.heads.report_figure import DIMENSIONS, Line, Part, line
from fusion.affect_fusion import Both, precision_mean
from retrieval.evaluation.affect_metrics import ccc, rmse
from retrieval.evaluation.splits import folds
from spaces.affect_regression import trust
from spaces.circumplex import EMOTIONS_FILE, Table, categories
from spaces.joint.kernel_ridge import kernel_ridge
from spaces.joint.space import gaussian

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = Mapping[str, Floats]
Told = dict[str, Any]

FILE = EMOTIONS_FILE.with_name("affect-senses.json")
SENSES = ("image", "sound", "face", "text")
FOLDS = 5
CENTRES = 300  # of a kernel, at most
DOUBT = 0.3  # SD of log reliability: what is believed of a sense before, and how sets differ
STATED = 0.6827  # of a normal distribution within one SD
CREMA = {"A": "angry", "D": "disgust", "F": "fearful", "H": "happy", "N": "neutral", "S": "sad"}
LONG = {"ANG": "A", "DIS": "D", "FEA": "F", "HAP": "H", "NEU": "N", "SAD": "S"}
MODEL_OUTPUT = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
HARDLY_KNOWN = "cpp_"  # columns with a value in 30 % of the rows

TOLD = (
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
class Pairs:
    """The same n items by several senses.

    senses: by name, features (n, d); NaN where unknown
    truth:  (n, 2) valence and arousal in [-1, 1]
    groups: (n,) actors or films: never on both sides
    parts:  (n,) train, dev or test
    shifts: by name, (n,) kinds of items, to be foretold from the other kinds alone: out of the domain
    pull:   penalty of the kernel ridge
    """

    name: str
    senses: Rows
    truth: Floats
    groups: npt.NDArray[np.str_]
    parts: npt.NDArray[np.str_]
    shifts: Mapping[str, npt.NDArray[np.str_]]
    pull: float = 0.3

    def rows(self, *parts: str) -> Ints:
        """Row numbers of these parts."""
        return np.flatnonzero(np.isin(self.parts, parts))


def performances(data: Path = DATA, emotions: Table = "learned") -> Pairs:
    """RAVDESS by voice ("sound") and face. Raises AffectError."""
    rows = list(table(data / "ravdess_av_features" / "combined_summary.csv"))
    columns = list(rows[0])
    heard = [name for name in columns[: columns.index("file")] if not name.startswith(HARDLY_KNOWN)]
    rest = columns[columns.index("file") + 1 : columns.index("emotion")]
    seen = [name for name in rest if not name.startswith(MODEL_OUTPUT)]
    known = categories("ravdess", emotions)
    return Pairs(
        name=_named("ravdess", emotions),
        senses={"sound": _numbers(rows, heard), "face": _numbers(rows, seen)},
        truth=known.means[[known.names.index(row["emotion"]) for row in rows]],
        groups=np.array([row["actor"] for row in rows]),
        parts=np.array([row["split"] for row in rows]),
        shifts={name: np.array([row[name] for row in rows]) for name in ("gender", "intensity")},
    )


def _named(name: str, emotions: Table) -> str:
    return name if emotions == "learned" else f"{name}, hand table"


def _numbers(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> Floats:
    """(n, d) of columns; NaN where empty."""
    return np.array([[float(row[name] or "nan") for name in columns] for row in rows], np.float64)


def people(data: Path = DATA, emotions: Table = "learned") -> Pairs:
    """CREMA-D by what people voted who only heard ("sound") or only saw ("face"). Raises AffectError."""
    rows = list(table(data / "cremad_votes" / "summaryTable.csv"))
    known = categories("ravdess", emotions)
    acted = [CREMA[LONG[row["FileName"].split("_")[2]]] for row in rows]
    return Pairs(
        name=_named("cremad", emotions),
        senses={sense: _votes(rows, kind) for sense, kind in (("sound", "Voice"), ("face", "Face"))},
        truth=known.means[[known.names.index(name) for name in acted]],
        groups=np.array([row["FileName"][:4] for row in rows]),
        parts=np.full(len(rows), "train"),
        shifts={},
    )


def _votes(rows: Sequence[Mapping[str, str]], kind: str) -> Floats:
    """(n, 12) share of each emotion in the winning vote (several if tied), and the same times its level."""
    found = np.zeros((len(rows), 2, len(CREMA)))
    for place, row in enumerate(rows):
        winners, levels = row[f"{kind}Vote"].split(":"), row[f"{kind}Level"].split(":")
        for winner, level in zip(winners, levels, strict=True):
            found[place, :, list(CREMA).index(winner)] += np.array([1, float(level) / 100]) / len(winners)
    return found.reshape(len(rows), -1)


def films(data: Path = DATA) -> Pairs:
    """LIRIS-ACCEDE by features of the pictures ("image") and of the sound, as normal scores. Raises."""
    known = film_benchmark.clips(data)
    scores = film_benchmark.even(known.features)(known.features)
    return Pairs(
        name="liris",
        senses={"image": scores[:, ~known.heard], "sound": scores[:, known.heard]},
        truth=known.ratings,
        groups=known.films.astype(np.str_),
        parts=np.array([{"learn": "train", "valid": "dev"}.get(one, one) for one in known.parts]),
        shifts={},
        pull=10.0,
    )


def foretold(pairs: Pairs, taught: Ints, asked: Ints, *, seed: int) -> dict[str, Floats]:
    """By sense, (m, 4) values and stated SDs of the rows `asked`, from a model of the rows `taught`.

    The SD is one number a dimension: what inner folds over the groups of those taught leave.
    """
    found = {}
    for sense, features in pairs.senses.items():
        left = np.full((len(taught), 2), np.nan)
        for fold in folds(pairs.groups[taught].tolist(), FOLDS, seed):
            rest, these = np.delete(taught, fold), taught[fold]
            left[fold] = _values(features, pairs, rest, these, seed) - pairs.truth[these]
        values = _values(features, pairs, taught, asked, seed)
        spread = np.sqrt(np.mean(left**2, axis=0))
        found[sense] = np.concatenate([values, np.broadcast_to(spread, values.shape)], axis=1)
    return found


def _values(features: Floats, pairs: Pairs, taught: Ints, asked: Ints, seed: int) -> Floats:
    """(m, 2) by Gaussian kernel ridge on standardised columns, the unknown at the median."""
    middle = np.nanmedian(features[taught], axis=0)
    filled = np.where(np.isnan(features), middle, features)
    mean, scale = filled[taught].mean(axis=0), filled[taught].std(axis=0) + 1e-9
    scaled = np.clip((filled - mean) / scale, -3, 3)
    drawn = np.random.default_rng(seed).permutation(taught)[:CENTRES]
    centre, wanted = scaled[drawn], pairs.truth[taught]
    gamma = 0.3 / features.shape[1]
    weight = kernel_ridge(
        scaled[taught], centre, wanted - wanted.mean(axis=0), gamma=gamma, penalty=pairs.pull,
        weights=np.ones(len(taught)),
    )  # fmt: skip
    return gaussian(scaled[asked], centre, gamma) @ weight + wanted.mean(axis=0)


def held_out(pairs: Pairs, inside: Ints, *, seed: int, shift: str = "") -> dict[str, Floats]:
    """By sense, (m, 4) of the rows `inside`, whole groups held out in turn, or whole kinds of a shift."""
    if shift:
        kinds = pairs.shifts[shift][inside]
        parts = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    else:
        parts = folds(pairs.groups[inside].tolist(), FOLDS, seed)
    found = {sense: np.full((len(inside), 4), np.nan) for sense in pairs.senses}
    for part in parts:
        for sense, rows in foretold(pairs, np.delete(inside, part), inside[part], seed=seed).items():
            found[sense][part] = rows
    return found


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """What one set says.

    reliability: by sense, (valence, arousal) factors on the stated precision
    error:       by sense, the standard errors of their logarithms (jackknife over groups)
    correlation: of the senses' errors, valence and arousal
    """

    name: str
    reliability: Mapping[str, Both]
    error: Mapping[str, Both]
    correlation: Both

    def told(self) -> Told:
        """As JSON."""
        return {
            "set": self.name,
            "reliability": {sense: _short(two) for sense, two in self.reliability.items()},
            "log_error": {sense: _short(two) for sense, two in self.error.items()},
            "correlation": _short(self.correlation),
        }


def evidence(pairs: Pairs, inside: Ints, *, seed: int) -> Evidence:
    """From rows held out: groups in turn and, beside them, kinds of each shift, which weigh the same."""
    ways = [held_out(pairs, inside, seed=seed, shift=shift) for shift in ("", *pairs.shifts)]
    rows = {sense: np.concatenate([way[sense] for way in ways]) for sense in pairs.senses}
    truth = np.tile(pairs.truth[inside], (len(ways), 1))
    groups = np.tile(pairs.groups[inside], len(ways))
    whole, correlation = learnt(rows, truth)
    parts = folds(groups.tolist(), min(10, len(np.unique(groups))), seed)
    without = np.stack([
        learnt({sense: np.delete(one, part, axis=0) for sense, one in rows.items()},
               np.delete(truth, part, axis=0), start=whole)[0]
        for part in parts
    ])  # fmt: skip
    error = np.sqrt((len(parts) - 1) * without.var(axis=0))
    return Evidence(
        name=pairs.name,
        reliability={sense: _both(np.exp(one)) for sense, one in zip(rows, whole, strict=True)},
        error={sense: _both(one) for sense, one in zip(rows, error, strict=True)},
        correlation=correlation,
    )


def learnt(rows: Rows, truth: Floats, *, start: Floats | None = None) -> tuple[Floats, Both]:
    """(senses, 2) log reliabilities and the errors' correlation that make `truth` (n, 2) likely.

    The likelihood is that of what `precision_mean` gives when each sense speaks alone, and when all do: as
    it happens that one abstains. The correlation is that of the errors in units of the stated SDs.
    """
    from scipy.optimize import minimize

    known = np.stack(list(rows.values()))
    misses = (known[:, :, :2] - truth) / known[:, :, 2:]
    pairs = np.triu_indices(len(rows), 1)
    together = [np.atleast_2d(np.corrcoef(misses[:, :, column]))[pairs].mean() for column in (0, 1)]
    correlation = _both(np.clip(together, 0, 0.95))

    def unlikely(logs: Floats) -> float:
        factors = np.exp(logs.reshape(len(rows), 2))
        trust = {sense: _both(one) for sense, one in zip(rows, factors, strict=True)}
        choices = [{sense: one} for sense, one in rows.items()] + [dict(rows)]
        return sum(surprise(precision_mean(one, trust, correlation=correlation), truth) for one in choices)

    begin = np.zeros((len(rows), 2)) if start is None else start
    best = minimize(unlikely, begin.ravel(), method="L-BFGS-B", bounds=[(-2, 2)] * begin.size)
    return np.asarray(best.x).reshape(begin.shape), correlation


def surprise(rows: Floats, truth: Floats) -> float:
    """Mean over items, summed over both dimensions, of -log likelihood of truth (n, 2), less a constant."""
    sd = rows[:, 2:]
    return float(np.mean(np.log(sd) + ((rows[:, :2] - truth) / sd) ** 2 / 2, axis=0).sum())


def pooled(found: Sequence[Evidence]) -> tuple[dict[str, Both], Both]:
    """Reliabilities of SENSES, drawn towards 1, and the mean correlation (Fisher's z), of several sets.

    A log reliability is N(0, DOUBT^2) before; a set shows it with its standard error and, as sets differ,
    DOUBT again. So one set moves it less than half of the way, two less than two thirds.
    """
    reliability = {}
    for sense in SENSES:
        known = [one for one in found if sense in one.reliability]
        logs = np.log([one.reliability[sense] for one in known]).reshape(-1, 2)
        weight = 1 / (np.array([one.error[sense] for one in known]).reshape(-1, 2) ** 2 + DOUBT**2)
        reliability[sense] = _both(np.exp((weight * logs).sum(axis=0) / (weight.sum(axis=0) + DOUBT**-2)))
    turned = np.arctanh([one.correlation for one in found]).mean(axis=0)
    return reliability, _both(np.tanh(turned))


def fit(data: Path = DATA, *, seed: int) -> Told:
    """What spaces/weights/affect-senses.json holds: reliabilities, correlation, and where they come from."""
    found = [
        evidence(pairs, pairs.rows("train", "dev"), seed=seed) for pairs in (performances(data), people(data))
    ]
    reliability, correlation = pooled(found)
    return {
        "reliability": {sense: _short(two) for sense, two in reliability.items()},
        "correlation": _short(correlation),
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
            "prior": f"log reliability N(0, {DOUBT}^2), and {DOUBT} more between sets",
            "made by": f"python -m experiments.train affect-senses --seed {seed}",
        },
        "evidence": [one.told() for one in found],
    }


def make(data: Path = DATA, out: Path | None = None, *, seed: int, quiet: bool = False) -> list[Path]:
    """Learn and write affect-senses.json, into `out` (by default the package's). Raises AffectError."""
    told = fit(data, seed=seed)
    if not quiet:
        print(json.dumps({name: told[name] for name in ("reliability", "correlation")}))
    file = (out or FILE.parent) / FILE.name
    write_whole(file, (json.dumps(told, indent=1) + "\n").encode())
    return [file]


def figures(data: Path = DATA, *, seed: int, part: Part = "folds") -> list[Line]:
    """How near each sense comes, by how much one is nearer than the other, what joining them brings, and how
    often the truth lies within one SD of what is joined.

    folds: groups held out in turn, from the regressors and from what the reliabilities are learnt of.
    dev, test: RAVDESS' and LIRIS-ACCEDE's rows of that part, where `data` has any; on test by the packaged
    reliabilities. Without train rows in `data`, those of DATA teach. CREMA-D has no parts.
    """
    judged = people(data) if (data / "cremad_votes").exists() else people(DATA)
    acted = _taught(performances, data)
    if part == "folds":
        known = {one.name: evidence(one, one.rows("train", "dev"), seed=seed) for one in (acted, judged)}
        lines = []
        for one, other in ((acted, judged), (judged, acted)):
            rows, joined = _joined_in_turn(one, [known[other.name]], seed=seed)
            inside = one.rows("train", "dev")
            lines += [
                *_apart(one, inside, rows, part, seed),
                *_together(one, inside, rows, joined, part, seed),
            ]
        for one in (performances(data, "hand"), people(data, "hand"), films(data)):
            inside = one.rows("train", "dev")
            lines += _apart(one, inside, held_out(one, inside, seed=seed), part, seed)
        return lines
    lines = []
    for one in (acted, _taught(films, data)):
        inside, asked = one.rows("train", *(["dev"] if part == "test" else [])), one.rows(part)
        if not len(asked):
            continue
        rows = foretold(one, inside, asked, seed=seed)
        lines += _apart(one, asked, rows, part, seed)
        if one is acted:
            found = (
                []
                if part == "test"
                else [evidence(pairs, pairs.rows("train"), seed=seed) for pairs in (acted, judged)]
            )
            reliability, correlation = pooled(found) if found else (trust().reliability, trust().correlation)
            joined = precision_mean(rows, reliability, correlation=correlation)
            lines += _together(one, asked, rows, joined, part, seed)
    return lines


def _taught(read: Callable[[Path], Pairs], data: Path) -> Pairs:
    """The pairs of a root, with the train and dev rows of DATA where it has none of its own."""
    found = read(data)
    if len(found.rows("train", "dev")) or data == DATA:
        return found
    known = read(DATA)
    kept = known.rows("train", "dev")
    return replace(
        found,
        senses={
            sense: np.concatenate([one[kept], found.senses[sense]]) for sense, one in known.senses.items()
        },
        truth=np.concatenate([known.truth[kept], found.truth]),
        groups=np.concatenate([known.groups[kept], np.char.add("asked ", found.groups)]),
        parts=np.concatenate([known.parts[kept], found.parts]),
        shifts={name: np.concatenate([one[kept], found.shifts[name]]) for name, one in known.shifts.items()},
    )


def _joined_in_turn(
    pairs: Pairs, others: Sequence[Evidence], *, seed: int
) -> tuple[dict[str, Floats], Floats]:
    """Rows by sense and joined (n, 4), of train and dev: groups held out in turn, also from reliabilities."""
    inside = pairs.rows("train", "dev")
    found = {sense: np.full((len(inside), 4), np.nan) for sense in pairs.senses}
    joined = np.full((len(inside), 4), np.nan)
    for fold in folds(pairs.groups[inside].tolist(), FOLDS, seed):
        rest = np.delete(inside, fold)
        rows = foretold(pairs, rest, inside[fold], seed=seed)
        reliability, correlation = pooled([evidence(pairs, rest, seed=seed), *others])
        joined[fold] = precision_mean(rows, reliability, correlation=correlation)
        for sense in found:
            found[sense][fold] = rows[sense]
    return found, joined


def _apart(pairs: Pairs, asked: Ints, rows: Rows, part: Part, seed: int) -> list[Line]:
    """CCC of each sense, and the RMSE of sound less that of the other."""
    truth, groups = pairs.truth[asked], pairs.groups[asked].tolist()
    (other,) = (sense for sense in rows if sense != "sound")
    lines = []
    for column, name in enumerate(DIMENSIONS):
        sides = np.stack([rows["sound"][:, column], rows[other][:, column], truth[:, column]], axis=1)
        for place, sense in enumerate(("sound", other)):
            lines.append(
                line(
                    pairs.name, f"{name} CCC of {sense}", sides[:, [place, 2]],
                    lambda drawn: float(ccc(drawn[:, 0], drawn[:, 1])), part=part, seed=seed, groups=groups,
                )
            )  # fmt: skip
        lines.append(
            line(
                pairs.name, f"{name} RMSE, sound less {other}", sides,
                lambda drawn: float(rmse(drawn[:, 0], drawn[:, 2]) - rmse(drawn[:, 1], drawn[:, 2])),
                part=part, seed=seed, groups=groups,
            )
        )  # fmt: skip
    return lines


def _together(pairs: Pairs, asked: Ints, rows: Rows, joined: Floats, part: Part, seed: int) -> list[Line]:
    """CCC and RMSE of what is joined, and its coverage."""
    truth, groups = pairs.truth[asked], pairs.groups[asked].tolist()
    plain = np.mean([one[:, :2] for one in rows.values()], axis=0)
    lines = []
    for column, name in enumerate(DIMENSIONS):
        both = np.stack([joined[:, column], truth[:, column], joined[:, 2 + column]], axis=1)
        alone = {sense: float(rmse(one[:, column], truth[:, column])) for sense, one in rows.items()}
        best = min(alone, key=lambda sense: alone[sense])
        even = float(rmse(plain[:, column], truth[:, column]))
        lines += [
            line(
                pairs.name, f"{name} CCC joined", both,
                lambda drawn: float(ccc(drawn[:, 0], drawn[:, 1])), part=part, seed=seed, groups=groups,
            ),
            line(
                pairs.name, f"{name} RMSE joined", both,
                lambda drawn: float(rmse(drawn[:, 0], drawn[:, 1])), part=part, seed=seed, groups=groups,
                floor=f"plain mean {even:.3f}, {best} alone {alone[best]:.3f}",
            ),
            line(
                pairs.name, f"{name} truth within one SD of joined", both,
                lambda drawn: float(np.mean(np.abs(drawn[:, 0] - drawn[:, 1]) <= drawn[:, 2])),
                part=part, seed=seed, groups=groups, ceiling=f"stated {STATED:.2f}, to be met within .05",
            ),
        ]  # fmt: skip
    return lines


def _both(two: npt.ArrayLike) -> Both:
    first, second = np.asarray(two, np.float64)
    return float(first), float(second)


def _short(two: Both) -> list[float]:
    return [round(one, 3) for one in two]
