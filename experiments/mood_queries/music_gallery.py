"""Game music with ratings as a gallery; its affect by regressors that learnt from other series."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from encoders import Rows
from experiments.affect_dial.gallery import Gallery, GalleryQuery, make_item_id
from experiments.affect_dial.held_out_pipeline import HeldOutPipeline
from experiments.affect_dial.kept_estimates import load_or_compute
from experiments.datasets.vgmidi import load_vgmidi
from experiments.features.extraction import encode_items
from experiments.heads.audio_affect.added_encoders import load_music, predict
from experiments.heads.audio_affect.clips import ENCODER_NAME, AudioClips, Floats, select_rated_music
from experiments.heads.audio_affect.regressors import estimate_error_sd, split_folds
from retrieval.features import FeaturePipeline, PipelineConfig


def load_vgmidi_gallery(data_root: Path, seed: int, folder: Path) -> Gallery:
    """Pieces of train and dev, asked for by another of the same series."""
    config = PipelineConfig(objects="", activity="", faces="", text="")
    pieces = [piece for piece in load_vgmidi(data_root) if piece.split != "test"]
    untrained = FeaturePipeline(config, use_packaged=False)
    features = encode_items(untrained, [(piece.path,) for piece in pieces]).mean_pool(len(pieces))
    affect = np.array([(piece.valence, piece.arousal) for piece in pieces])
    series = np.array([piece.group for piece in pieces])
    estimates = load_or_compute(
        folder, "vgmidi", (features["tone"], affect, series, seed),
        lambda: estimate_held_out_music(data_root, affect, seed),
    )  # fmt: skip
    queries = [
        GalleryQuery(
            parts={"item": make_item_id(number)},
            relevant=frozenset(np.flatnonzero(series == name).tolist()) - {number},
            group=str(name),
        )
        for number, name in enumerate(series)
        if (series == name).sum() > 1
    ]
    return Gallery(
        name="vgmidi",
        description=f"{len(pieces)} pieces (train and dev), asked for by {len(queries)} others of their "
        "series; affect by regressors of other series",
        modality="audio",
        pipeline=HeldOutPipeline(config, "sound", "tone", features["tone"], estimates, use_packaged=False),
        features=features,
        affect=affect,
        content_queries=queries,
        worded_queries=(),
    )


def estimate_held_out_music(data_root: Path, affect: Floats, seed: int) -> Rows:
    """(n, 4) predictions for pieces of train and dev in the order of the table; SDs from the other series.

    Raises ValueError where the regressors' clips are not these pieces.
    """
    music = load_music(data_root, [ENCODER_NAME], seed)[ENCODER_NAME]
    rated = select_rated_music(music)
    if not np.array_equal(rated.affect, affect):
        raise ValueError("the rated clips are not the pieces of VGMIDI in their order")
    means = predict([music], seed)
    return np.concatenate([means, _estimate_sds(rated, means, seed)], axis=1).astype(np.float32)


def _estimate_sds(rated: AudioClips, means: Floats, seed: int) -> Floats:
    sds = np.empty_like(means)
    for held_out, rest in split_folds(rated, seed):
        sds[held_out] = estimate_error_sd(means[rest], rated.affect[rest])
    return sds
