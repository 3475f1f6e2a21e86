"""Valence and arousal of pictures, trained on the ratings of OASIS from features of the object network.

A picture has two sets of features: the network's 1280, and the average of its labels' sentence vectors, in
which hearses lie near coffins (ConSE, Norouzi et al. 2014). Two maps from both are averaged: kernel ridge and
ridge, see `experiments.heads.image.towers`. Both are trained on every picture in nine views.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from experiments.datasets.oasis import load_oasis
from experiments.heads.image.blank_images import encode_blank_images
from experiments.heads.image.regressors import fit_members
from experiments.heads.image.training_set import (
    ROLE,
    encode_training_set,
    exclude_test_split,
    make_image_pipeline,
)
from experiments.heads.report_figure import DIMENSIONS
from spaces import RegressorSet, save_regressors
from spaces.joint import TEXT_ROLE

WEIGHTS_FILE = Path(str(files("spaces") / "weights" / "affect-image.safetensors"))

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


def fit_and_save(data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool) -> list[Path]:
    """Fit and write affect-image.safetensors into `out_folder` (default: the package). Raises as `fit`."""
    path = WEIGHTS_FILE if out_folder is None else out_folder / WEIGHTS_FILE.name
    save_regressors(path, fit(data_root, seed=seed, quiet=quiet))
    return [path]


def fit(data_root: Path, *, seed: int, quiet: bool = False) -> RegressorSet:
    """The regressors "mean", "log_sd" and "disagreement", (n, 2) each, trained on train and dev of OASIS.

    Their roles are "objects" and "labels", see `retrieval.features.pipeline.FeaturePipeline.with_labels`.
    Raises AffectError where the data are missing, MediaError where a picture can't be read.
    """
    images = exclude_test_split(load_oasis(data_root))
    training_set = encode_training_set(images, seed, quiet)
    members, factors = fit_members(training_set, encode_blank_images(seed), seed=seed)
    pipeline = make_image_pipeline()
    return RegressorSet(
        members=members,
        encoder_signatures={  # the text encoder makes the label vectors
            role: pipeline.get_encoder(role).card.signature for role in (ROLE, TEXT_ROLE)
        },
        metadata={
            "scale": "valence and arousal, -1 to 1; disagreement: SD between raters in the same units",
            "pictures": len(images),
            "stretched": dict(zip(DIMENSIONS, factors.round(3).tolist(), strict=True)),
        },
    )
