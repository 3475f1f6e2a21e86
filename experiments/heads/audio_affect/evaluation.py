"""Metrics of the audio head on groups it was not trained on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

from experiments.datasets.debian_voices import PackageUnavailable
from experiments.heads.audio_affect.clips import (
    EMOTIONS,
    KINDS,
    ROLE,
    AudioClips,
    Floats,
    load_clips,
    select_rated_music,
    select_speech,
)
from experiments.heads.audio_affect.regressors import (
    cross_validate,
    estimate_error_sd,
    fit_regressors,
    split_folds,
)
from experiments.heads.audio_affect.towers import fit_other_tower
from experiments.heads.audio_affect.train import WEIGHTS_FILE
from experiments.heads.classification import (
    accuracy,
    balanced_accuracy,
    fit_temperature,
    mean_difference,
    one_hot,
)
from experiments.heads.report_figure import (
    DIMENSIONS,
    EvaluationPart,
    MetricResult,
    measure_metric,
    pair_pearson,
)
from spaces import RegressorSet, load_regressors

SHARED_EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgust")  # with EMO-DB
HUMAN_ACCURACY = "people, voice alone: .62 (Livingstone & Russo 2018)"
REQUIRED_ACCURACY = 0.6  # of 8 emotions
MUSIC_BASELINES = {"valence": "log-mel SVR .52", "arousal": "log-mel SVR .68"}
REQUIRED_MUSIC_CORRELATIONS = {"valence": 0.45, "arousal": 0.72}


def evaluate(data_root: Path, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """Metrics of acted emotion, affect of music and kind of sound; on test by the packaged head."""
    if part == "test":
        clips = load_clips(data_root, seed=seed, splits=("test",))
        if not len(clips.kinds):
            return []
        return _compute_metrics(clips, _predict(clips, load_regressors(WEIGHTS_FILE)), part, seed)
    clips = _load_available_clips(data_root, seed)
    if part == "folds":
        return _compute_metrics(clips, _predict_calibrated_held_out(clips, seed), part, seed)
    regressors = fit_regressors(clips.select(clips.splits == "train"), seed=seed)
    dev_clips = clips.select(clips.splits == "dev")
    return _compute_metrics(dev_clips, _predict(dev_clips, regressors), part, seed)


def _load_available_clips(data_root: Path, seed: int) -> AudioClips:
    """All clips, without those of packages where these can't be downloaded."""
    try:
        return load_clips(data_root, seed=seed)
    except PackageUnavailable:
        return load_clips(data_root, seed=seed, include_packages=False)


def _predict(clips: AudioClips, regressors: RegressorSet) -> dict[str, Floats]:
    """By regressor, (n, k) predictions for the clips it applies to."""
    clips_by_name = {"speech_emotion": select_speech(clips), "kind": clips}
    music = select_rated_music(clips)
    return {
        name: regressors[name]({ROLE: clips_by_name.get(name, music).features[:, 0]}).astype(np.float64)
        for name in regressors.members
    }


def _predict_calibrated_held_out(clips: AudioClips, seed: int) -> dict[str, Floats]:
    """As `_predict`, each group held out, with temperatures and SDs estimated on the other groups."""
    predictions = cross_validate(clips, seed=seed)
    speech, music = select_speech(clips), select_rated_music(clips)
    targets = one_hot(speech.labels, EMOTIONS)
    for held_out, rest in split_folds(speech, seed):
        predictions["speech_emotion"][held_out] /= fit_temperature(
            predictions["speech_emotion"][rest], targets[rest]
        )
    sds, other = np.empty_like(music.affect), np.empty_like(music.affect)
    music_indices = np.flatnonzero(~np.isnan(clips.affect[:, 0]))
    for held_out, rest in split_folds(music, seed):
        sds[held_out] = estimate_error_sd(predictions["music"][rest], music.affect[rest])
        remaining = np.setdiff1d(np.arange(len(clips.kinds)), music_indices[held_out])
        tower = fit_other_tower(clips.select(remaining))
        other[held_out] = tower.project_raw({ROLE: music.features[held_out, 0]})
    return {**predictions, "music_log_sd": np.log(sds), "other": other}


def _compute_metrics(
    clips: AudioClips, predictions: dict[str, Floats], part: EvaluationPart, seed: int
) -> list[MetricResult]:
    true_kinds = one_hot(clips.kinds, KINDS).argmax(axis=1)
    pairs = np.stack([predictions["kind"].argmax(axis=1), true_kinds], axis=1)
    results = [
        measure_metric(
            "sounds", "speech, music or other, macro recall", pairs, balanced_accuracy, part=part, seed=seed,
            groups=clips.groups.tolist(),
        )
    ]  # fmt: skip
    if len(speech := select_speech(clips)):
        results += _compute_speech_metrics(speech, predictions["speech_emotion"], part, seed)
    if len(music := select_rated_music(clips)):
        results += _compute_music_metrics(music, predictions, part, seed)
    return results


def _compute_speech_metrics(
    clips: AudioClips, logits: Floats, part: EvaluationPart, seed: int
) -> list[MetricResult]:
    measure = partial(measure_metric, "ravdess", part=part, seed=seed)
    groups = clips.groups.tolist()
    truth = one_hot(clips.labels, EMOTIONS).argmax(axis=1)
    pairs = np.stack([logits.argmax(axis=1), truth], axis=1)
    is_shared = np.isin(clips.labels, SHARED_EMOTIONS)
    columns = np.array([EMOTIONS.index(name) for name in SHARED_EMOTIONS])
    shared_pairs = np.stack([columns[logits[is_shared][:, columns].argmax(axis=1)], truth[is_shared]], axis=1)
    confidence = np.exp(log_softmax(logits, axis=1)).max(axis=1)
    calibration_pairs = np.stack([confidence, pairs[:, 0] == truth], axis=1)
    return [
        measure(
            "8 emotions, accuracy", pairs, accuracy, groups=groups, baseline="log-mel SVM .48, chance .13",
            ceiling=HUMAN_ACCURACY, required=REQUIRED_ACCURACY,
        ),
        measure(
            "6 shared emotions, balanced accuracy", shared_pairs, balanced_accuracy,
            groups=clips.groups[is_shared].tolist(), baseline="chance .17",
        ),
        measure(
            "8 emotions, mean probability less accuracy", calibration_pairs, mean_difference, groups=groups
        ),
    ]  # fmt: skip


def _compute_music_metrics(
    clips: AudioClips, predictions: dict[str, Floats], part: EvaluationPart, seed: int
) -> list[MetricResult]:
    measure = partial(measure_metric, "vgmidi", part=part, seed=seed, groups=clips.groups.tolist())
    results = []
    for column, name in enumerate(DIMENSIONS):
        pairs = np.stack([predictions["music"][:, column], clips.affect[:, column]], axis=1)
        is_within = np.abs(pairs[:, 0] - pairs[:, 1]) <= np.exp(predictions["music_log_sd"][:, column])
        results += [
            measure(
                f"{name} r", pairs, pair_pearson, baseline=MUSIC_BASELINES[name],
                required=REQUIRED_MUSIC_CORRELATIONS[name],
            ),
            measure(f"{name}, share within 1 SD", is_within, np.mean, ceiling="0.68 is right"),
        ]  # fmt: skip
    pairs = np.stack([predictions["other"][:, 1], clips.affect[:, 1]], axis=1)
    return [*results, measure("arousal r by cues shared with speech", pairs, pair_pearson)]
