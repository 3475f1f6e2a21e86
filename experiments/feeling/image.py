"""Valence and arousal of pictures, taught by the ratings of OASIS on the object network's features.

Two maps of the same 1280 features are averaged: kernel ridge on landmarks, each the mean of a picture and
its nearest neighbours, and ridge on their signed square roots (Perronnin et al. 2010). Both see every picture
in nine views. Least squares draws answers to the middle; they are stretched to the spread of the truth, as
out-of-fold answers of the training pictures tell, which is what agreement asks for (CCC, Lin 1989).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from encoders.base import Frames, Rows
from experiments.data import DATA
from experiments.data.records import table
from experiments.features import encoded
from experiments.feeling.lines import DIMENSIONS, Line, Part, line
from experiments.views import views_of
from retrieval.evaluation.affect import ccc, pearson
from retrieval.evaluation.splits import folds
from retrieval.recipe import Experts, Recipe
from spaces.affect import packaged_regressors, stated
from spaces.joint import FARTHEST, KernelReader, Layer, Reader, Tower, powered
from spaces.kernel import SMALLEST, kernel_ridge, single
from spaces.regressor import Regressor, Regressors
from spaces.ridge import least_squares

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROLE = "objects"
MIDDLE, HALF = 4.0, 3.0  # of the scale of 1 to 7
VIEWS = 8  # of each picture, beside itself
COUNT = 5  # folds
NEAR = 3  # pictures in a landmark
WIDTH, PENALTY = 1.0, 0.2  # of the kernel, per column, and its ridge
STRENGTH, POWER = 10.0, 0.5  # of the plain ridge's penalty, and of the values it reads
PLAIN = 0.25  # the strength of the floor's penalty
DOUBT = 0.1  # in units of the plane: the error of a rating beside the raters' own scatter
UNKNOWN = 3**-0.5  # SD of anything between -1 and 1: what is known of a picture unlike all that was learnt
EMPTY = 160  # pictures of nothing
DOUBTFUL = 0.02  # the strength of the penalty that tells them from photos
COVERED = 0.68  # of errors lie within the stated SD
BARS = {"valence": 0.58, "arousal": 0.55}  # CCC on unseen themes

TOLD = (
    "OASIS (Kurdi, Lozano & Banaji 2017, Behavior Research Methods): 661 photos of 180 themes, each rated by "
    "about 100 people for valence and for arousal. It reads the packaged EfficientNet-Lite2's features. "
    "Faces, their expressions and what a scene is used for are seen only as far as ImageNet's classes show "
    "them; blood, bodies and nudity were left out of the photos learnt from."
)
LICENCE = (
    "for research: OASIS has no licence file; its authors allow research use. Of the photos 501 are from "
    "Pixabay (CC0 then), the others from Wikipedia, Flickr and elsewhere under their own licences. The "
    "weights were learnt from all of them; no photo's row is kept, landmarks average three. Taught by CC0 "
    "photos alone, CCC on folds of unseen themes is .53 and .54 (valence, arousal) instead of .56 and .57."
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

    rows:   (n, views, 1280) raw features, the picture itself first
    means:  (n, 2) ratings
    spread: (n, 2) standard deviation between raters
    doubt:  (n,) weight of each, mean 1: what few raters said, or said differently, counts less
    groups: (n,) themes
    """

    rows: Floats
    means: Floats
    spread: Floats
    doubt: Floats
    groups: tuple[str, ...]

    def part(self, chosen: npt.ArrayLike) -> Lesson:
        """Those pictures alone."""
        at = np.asarray(chosen)
        return Lesson(
            rows=self.rows[at],
            means=self.means[at],
            spread=self.spread[at],
            doubt=self.doubt[at],
            groups=tuple(np.array(self.groups)[at].tolist()),
        )

    def without(self, chosen: Ints) -> Lesson:
        """All but those."""
        return self.part(np.setdiff1d(np.arange(len(self.rows)), chosen))

    @property
    def plain(self) -> dict[str, Rows]:
        """Raw rows of the pictures themselves, by role."""
        return {ROLE: single(self.rows[:, 0])}


def lesson(pictures: Sequence[Picture], rows: npt.NDArray[np.floating]) -> Lesson:
    """Of pictures and their rows (n, views, 1280)."""
    spread, raters = (np.array([getattr(one, name) for one in pictures]) for name in ("spread", "raters"))
    weights = (1 / (spread**2 / raters + DOUBT**2)).mean(axis=1)
    return Lesson(
        rows=np.asarray(rows, np.float64),
        means=np.array([one.mean for one in pictures]),
        spread=spread,
        doubt=weights / weights.mean(),
        groups=tuple(one.group for one in pictures),
    )


