"""Photos by this project's frozen features, their affect as this project predicts it, and their texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows
from encoders.clipvip.config import EmotionConfig
from encoders.clipvip.encoder import count_emotions
from experiments.datasets.flickr1k import load_flickr1k
from experiments.datasets.oasis import OasisImage
from experiments.emotion_retrieval.harm.caption_videos import (
    MAX_WORDS,
    CaptionVideos,
    CaptionVideoSplits,
)
from experiments.features.extraction import encode_items
from experiments.heads.image.evaluation import predict_held_out
from retrieval.features import FeaturePipeline, PipelineConfig
from spaces.joint import Vocabulary

Mask = npt.NDArray[np.bool_]

PHOTO_ROLES = PipelineConfig(activity="", sound="", events="", tone="")
TEST_SHARE = 0.3  # of the photos of OASIS
QUADRANT_WORDS = {(True, True): "cheerful", (True, False): "peaceful", (False, True): "furious",
                  (False, False): "gloomy"}  # fmt: skip
"""A word by whether valence and arousal are above their medians; all are in the lexicon of emotions."""


def load_flickr_photos(data_root: Path) -> CaptionVideoSplits:
    """flickr1k: photos with five captions each; its dev part is tested on."""
    photos = load_flickr1k(data_root)
    pipeline = FeaturePipeline(PHOTO_ROLES)
    features = encode_items(pipeline, [(photo.path,) for photo in photos]).mean_pool(len(photos))
    return make_photo_splits(
        [photo.path.name for photo in photos],
        [photo.labels for photo in photos],
        features["objects"],
        pipeline.estimate_affect(features).fused[:, :2],
        np.array([photo.split != "train" for photo in photos]),
    )


def load_oasis_photos(data_root: Path) -> CaptionVideoSplits:
    """OASIS: photos by the words of their theme, alone and with a word of mood.

    The mood is what people rated, above or below the median of the training photos; the affect of photos is
    predicted, by heads that learnt from other themes. The words of a theme must be known to a text tower that
    is trained from nothing, so that photos are divided within themes.
    """
    images, estimates = predict_held_out(data_root, seed=0)
    features = encode_items(FeaturePipeline(PHOTO_ROLES), [(image.path,) for image in images])
    is_test = np.random.default_rng(0).random(len(images)) < TEST_SHARE
    return make_photo_splits(
        [image.path.name for image in images],
        describe_by_mood(images, ~is_test),
        features.mean_pool(len(images))["objects"],
        estimates[:, :2].astype(np.float32),
        is_test,
    )


def describe_by_mood(images: Sequence[OasisImage], is_training: Mask) -> list[tuple[str, str]]:
    """For each photo its theme, and its theme after the word of its quadrant."""
    ratings = np.array([image.mean for image in images])
    quadrants = ratings > np.nanmedian(ratings[is_training], axis=0)
    themes = [image.theme.lower() for image in images]
    return [
        (theme, f"{QUADRANT_WORDS[bool(pleasant), bool(aroused)]} {theme}")
        for theme, (pleasant, aroused) in zip(themes, quadrants, strict=True)
    ]


def make_photo_splits(
    ids: Sequence[str], texts: Sequence[Sequence[str]], features: Rows, affect: Rows, is_test: Mask
) -> CaptionVideoSplits:  # fmt: skip
    """Photos and texts for the stand-in model; rows are standardised on the training photos.

    Raises AffectError where a photo has no features.
    """
    if (lacking := np.isnan(features).any(axis=1)).any():
        raise AffectError(f"{lacking.sum()} photos can't be read, the first is {ids[int(lacking.argmax())]}")
    vocabulary = Vocabulary.from_sentences(
        text for own, test in zip(texts, is_test, strict=True) if not test for text in own
    )
    standardised = [_standardise(rows, ~is_test) for rows in (features, affect)]

    def select(mask: Mask) -> CaptionVideos:
        rows = np.flatnonzero(mask).tolist()
        flat = [text for row in rows for text in texts[row]]
        return CaptionVideos(
            video_ids=tuple(ids[row] for row in rows),
            features=standardised[0][rows],
            affect=standardised[1][rows],
            token_ids=vocabulary.encode(flat, MAX_WORDS),
            emotions=count_emotions(flat, EmotionConfig()),
            item_by_text=np.repeat(np.arange(len(rows)), [len(texts[row]) for row in rows]),
        )

    return CaptionVideoSplits(train=select(~is_test), test=select(is_test), vocabulary_size=len(vocabulary))


def _standardise(rows: Rows, is_training: Mask) -> Rows:
    """Rows less the mean of the training ones, by their standard deviation; constant columns become 0."""
    mean, scale = np.nanmean(rows[is_training], axis=0), np.nanstd(rows[is_training], axis=0)
    return np.asarray((rows - mean) / np.where(scale > 0, scale, 1), np.float32)
