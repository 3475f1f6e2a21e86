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
from experiments.datasets import DATA_ROOT
from experiments.datasets.records import read_table
from experiments.features.extraction import encode_items
from experiments.heads.image_augmentation import encode_augmented_views
from experiments.heads.report_figure import DIMENSIONS, EvaluationPart, MetricResult, measure_metric
from retrieval.evaluation.affect_metrics import ccc, pearson
from retrieval.evaluation.splits import make_group_folds
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from retrieval.features.roles import LABELS_ROLE
from spaces.affect_regression import load_packaged_regressors, predict_mean_and_sd
from spaces.affect_regressor import Regressor, RegressorSet, save_regressors
from spaces.joint.kernel_ridge import SD_EPSILON, to_float32
from spaces.joint.ridge import solve_ridge
from spaces.joint.space import (
    MAX_Z_SCORE,
    TEXT_ROLE,
    KernelInput,
    Layer,
    LinearInput,
    Tower,
    gaussian_kernel,
    signed_power,
)
from spaces.ridge_regression import solve_landmark_ridge

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WEIGHTS_FILE = Path(str(files("spaces") / "weights" / "affect-image.safetensors"))
ROLE = "objects"
SCALE_MIDDLE, SCALE_HALF_RANGE = 4.0, 3.0  # of the scale of 1 to 7
N_VIEWS = 8  # of each picture, beside itself
N_FOLDS = 5  # folds
LANDMARK_SIZE = 3  # pictures in a landmark
KERNEL_WIDTHS = {ROLE: 1.0, LABELS_ROLE: 0.5}  # of each role's kernel, per column
KERNEL_PENALTY = 0.2  # of the kernels' ridge, for each of them
RIDGE_STRENGTH = 10.0  # of the plain ridge's penalty
FEATURE_POWER = 0.5  # of the features as ridge reads them; label vectors stay as they are
BASELINE_STRENGTH = 0.25  # the strength of the floor's penalty
RATING_ERROR_SD = 0.1  # in units of the plane: the error of a rating beside the raters' own scatter
UNINFORMED_SD = (
    3**-0.5
)  # SD of anything between -1 and 1: what is known of a picture unlike all that was learnt
N_BLANK_IMAGES = 160  # pictures of nothing
BLANKNESS_STRENGTH = 0.02  # the strength of the penalty that tells them from photos
ONE_SD_COVERAGE = 0.68  # of errors lie within the stated SD
REQUIRED_CCC = {"valence": 0.58, "arousal": 0.55}  # CCC on unseen themes

