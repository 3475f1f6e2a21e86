"""Valence and arousal of pictures, taught by the ratings of OASIS on what the object network makes of them.

A picture is read twice: as the network's 1280 features, and as the mix of its labels' sentence vectors, which
knows that hearses and coffins are alike (ConSE, Norouzi et al. 2014). Two maps of both are averaged: kernel
ridge on landmarks, each the mean of a picture and its nearest neighbours, its kernel the sum of one on each
reading (Gönen & Alpaydın 2011, "Multiple kernel learning algorithms"); and ridge, on the signed square roots
of the features (Perronnin et al. 2010) and the label vectors. Both see every picture in nine views. Least
squares draws answers to the middle; they are stretched to the spread of the truth, as out-of-fold answers of
the training pictures tell, which is what agreement asks for (CCC, Lin 1989).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from encoders.base import Frames, Rows
from experiments.datasets import DATA
from experiments.datasets.records import table
from experiments.features.extraction import encoded
from experiments.heads.image_augmentation import views_of
from experiments.heads.report_figure import DIMENSIONS, Line, Part, line
from retrieval.evaluation.affect_metrics import ccc, pearson
from retrieval.evaluation.splits import folds
from retrieval.features.pipeline import LABELS, Experts, Recipe
from spaces.affect_regression import packaged_regressors, stated
from spaces.affect_regressor import Regressor, Regressors, save_regressors
from spaces.joint.kernel_ridge import SMALLEST, on_landmarks, single
from spaces.joint.ridge import least_squares
from spaces.joint.space import FARTHEST, TEXT, KernelReader, Layer, Reader, Tower, gaussian, powered

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FILE = Path(str(files("spaces") / "weights" / "affect-image.safetensors"))
ROLE = "objects"
MIDDLE, HALF = 4.0, 3.0  # of the scale of 1 to 7
VIEWS = 8  # of each picture, beside itself
COUNT = 5  # folds
NEAR = 3  # pictures in a landmark
WIDTHS = {ROLE: 1.0, LABELS: 0.5}  # of each role's kernel, per column
PENALTY = 0.2  # of the kernels' ridge, for each of them
STRENGTH = 10.0  # of the plain ridge's penalty
POWER = 0.5  # of the features as ridge reads them; label vectors stay as they are
PLAIN = 0.25  # the strength of the floor's penalty
DOUBT = 0.1  # in units of the plane: the error of a rating beside the raters' own scatter
UNKNOWN = 3**-0.5  # SD of anything between -1 and 1: what is known of a picture unlike all that was learnt
EMPTY = 160  # pictures of nothing
DOUBTFUL = 0.02  # the strength of the penalty that tells them from photos
COVERED = 0.68  # of errors lie within the stated SD
BARS = {"valence": 0.58, "arousal": 0.55}  # CCC on unseen themes

TOLD = (
    "OASIS (Kurdi, Lozano & Banaji 2017, Behavior Research Methods): 661 photos of 180 themes, each rated by "
    "about 100 people for valence and for arousal. It reads the packaged EfficientNet-Lite2's features, and "
    "the packaged sentence network's vectors of the ImageNet labels it gives. "
    "Faces, their expressions and what a scene is used for are seen only as far as ImageNet's classes show "
    "them; blood, bodies and nudity were left out of the photos learnt from."
)
LICENCE = (
    "for research: OASIS has no licence file; its authors allow research use. Of the photos 501 are from "
    "Pixabay (CC0 then), the others from Wikipedia, Flickr and elsewhere under their own licences. The "
    "weights were learnt from all of them; no photo's row is kept, landmarks average three. Taught by CC0 "
    "photos alone, CCC on folds of unseen themes is .54 and .59 (valence, arousal) instead of .58 and .60."
)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A photo of OASIS and what about 100 people said of it, valence then arousal, in units of the plane.

    mean:   of the ratings, in [-1, 1]
    spread: standard deviation between raters
    raters: how many
    group:  its theme; themes are never torn apart
    free:   whether it came from Pixabay under CC0
    """

    path: Path
    mean: tuple[float, float]
    spread: tuple[float, float]
    raters: tuple[float, float]
    group: str
    free: bool
    split: str