def fit(data: Path, *, seed: int, quiet: bool = False) -> Regressors:
    """Taught on train and dev of OASIS: "mean", "log_sd" and "disagreement", each (n, 2), of role "objects".

    Raises AffectError where the data are not there, BadMedia where a picture can't be read.
    """
    pictures = [one for one in oasis_ratings(data) if one.split != "test"]
    members, factors = taught(_seen(pictures, seed, quiet), _empty(seed), seed=seed)
    return Regressors(
        members=members,
        encoders={ROLE: _experts().role(ROLE).card.signature},
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
    found, unlike = np.empty(known.means.shape), np.empty((len(known.rows), 1))
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
    photos = single(known.rows.reshape(-1, known.rows.shape[2]))
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


def neighbourhoods(rows: Floats, count: int = NEAR) -> Floats:
    """(n, d) the mean of each row (n, d) and its nearest, `count` in all, so that no row stands alone."""
    squares = (rows**2).sum(axis=1)
    far = squares[:, None] + squares - 2 * rows @ rows.T
    return np.asarray(rows[np.argsort(far, axis=1, kind="stable")[:, :count]].mean(axis=1))


def figures(data: Path, *, seed: int, part: Part = "folds") -> list[Line]:
    """Agreement, correlation and coverage on pictures of themes that were not learnt from; see `Part`."""
    pictures = oasis_ratings(data)
    if part == "test":
        asked = [one for one in pictures if one.split == "test"]
        known = [one for one in pictures if one.split != "test"]
        if not asked:
            return []
        rows = encoded(_experts(), [(one.path,) for one in asked], quiet=True).pooled(len(asked))[ROLE]
        there, model = lesson(asked, rows[:, None]), packaged_regressors()["image"].members
        return _lines(there, _answers(model, there), floor(_seen(known, seed, True), there), part, seed)
    pictures = [one for one in pictures if one.split != "test"]
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


def floor(known: Lesson, there: Lesson) -> Floats:
    """(n, 2) by ridge on the features as they are, of one view and not stretched."""
    mean, scale = _moments(known.rows[:, 0])
    middle = known.means.mean(axis=0)
    weight = least_squares((known.rows[:, 0] - mean) / scale, known.means - middle, PLAIN)
    return np.asarray((there.rows[:, 0] - mean) / scale @ weight + middle)


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
    return Experts(Recipe(activity="", sound="", faces="", text=""))


def _empty(seed: int) -> Rows:
    return _experts().role(ROLE).encode(nothing(seed=seed))


def _seen(pictures: Sequence[Picture], seed: int, quiet: bool) -> Lesson:
    rows = views_of(_experts(), [(one.path,) for one in pictures], VIEWS, seed=seed, quiet=quiet)[ROLE]
    return lesson(pictures, rows)


def _kernel(known: Lesson, factors: npt.ArrayLike) -> Tower:
    mean, scale = _moments(known.rows[:, 0])
    standard = (known.rows - mean) / scale
    centres = neighbourhoods(standard.mean(axis=1))
    count, middle, gamma = standard.shape[1], known.means.mean(axis=0), WIDTH / standard.shape[2]
    weight = kernel_ridge(
        standard.reshape(-1, standard.shape[2]),
        centres,
        np.repeat(known.means - middle, count, axis=0),
        gamma=gamma,
        penalty=PENALTY,
        weights=np.repeat(known.doubt / count, count),
    )
    reader = KernelReader(
        mean=single(mean),
        scale=single(scale),
        centres=single(centres),
        gamma=gamma,
        weight=single(weight * np.asarray(factors)),
        absent=np.zeros(2, np.float32),
    )
    return Tower(readers={ROLE: reader}, bias=single(middle))


def _linear(known: Lesson, wanted: Floats, factors: npt.ArrayLike = 1.0) -> Tower:
    """Ridge from signed square roots to `wanted` (n, 2)."""
    tamed = powered(single(known.rows), POWER).astype(np.float64)
    mean, scale = _moments(tamed[:, 0])
    standard = np.clip((tamed - mean) / scale, -FARTHEST, FARTHEST)
    count, middle = standard.shape[1], wanted.mean(axis=0)
    share = np.sqrt(np.repeat(known.doubt, count))[:, None]
    rows = standard.reshape(-1, standard.shape[2])
    weight = least_squares(rows * share, np.repeat(wanted - middle, count, axis=0) * share, STRENGTH)
    reader = Reader(
        mean=single(mean),
        scale=single(scale),
        weight=single(weight * np.asarray(factors)),
        absent=np.zeros(wanted.shape[1], np.float32),
        power=POWER,
    )
    return Tower(readers={ROLE: reader}, bias=single(middle))


def _moments(rows: Floats) -> tuple[Floats, Floats]:
    return rows.mean(axis=0), rows.std(axis=0) + SMALLEST
