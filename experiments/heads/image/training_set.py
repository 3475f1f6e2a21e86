"""Rated pictures as features, in several augmented views, with ratings and sample weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders import Rows
from experiments.datasets.oasis import OasisImage
from experiments.heads.image_augmentation import encode_augmented_views
from retrieval.features import FeaturePipeline, PipelineConfig
from spaces.joint.kernel_ridge import to_float32

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROLE = "objects"
N_VIEWS = 8  # augmented views of each picture, beside the picture itself
RATING_ERROR_SD = 0.1  # error of a mean rating beside the raters' own scatter, on the scale of [-1, 1]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSet:
    """n rated pictures.

    features: (n, views, d) by role: raw features and label vectors, the picture itself first
    mean_ratings: (n, 2)
    rater_sd: (n, 2) standard deviation between raters
    sample_weights: (n,) of mean 1: lower for few raters, and for raters who disagree
    groups: (n,) themes
    """

    features: Mapping[str, Floats]
    mean_ratings: Floats
    rater_sd: Floats
    sample_weights: Floats
    groups: tuple[str, ...]

    def select(self, indices: npt.ArrayLike) -> TrainingSet:
        """These pictures alone."""
        selected = np.asarray(indices)
        return TrainingSet(
            features={role: rows[selected] for role, rows in self.features.items()},
            mean_ratings=self.mean_ratings[selected],
            rater_sd=self.rater_sd[selected],
            sample_weights=self.sample_weights[selected],
            groups=tuple(np.array(self.groups)[selected].tolist()),
        )

    def exclude(self, indices: Ints) -> TrainingSet:
        """All other pictures."""
        return self.select(np.setdiff1d(np.arange(len(self.mean_ratings)), indices))

    @property
    def unaugmented_features(self) -> dict[str, Rows]:
        """Raw rows (n, d) of the pictures themselves, by role."""
        return {role: to_float32(rows[:, 0]) for role, rows in self.features.items()}


def make_training_set(
    images: Sequence[OasisImage], features: Mapping[str, npt.NDArray[np.floating]]
) -> TrainingSet:
    """Pictures and their rows (n, views, d) by role."""
    rater_sd, n_raters = (
        np.array([getattr(image, name) for image in images]) for name in ("rater_sd", "n_raters")
    )
    weights = (1 / (rater_sd**2 / n_raters + RATING_ERROR_SD**2)).mean(axis=1)
    return TrainingSet(
        features={role: np.asarray(rows, np.float64) for role, rows in features.items()},
        mean_ratings=np.array([image.mean for image in images]),
        rater_sd=rater_sd,
        sample_weights=weights / weights.mean(),
        groups=tuple(image.theme for image in images),
    )


def encode_training_set(
    images: Sequence[OasisImage], seed: int, quiet: bool, n_views: int = N_VIEWS
) -> TrainingSet:
    """Pictures encoded in `n_views` augmented views each. Raises MediaError where one can't be read."""
    rows = encode_augmented_views(
        make_image_pipeline(), [(image.path,) for image in images], n_views, seed=seed, quiet=quiet
    )[ROLE]
    return make_training_set(images, add_label_features(rows))


def add_label_features(object_features: Rows) -> dict[str, Rows]:
    """By role, of raw object rows (n, views, d): themselves, and the label vectors of each view."""
    flat = make_image_pipeline().with_labels({ROLE: object_features.reshape(-1, object_features.shape[2])})
    return {role: rows.reshape(*object_features.shape[:2], -1) for role, rows in flat.items()}


def make_image_pipeline() -> FeaturePipeline:
    """The packaged encoders of objects and of text, which the label vectors need."""
    return FeaturePipeline(PipelineConfig(activity="", sound="", events="", tone="", faces="", sentiment=""))


def exclude_test_split(images: Sequence[OasisImage]) -> list[OasisImage]:
    """The pictures of train and dev."""
    return [image for image in images if image.split != "test"]


def flatten_views(features: Floats) -> Floats:
    """(n * views, d) of rows (n, views, d)."""
    return features.reshape(-1, features.shape[2])