def oasis_ratings(data: Path = DATA) -> list[Picture]:
    """OASIS (Kurdi, Lozano & Banaji 2017), its ratings of 1 to 7 moved to [-1, 1]."""
    return [
        Picture(
            path=data / "oasis" / row["file"],
            mean=((float(row["valence_mean"]) - MIDDLE) / HALF, (float(row["arousal_mean"]) - MIDDLE) / HALF),
            spread=(float(row["valence_sd"]) / HALF, float(row["arousal_sd"]) / HALF),
            raters=(float(row["valence_n"]), float(row["arousal_n"])),
            group=row["theme_base"],
            free=row["licence_class"] == "pixabay_cc0",
            split=row["split"],
        )
        for row in table(data / "oasis" / "oasis.csv")
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """Rated pictures as they are learnt from.

    rows:   (n, views, d) by role: raw features and label vectors, the picture itself first
    means:  (n, 2) ratings
    spread: (n, 2) standard deviation between raters
    doubt:  (n,) weight of each, mean 1: what few raters said, or said differently, counts less
    groups: (n,) themes
    """

    rows: Mapping[str, Floats]
    means: Floats
    spread: Floats
    doubt: Floats
    groups: tuple[str, ...]

    def part(self, chosen: npt.ArrayLike) -> Lesson:
        """Those pictures alone."""
        at = np.asarray(chosen)
        return Lesson(
            rows={role: rows[at] for role, rows in self.rows.items()},
            means=self.means[at],
            spread=self.spread[at],
            doubt=self.doubt[at],
            groups=tuple(np.array(self.groups)[at].tolist()),
        )

    def without(self, chosen: Ints) -> Lesson:
        """All but those."""
        return self.part(np.setdiff1d(np.arange(len(self.means)), chosen))

    @property
    def plain(self) -> dict[str, Rows]:
        """Raw rows of the pictures themselves, by role."""
        return {role: single(rows[:, 0]) for role, rows in self.rows.items()}


def lesson(pictures: Sequence[Picture], rows: Mapping[str, npt.NDArray[np.floating]]) -> Lesson:
    """Of pictures and their rows (n, views, d) by role."""
    spread, raters = (np.array([getattr(one, name) for one in pictures]) for name in ("spread", "raters"))
    weights = (1 / (spread**2 / raters + DOUBT**2)).mean(axis=1)
    return Lesson(
        rows={role: np.asarray(one, np.float64) for role, one in rows.items()},
        means=np.array([one.mean for one in pictures]),
        spread=spread,
        doubt=weights / weights.mean(),
        groups=tuple(one.group for one in pictures),
    )


def make(data: Path, out: Path | None, *, seed: int, quiet: bool) -> list[Path]:
    """Fit and write affect-image.safetensors, into `out` (by default the package's). Raises as `fit` does."""
    file = FILE if out is None else out / FILE.name
    save_regressors(file, fit(data, seed=seed, quiet=quiet))
    return [file]


def fit(data: Path, *, seed: int, quiet: bool = False) -> Regressors:
    """Taught on train and dev of OASIS: "mean", "log_sd" and "disagreement", each (n, 2).

    They read the roles "objects" and "labels", see `retrieval.features.pipeline.Experts.with_labels`.
    Raises AffectError where the data are not there, BadMedia where a picture can't be read.
    """
    pictures = _told(oasis_ratings(data))
    members, factors = taught(_seen(pictures, seed, quiet), _empty(seed), seed=seed)
    return Regressors(
        members=members,
        encoders={role: _experts().role(role).card.signature for role in (ROLE, TEXT)},  # TEXT makes LABELS
        about={
            "scale": "valence and arousal, -1 to 1; disagreement: SD between raters in the same units",
            "pictures": len(pictures),
            "stretched": dict(zip(DIMENSIONS, factors.round(3).tolist(), strict=True)),
        },
    )


def taught(known: Lesson, empty: Rows, *, seed: int) -> tuple[dict[str, Regressor], Floats]:
    """The members, and the factors (2,) by which answers were stretched about the mean.

    empty: (m, 1280) raw rows of pictures of nothing, see `nothing`
    """
    found, unlike = np.empty(known.means.shape), np.empty((len(known.means), 1))
    for out in folds(known.groups, COUNT, seed):
        rest, held = known.without(out), known.part(out).plain
        found[out] = means(rest)(held)
        unlike[out] = Regressor(towers=(emptiness(rest, empty),))(held)
    factors = known.means.std(axis=0) / found.std(axis=0)
    middle = known.means.mean(axis=0)
    errors = np.abs(np.clip(middle + (found - middle) * factors, -1, 1) - known.means)
    members = {
        "mean": means(known, factors),
        "log_sd": Regressor(towers=(widened(emptiness(known, empty), errors, unlike),)),
        "disagreement": Regressor(towers=(_linear(known, known.spread),)),
    }
    return members, factors


def means(known: Lesson, factors: npt.ArrayLike = 1.0) -> Regressor:
    """Valence and arousal (n, 2), stretched about the mean by `factors`."""
    return Regressor(towers=(_kernel(known, factors), _linear(known, known.means, factors)))


def nothing(*, seed: int, count: int = EMPTY, side: int = 260) -> list[Frames]:
    """Pictures (1, side, side, 3) of one colour, a gradient, noise and clouds, bright or dark: of nothing.

    What a model should doubt can be shown to it (outlier exposure, Hendrycks, Mazeika & Dietterich 2019).
    """
    rng = np.random.default_rng(seed)
    made = []
    for at in range(count):
        kind = at % 4  # one colour, a gradient, noise, clouds
        base = rng.uniform(0, 255, rng.choice([1, 3])) * rng.choice([0.05, 1.0])
        plane: Floats = np.zeros((side, side, 3))
        if kind == 1:
            across, down = rng.normal(0, 100, 2)
            along = np.linspace(-1, 1, side)
            plane += (across * along + down * along[:, None])[..., None]
        if kind >= 2:
            channels = rng.choice([1, 3])
            noise: Floats = rng.normal(0, 1, (side, side, channels))
            if kind == 3:
                soft = cv2.GaussianBlur(noise, (0, 0), rng.uniform(1, 40))
                noise = np.asarray(soft, np.float64).reshape(side, side, channels)
            plane += noise / noise.std() * rng.uniform(2, 80)
        made.append((plane + base).clip(0, 255).astype(np.uint8)[None])
    return made


def emptiness(known: Lesson, empty: Rows) -> Tower:
    """(n, 1) ReLU of ridge from signed square roots: 0 for photos, about 1 for pictures of nothing."""
    photos = single(_flat(known.rows[ROLE]))
    rows = powered(np.concatenate([photos, empty]), POWER).astype(np.float64)
    mean, scale = _moments(rows[: len(photos)])
    standard = np.clip((rows - mean) / scale, -FARTHEST, FARTHEST)
    is_empty = np.arange(len(rows)) >= len(photos)
    share: Floats = np.sqrt(np.where(is_empty, 1 / len(empty), 1 / len(photos)))[
        :, None
    ]  # as much of one as the other
    weight = least_squares(standard * share, np.where(is_empty, 2.0, 0.0)[:, None] * share, DOUBTFUL)
    reader = Reader(
        mean=single(mean),
        scale=single(scale),
        weight=single(weight),
        absent=np.zeros(1, np.float32),
        power=POWER,
    )
    one = np.ones((1, 1), np.float32)
    layer = Layer(weight=one, bias=np.zeros(1, np.float32))
    return Tower(readers={ROLE: reader}, bias=np.array([-1.0], np.float32), layers=(layer,))


def widened(unlike: Tower, errors: Floats, empty: Floats) -> Tower:
    """log SD (n, 2): one number for photos, growing to log UNKNOWN and beyond for pictures of nothing.

    errors: (n, 2) of answers to held-out pictures, and `empty` (n, 1) how empty they looked. Photos have one
    SD such that COVERED of errors lie within: their errors tell of no difference that could be foretold.
    """
    most = np.log(UNKNOWN)
    part = np.minimum(empty, 0.9)
    logs = (np.log(np.maximum(errors, SMALLEST)) - part * most) / (1 - part)
    usual = np.quantile(logs, COVERED, axis=0)
    widen = Layer(weight=single((most - usual)[None]), bias=single(usual))
    return replace(unlike, layers=(widen,))


def neighbours(rows: Floats, count: int = NEAR) -> Ints:
    """(n, count) each row (n, d) and its nearest: a landmark is their mean, so that no row stands alone."""
    squares = (rows**2).sum(axis=1)
    far = squares[:, None] + squares - 2 * rows @ rows.T
    return np.asarray(np.argsort(far, axis=1, kind="stable")[:, :count])


def figures(data: Path, *, seed: int, part: Part = "folds") -> list[Line]:
    """Agreement, correlation and coverage on pictures of themes that were not learnt from; see `Part`."""
    pictures = oasis_ratings(data)
    if part == "test":
        asked = [one for one in pictures if one.split == "test"]
        if not asked:
            return []
        known = _told(pictures) or _told(oasis_ratings())  # for the floor
        rows = encoded(_experts(), [(one.path,) for one in asked], quiet=True).pooled(len(asked))[ROLE]
        there, model = lesson(asked, _labelled(rows[:, None])), packaged_regressors()["image"].members
        plain = floor(_seen(known, seed, True, views=0), there)
        return _lines(there, _answers(model, there), plain, part, seed)
    pictures = _told(pictures)
    all_of = _seen(pictures, seed, True)
    dev = np.flatnonzero([one.split == "dev" for one in pictures])
    parts = folds(all_of.groups, COUNT, seed) if part == "folds" else [dev]
    if not all(len(out) for out in parts):
        return []
    empty = _empty(seed)
    answers, plain = np.full((len(pictures), 6), np.nan), np.full((len(pictures), 2), np.nan)
    for out in parts:
        rest, there = all_of.without(out), all_of.part(out)
        answers[out] = _answers(taught(rest, empty, seed=seed)[0], there)
        plain[out] = floor(rest, there)
    chosen = np.sort(np.concatenate(parts))
    return _lines(all_of.part(chosen), answers[chosen], plain[chosen], part, seed)


def held_out(data: Path, *, seed: int) -> tuple[list[Picture], Floats]:
    """Pictures of train and dev, and (n, 4) the affect of each by a head taught other themes."""
    pictures = _told(oasis_ratings(data))
    all_of, empty = _seen(pictures, seed, True), _empty(seed)
    answers = np.full((len(pictures), 4), np.nan)
    for out in folds(all_of.groups, COUNT, seed):
        answers[out] = _answers(taught(all_of.without(out), empty, seed=seed)[0], all_of.part(out))[:, :4]
    answers[:, :2] = np.clip(answers[:, :2], -1, 1)
    return pictures, answers


def floor(known: Lesson, there: Lesson) -> Floats:
    """(n, 2) by ridge on the features as they are, of one view and not stretched."""
    seen, asked = known.rows[ROLE][:, 0], there.rows[ROLE][:, 0]
    mean, scale = _moments(seen)
    middle = known.means.mean(axis=0)
    weight = least_squares((seen - mean) / scale, known.means - middle, PLAIN)
    return np.asarray((asked - mean) / scale @ weight + middle)


def ceiling(there: Lesson, raters: Floats) -> Floats:
    """(2,) the best correlation with the means of that many raters: the root of the means' reliability."""
    return np.sqrt(np.maximum(1 - (there.spread**2 / raters).mean(axis=0) / there.means.var(axis=0), 0))


def _lines(there: Lesson, answers: Floats, plain: Floats, part: Part, seed: int) -> list[Line]:
    """Answers: (n, 6) valence, arousal, their SD, and the disagreement foretold of both."""
    made = []
    best = ceiling(there, np.full(2, 100.0))
    for at, name in enumerate(DIMENSIONS):
        truth = there.means[:, at]
        pairs = np.stack([answers[:, at], truth], axis=1)
        inside = (np.abs(pairs[:, 0] - truth) <= answers[:, 2 + at]).astype(float)
        spread = np.stack([answers[:, 4 + at], there.spread[:, at]], axis=1)
        base = np.stack([plain[:, at], truth], axis=1)
        top = f"{best[at]:.2f}, the means of 100 raters"
        for what, values, statistic, low, high, bar in (
            ("CCC", pairs, _ccc, f"{_ccc(base):.2f}, plain ridge", top, BARS[name]),
            ("r", pairs, _r, f"{_r(base):.2f}, plain ridge", top, None),
            ("within one SD", inside, np.mean, "", f"{COVERED:.2f} as stated", None),
            ("disagreement r", spread, _r, "", "", None),
        ):
            made.append(
                line("oasis", f"{name} {what}", values, statistic, part=part, seed=seed, groups=there.groups,
                     floor=low, ceiling=high, bar=bar)
            )  # fmt: skip
    return made


def _ccc(pairs: Floats) -> float:
    return float(ccc(pairs[:, 0], pairs[:, 1]))


def _r(pairs: Floats) -> float:
    return float(pearson(pairs[:, 0], pairs[:, 1]))


def _answers(members: Mapping[str, Regressor], there: Lesson) -> Floats:
    said = stated(members["mean"], members["log_sd"], there.plain)
    return np.concatenate([said, members["disagreement"](there.plain)], axis=1).astype(np.float64)


def _experts() -> Experts:
    return Experts(Recipe(activity="", sound="", tone="", faces="", sentiment=""))


def _empty(seed: int) -> Rows:
    return _experts().role(ROLE).encode(nothing(seed=seed))


def _told(pictures: Sequence[Picture]) -> list[Picture]:
    """Those that may be learnt from."""
    return [one for one in pictures if one.split != "test"]


def _seen(pictures: Sequence[Picture], seed: int, quiet: bool, views: int = VIEWS) -> Lesson:
    rows = views_of(_experts(), [(one.path,) for one in pictures], views, seed=seed, quiet=quiet)[ROLE]
    return lesson(pictures, _labelled(rows))


def _labelled(rows: Rows) -> dict[str, Rows]:
    """By role, of raw rows of objects (n, views, d): each view has the labels that are seen in it."""
    found = _experts().with_labels({ROLE: rows.reshape(-1, rows.shape[2])})
    return {role: one.reshape(*rows.shape[:2], -1) for role, one in found.items()}


def _kernel(known: Lesson, factors: npt.ArrayLike) -> Tower:
    """Kernel ridge with a sum of Gaussian kernels, one a role, on landmarks as in `spaces.joint.kernel_ridge`."""
    moments = {role: _moments(rows[:, 0]) for role, rows in known.rows.items()}
    standard = {role: (rows - moments[role][0]) / moments[role][1] for role, rows in known.rows.items()}
    near = neighbours(standard[ROLE].mean(axis=1))  # a landmark is the same pictures in every role
    centres = {role: rows.mean(axis=1)[near].mean(axis=1) for role, rows in standard.items()}
    gammas = {role: WIDTHS[role] / rows.shape[2] for role, rows in standard.items()}
    seen = {role: gaussian(_flat(rows), centres[role], gammas[role]) for role, rows in standard.items()}
    among = sum(gaussian(rows, rows, gammas[role]) for role, rows in centres.items())
    middle, count = known.means.mean(axis=0), standard[ROLE].shape[1]
    whole = np.asarray(sum(seen.values()))
    wanted = np.repeat(known.means - middle, count, axis=0)
    weight = on_landmarks(
        whole, np.asarray(among), wanted, PENALTY * len(seen), np.repeat(known.doubt / count, count)
    )
    weight *= np.asarray(factors)
    readers = {
        role: KernelReader(
            mean=single(moments[role][0]),
            scale=single(moments[role][1]),
            centres=single(centres[role]),
            gamma=gammas[role],
            weight=single(weight),
            absent=single((seen[role] @ weight).mean(axis=0)),
        )
        for role in standard
    }
    return Tower(readers=readers, bias=single(middle))


def _linear(known: Lesson, wanted: Floats, factors: npt.ArrayLike = 1.0) -> Tower:
    """Ridge from features' signed square roots and label vectors to `wanted` (n, 2)."""
    powers = {role: POWER if role == ROLE else 1.0 for role in known.rows}
    tamed = {
        role: powered(single(rows), powers[role]).astype(np.float64) for role, rows in known.rows.items()
    }
    moments = {role: _moments(rows[:, 0]) for role, rows in tamed.items()}
    standard = [
        np.clip(_flat((rows - moments[role][0]) / moments[role][1]), -FARTHEST, FARTHEST)
        for role, rows in tamed.items()
    ]
    middle, count = wanted.mean(axis=0), known.rows[ROLE].shape[1]
    share = np.sqrt(np.repeat(known.doubt, count))[:, None]
    rows = np.concatenate(standard, axis=1)
    weight = least_squares(rows * share, np.repeat(wanted - middle, count, axis=0) * share, STRENGTH)
    parts = np.split(weight * np.asarray(factors), np.cumsum([one.shape[1] for one in standard])[:-1])
    readers = {
        role: Reader(
            mean=single(moments[role][0]),
            scale=single(moments[role][1]),
            weight=single(part),
            absent=np.zeros(wanted.shape[1], np.float32),
            power=powers[role],
        )
        for role, part in zip(tamed, parts, strict=True)
    }
    return Tower(readers=readers, bias=single(middle))


def _flat(rows: Floats) -> Floats:
    """(n * views, d) of rows (n, views, d)."""
    return rows.reshape(-1, rows.shape[2])


def _moments(rows: Floats) -> tuple[Floats, Floats]:
    return rows.mean(axis=0), rows.std(axis=0) + SMALLEST