TRAINING_DATA = (
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
class RatedImage:
    """A photo of OASIS and what about 100 people said of it, valence then arousal, in units of the plane.

    mean:   of the ratings, in [-1, 1]
    rater_sd: standard deviation between raters
    n_raters: how many
    group:  its theme; themes are never torn apart
    is_cc0: whether it came from Pixabay under CC0
    """

    path: Path
    mean: tuple[float, float]
    rater_sd: tuple[float, float]
    n_raters: tuple[float, float]
    group: str
    is_cc0: bool
    split: str


def load_oasis_ratings(data_root: Path = DATA_ROOT) -> list[RatedImage]:
    """OASIS (Kurdi, Lozano & Banaji 2017), its ratings of 1 to 7 moved to [-1, 1]."""
    return [
        RatedImage(
            path=data_root / "oasis" / row["file"],
            mean=(
                (float(row["valence_mean"]) - SCALE_MIDDLE) / SCALE_HALF_RANGE,
                (float(row["arousal_mean"]) - SCALE_MIDDLE) / SCALE_HALF_RANGE,
            ),
            rater_sd=(
                float(row["valence_sd"]) / SCALE_HALF_RANGE,
                float(row["arousal_sd"]) / SCALE_HALF_RANGE,
            ),
            n_raters=(float(row["valence_n"]), float(row["arousal_n"])),
            group=row["theme_base"],
            is_cc0=row["licence_class"] == "pixabay_cc0",
            split=row["split"],
        )
        for row in read_table(data_root / "oasis" / "oasis.csv")
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSet:
    """Rated pictures as they are learnt from.

    features: (n, views, d) by role: raw features and label vectors, the picture itself first
    mean_ratings: (n, 2) ratings
    rater_sd: (n, 2) standard deviation between raters
    sample_weights: (n,) weight of each, mean 1: what few raters said, or said differently, counts less
    groups: (n,) themes
    """

    features: Mapping[str, Floats]
    mean_ratings: Floats
    rater_sd: Floats
    sample_weights: Floats
    groups: tuple[str, ...]

    def select(self, indices: npt.ArrayLike) -> TrainingSet:
        """Those pictures alone."""
        at = np.asarray(indices)
        return TrainingSet(
            features={role: rows[at] for role, rows in self.features.items()},
            mean_ratings=self.mean_ratings[at],
            rater_sd=self.rater_sd[at],
            sample_weights=self.sample_weights[at],
            groups=tuple(np.array(self.groups)[at].tolist()),
        )

    def exclude(self, indices: Ints) -> TrainingSet:
        """All but those."""
        return self.select(np.setdiff1d(np.arange(len(self.mean_ratings)), indices))

    @property
    def unaugmented_features(self) -> dict[str, Rows]:
        """Raw rows of the pictures themselves, by role."""
        return {role: to_float32(rows[:, 0]) for role, rows in self.features.items()}


def make_training_set(
    images: Sequence[RatedImage], features: Mapping[str, npt.NDArray[np.floating]]
) -> TrainingSet:
    """Of pictures and their rows (n, views, d) by role."""
    spread, raters = (np.array([getattr(one, name) for one in images]) for name in ("rater_sd", "n_raters"))
    weights = (1 / (spread**2 / raters + RATING_ERROR_SD**2)).mean(axis=1)
    return TrainingSet(
        features={role: np.asarray(one, np.float64) for role, one in features.items()},
        mean_ratings=np.array([one.mean for one in images]),
        rater_sd=spread,
        sample_weights=weights / weights.mean(),
        groups=tuple(one.group for one in images),
    )


def fit_and_save(data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool) -> list[Path]:
    """Fit and write affect-image.safetensors into `out_folder` (default: the package). Raises as `fit`."""
    file = WEIGHTS_FILE if out_folder is None else out_folder / WEIGHTS_FILE.name
    save_regressors(file, fit(data_root, seed=seed, quiet=quiet))
    return [file]


def fit(data_root: Path, *, seed: int, quiet: bool = False) -> RegressorSet:
    """Taught on train and dev of OASIS: "mean", "log_sd" and "disagreement", each (n, 2).

    They read the roles "objects" and "labels", see `retrieval.features.pipeline.Experts.with_labels`.
    Raises AffectError where the data are not there, MediaError where a picture can't be read.
    """
    pictures = _exclude_test_split(load_oasis_ratings(data_root))
    members, factors = fit_members(
        _encode_training_set(pictures, seed, quiet), _encode_blank_images(seed), seed=seed
    )
    return RegressorSet(
        members=members,
        encoder_signatures={
            role: _make_pipeline().get_encoder(role).card.signature for role in (ROLE, TEXT_ROLE)
        },  # TEXT makes LABELS
        metadata={
            "scale": "valence and arousal, -1 to 1; disagreement: SD between raters in the same units",
            "pictures": len(pictures),
            "stretched": dict(zip(DIMENSIONS, factors.round(3).tolist(), strict=True)),
        },
    )


def fit_members(
    training_set: TrainingSet, blank_features: Rows, *, seed: int
) -> tuple[dict[str, Regressor], Floats]:
    """The members, and the factors (2,) by which answers were stretched about the mean.

    blank_features: (m, 1280) raw rows of pictures of nothing, see `nothing`
    """
    found, unlike = np.empty(training_set.mean_ratings.shape), np.empty((len(training_set.mean_ratings), 1))
    for out in make_group_folds(training_set.groups, N_FOLDS, seed):
        rest, held = training_set.exclude(out), training_set.select(out).unaugmented_features
        found[out] = fit_mean(rest)(held)
        unlike[out] = Regressor(towers=(fit_blankness(rest, blank_features),))(held)
    factors = training_set.mean_ratings.std(axis=0) / found.std(axis=0)
    middle = training_set.mean_ratings.mean(axis=0)
    errors = np.abs(np.clip(middle + (found - middle) * factors, -1, 1) - training_set.mean_ratings)
    members = {
        "mean": fit_mean(training_set, factors),
        "log_sd": Regressor(
            towers=(fit_log_sd(fit_blankness(training_set, blank_features), errors, unlike),)
        ),
        "disagreement": Regressor(towers=(_fit_ridge_tower(training_set, training_set.rater_sd),)),
    }
    return members, factors


def fit_mean(training_set: TrainingSet, stretch_factors: npt.ArrayLike = 1.0) -> Regressor:
    """Valence and arousal (n, 2), stretched about the mean by `stretch_factors`."""
    return Regressor(
        towers=(
            _fit_kernel_tower(training_set, stretch_factors),
            _fit_ridge_tower(training_set, training_set.mean_ratings, stretch_factors),
        )
    )


def make_blank_images(*, seed: int, count: int = N_BLANK_IMAGES, side: int = 260) -> list[Frames]:
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


def fit_blankness(training_set: TrainingSet, blank_features: Rows) -> Tower:
    """(n, 1) ReLU of ridge from signed square roots: 0 for photos, about 1 for pictures of nothing."""
    photos = to_float32(_flatten_views(training_set.features[ROLE]))
    rows = signed_power(np.concatenate([photos, blank_features]), FEATURE_POWER).astype(np.float64)
    mean, scale = _compute_mean_and_scale(rows[: len(photos)])
    standard = np.clip((rows - mean) / scale, -MAX_Z_SCORE, MAX_Z_SCORE)
    is_empty = np.arange(len(rows)) >= len(photos)
    share: Floats = np.sqrt(np.where(is_empty, 1 / len(blank_features), 1 / len(photos)))[
        :, None
    ]  # as much of one as the other
    weight = solve_ridge(standard * share, np.where(is_empty, 2.0, 0.0)[:, None] * share, BLANKNESS_STRENGTH)
    reader = LinearInput(
        mean=to_float32(mean),
        scale=to_float32(scale),
        weight=to_float32(weight),
        absent=np.zeros(1, np.float32),
        power=FEATURE_POWER,
    )
    one = np.ones((1, 1), np.float32)
    layer = Layer(weight=one, bias=np.zeros(1, np.float32))
    return Tower(inputs={ROLE: reader}, bias=np.array([-1.0], np.float32), layers=(layer,))


def fit_log_sd(blankness_tower: Tower, errors: Floats, blankness: Floats) -> Tower:
    """log SD (n, 2): one number for photos, growing to log UNKNOWN and beyond for pictures of nothing.

    errors: (n, 2) of answers to held-out pictures, and `blankness` (n, 1) how empty they looked. Photos
        have one SD such that COVERED of errors lie within: their errors tell of no difference that could be
        foretold.
    """
    most = np.log(UNINFORMED_SD)
    part = np.minimum(blankness, 0.9)
    logs = (np.log(np.maximum(errors, SD_EPSILON)) - part * most) / (1 - part)
    usual = np.quantile(logs, ONE_SD_COVERAGE, axis=0)
    widen = Layer(weight=to_float32((most - usual)[None]), bias=to_float32(usual))
    return replace(blankness_tower, layers=(widen,))


def find_neighbours(features: Floats, count: int = LANDMARK_SIZE) -> Ints:
    """(n, count) each row (n, d) and its nearest: a landmark is their mean, so that no row stands alone."""
    squares = (features**2).sum(axis=1)
    far = squares[:, None] + squares - 2 * features @ features.T
    return np.asarray(np.argsort(far, axis=1, kind="stable")[:, :count])


def evaluate(data_root: Path, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """Agreement, correlation and coverage on pictures of themes that were not learnt from; see `Part`."""
    pictures = load_oasis_ratings(data_root)
    if part == "test":
        asked = [one for one in pictures if one.split == "test"]
        if not asked:
            return []
        known = _exclude_test_split(pictures) or _exclude_test_split(load_oasis_ratings())  # for the floor
        rows = encode_items(_make_pipeline(), [(one.path,) for one in asked], quiet=True).mean_pool(
            len(asked)
        )[ROLE]
        there, model = (
            make_training_set(asked, _add_label_features(rows[:, None])),
            load_packaged_regressors()["image"].members,
        )
        plain = predict_baseline(_encode_training_set(known, seed, True, n_views=0), there)
        return _compute_metrics(there, _predict(model, there), plain, part, seed)
    pictures = _exclude_test_split(pictures)
    all_of = _encode_training_set(pictures, seed, True)
    dev = np.flatnonzero([one.split == "dev" for one in pictures])
    parts = make_group_folds(all_of.groups, N_FOLDS, seed) if part == "folds" else [dev]
    if not all(len(out) for out in parts):
        return []
    empty = _encode_blank_images(seed)
    answers, plain = np.full((len(pictures), 6), np.nan), np.full((len(pictures), 2), np.nan)
    for out in parts:
        rest, there = all_of.exclude(out), all_of.select(out)
        answers[out] = _predict(fit_members(rest, empty, seed=seed)[0], there)
        plain[out] = predict_baseline(rest, there)
    chosen = np.sort(np.concatenate(parts))
    return _compute_metrics(all_of.select(chosen), answers[chosen], plain[chosen], part, seed)


def predict_held_out(data_root: Path, *, seed: int) -> tuple[list[RatedImage], Floats]:
    """Pictures of train and dev, and (n, 4) the affect of each by a head taught other themes."""
    pictures = _exclude_test_split(load_oasis_ratings(data_root))
    all_of, empty = _encode_training_set(pictures, seed, True), _encode_blank_images(seed)
    answers = np.full((len(pictures), 4), np.nan)
    for out in make_group_folds(all_of.groups, N_FOLDS, seed):
        answers[out] = _predict(fit_members(all_of.exclude(out), empty, seed=seed)[0], all_of.select(out))[
            :, :4
        ]
    answers[:, :2] = np.clip(answers[:, :2], -1, 1)
    return pictures, answers


def predict_baseline(training_set: TrainingSet, test_set: TrainingSet) -> Floats:
    """(n, 2) by ridge on the features as they are, of one view and not stretched."""
    seen, asked = training_set.features[ROLE][:, 0], test_set.features[ROLE][:, 0]
    mean, scale = _compute_mean_and_scale(seen)
    middle = training_set.mean_ratings.mean(axis=0)
    weight = solve_ridge((seen - mean) / scale, training_set.mean_ratings - middle, BASELINE_STRENGTH)
    return np.asarray((asked - mean) / scale @ weight + middle)


def compute_ceiling(test_set: TrainingSet, n_raters: Floats) -> Floats:
    """(2,) the best correlation with the means of that many raters: the root of the means' reliability."""
    return np.sqrt(
        np.maximum(1 - (test_set.rater_sd**2 / n_raters).mean(axis=0) / test_set.mean_ratings.var(axis=0), 0)
    )


def _compute_metrics(
    test_set: TrainingSet, predictions: Floats, baseline: Floats, part: EvaluationPart, seed: int
) -> list[MetricResult]:
    """Answers: (n, 6) valence, arousal, their SD, and the disagreement foretold of both."""
    made = []
    best = compute_ceiling(test_set, np.full(2, 100.0))
    for at, name in enumerate(DIMENSIONS):
        truth = test_set.mean_ratings[:, at]
        pairs = np.stack([predictions[:, at], truth], axis=1)
        inside = (np.abs(pairs[:, 0] - truth) <= predictions[:, 2 + at]).astype(float)
        spread = np.stack([predictions[:, 4 + at], test_set.rater_sd[:, at]], axis=1)
        base = np.stack([baseline[:, at], truth], axis=1)
        top = f"{best[at]:.2f}, the means of 100 raters"
        for what, values, statistic, low, high, bar in (
            ("CCC", pairs, _ccc, f"{_ccc(base):.2f}, plain ridge", top, REQUIRED_CCC[name]),
            ("r", pairs, _pearson, f"{_pearson(base):.2f}, plain ridge", top, None),
            ("within one SD", inside, np.mean, "", f"{ONE_SD_COVERAGE:.2f} as stated", None),
            ("disagreement r", spread, _pearson, "", "", None),
        ):
            made.append(
                measure_metric(
                    "oasis",
                    f"{name} {what}",
                    values,
                    statistic,
                    part=part,
                    seed=seed,
                    groups=test_set.groups,
                    baseline=low,
                    ceiling=high,
                    required=bar,
                )
            )
    return made


def _ccc(pairs: Floats) -> float:
    return float(ccc(pairs[:, 0], pairs[:, 1]))


def _pearson(pairs: Floats) -> float:
    return float(pearson(pairs[:, 0], pairs[:, 1]))


def _predict(members: Mapping[str, Regressor], test_set: TrainingSet) -> Floats:
    said = predict_mean_and_sd(members["mean"], members["log_sd"], test_set.unaugmented_features)
    return np.concatenate([said, members["disagreement"](test_set.unaugmented_features)], axis=1).astype(
        np.float64
    )


def _make_pipeline() -> FeaturePipeline:
    return FeaturePipeline(PipelineConfig(activity="", sound="", tone="", faces="", sentiment=""))


def _encode_blank_images(seed: int) -> Rows:
    return _make_pipeline().get_encoder(ROLE).encode(make_blank_images(seed=seed))


def _exclude_test_split(images: Sequence[RatedImage]) -> list[RatedImage]:
    """Those that may be learnt from."""
    return [one for one in images if one.split != "test"]


def _encode_training_set(
    images: Sequence[RatedImage], seed: int, quiet: bool, n_views: int = N_VIEWS
) -> TrainingSet:
    rows = encode_augmented_views(
        _make_pipeline(), [(one.path,) for one in images], n_views, seed=seed, quiet=quiet
    )[ROLE]
    return make_training_set(images, _add_label_features(rows))


def _add_label_features(object_features: Rows) -> dict[str, Rows]:
    """By role, of raw rows of objects (n, views, d): each view has the labels that are seen in it."""
    found = _make_pipeline().with_labels({ROLE: object_features.reshape(-1, object_features.shape[2])})
    return {role: one.reshape(*object_features.shape[:2], -1) for role, one in found.items()}


def _fit_kernel_tower(training_set: TrainingSet, stretch_factors: npt.ArrayLike) -> Tower:
    """Kernel ridge, a sum of Gaussian kernels, one a role; landmarks as in `joint.kernel_ridge`."""
    moments = {role: _compute_mean_and_scale(rows[:, 0]) for role, rows in training_set.features.items()}
    standard = {
        role: (rows - moments[role][0]) / moments[role][1] for role, rows in training_set.features.items()
    }
    near = find_neighbours(standard[ROLE].mean(axis=1))  # a landmark is the same pictures in every role
    centres = {role: rows.mean(axis=1)[near].mean(axis=1) for role, rows in standard.items()}
    gammas = {role: KERNEL_WIDTHS[role] / rows.shape[2] for role, rows in standard.items()}
    seen = {
        role: gaussian_kernel(_flatten_views(rows), centres[role], gammas[role])
        for role, rows in standard.items()
    }
    among = sum(gaussian_kernel(rows, rows, gammas[role]) for role, rows in centres.items())
    middle, count = training_set.mean_ratings.mean(axis=0), standard[ROLE].shape[1]
    whole = np.asarray(sum(seen.values()))
    wanted = np.repeat(training_set.mean_ratings - middle, count, axis=0)
    weight = solve_landmark_ridge(
        whole,
        np.asarray(among),
        wanted,
        KERNEL_PENALTY * len(seen),
        np.repeat(training_set.sample_weights / count, count),
    )
    weight *= np.asarray(stretch_factors)
    readers = {
        role: KernelInput(
            mean=to_float32(moments[role][0]),
            scale=to_float32(moments[role][1]),
            centres=to_float32(centres[role]),
            gamma=gammas[role],
            weight=to_float32(weight),
            absent=to_float32((seen[role] @ weight).mean(axis=0)),
        )
        for role in standard
    }
    return Tower(inputs=readers, bias=to_float32(middle))


def _fit_ridge_tower(
    training_set: TrainingSet, targets: Floats, stretch_factors: npt.ArrayLike = 1.0
) -> Tower:
    """Ridge from features' signed square roots and label vectors to `targets` (n, 2)."""
    powers = {role: FEATURE_POWER if role == ROLE else 1.0 for role in training_set.features}
    tamed = {
        role: signed_power(to_float32(rows), powers[role]).astype(np.float64)
        for role, rows in training_set.features.items()
    }
    moments = {role: _compute_mean_and_scale(rows[:, 0]) for role, rows in tamed.items()}
    standard = [
        np.clip(_flatten_views((rows - moments[role][0]) / moments[role][1]), -MAX_Z_SCORE, MAX_Z_SCORE)
        for role, rows in tamed.items()
    ]
    middle, count = targets.mean(axis=0), training_set.features[ROLE].shape[1]
    share = np.sqrt(np.repeat(training_set.sample_weights, count))[:, None]
    rows = np.concatenate(standard, axis=1)
    weight = solve_ridge(rows * share, np.repeat(targets - middle, count, axis=0) * share, RIDGE_STRENGTH)
    parts = np.split(weight * np.asarray(stretch_factors), np.cumsum([one.shape[1] for one in standard])[:-1])
    readers = {
        role: LinearInput(
            mean=to_float32(moments[role][0]),
            scale=to_float32(moments[role][1]),
            weight=to_float32(part),
            absent=np.zeros(targets.shape[1], np.float32),
            power=powers[role],
        )
        for role, part in zip(tamed, parts, strict=True)
    }
    return Tower(inputs=readers, bias=to_float32(middle))


def _flatten_views(features: Floats) -> Floats:
    """(n * views, d) of rows (n, views, d)."""
    return features.reshape(-1, features.shape[2])


def _compute_mean_and_scale(features: Floats) -> tuple[Floats, Floats]:
    return features.mean(axis=0), features.std(axis=0) + SD_EPSILON
