"""Retrieval of clips by clips of their class, as the engine does it, on held-out folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from encoders import Rows, unit_rows
from experiments.heads.audio_text.clips import Floats, LabelledClips
from experiments.heads.audio_text.metric_summary import N_BOOTSTRAP_DRAWS, MetricSummary
from experiments.heads.audio_text.retrieval_metrics import precision_at_k
from experiments.heads.audio_text.training_set import N_FOLDS, ROLE, TrainingSet, split_folds
from fusion import Calibration
from retrieval.evaluation import bootstrap_interval, compare_paired
from spaces.joint import WORDS_VIEW
from spaces.joint.kernel_ridge import compute_class_weights

AUDIO_VIEW = "sounds"
VIEW_COMBINATIONS = ((AUDIO_VIEW,), (WORDS_VIEW,), (AUDIO_VIEW, WORDS_VIEW))  # in which clips are compared


def evaluate_search(
    training_set: TrainingSet, text_calibration: Calibration, audio_calibration: Calibration | None, seed: int
) -> list[MetricSummary]:
    """P@10 of held-out clips by a clip of their class, in the view "sounds", in "words", and in both.

    As the engine does: by the mean of the views' probabilities, and of their cosines where those are equal.
    Macro averages over classes; intervals over groups of clips. Empty without a calibration of "sounds".
    """
    if audio_calibration is None:
        return []
    calibrations = {AUDIO_VIEW: audio_calibration, WORDS_VIEW: text_calibration}
    return [
        summary
        for kind in ("animal", "speech")
        for summary in _evaluate_kind(training_set, kind, calibrations, seed)
    ]


def _evaluate_kind(
    training_set: TrainingSet, kind: str, calibrations: Mapping[str, Calibration], seed: int
) -> Iterator[MetricSummary]:
    precision_by_views, test_clips = _compute_held_out_precision(training_set, kind, calibrations, seed)
    class_weights = compute_class_weights(np.concatenate([clips.classes for clips in test_clips]), 1.0)
    groups = np.concatenate([clips.groups for clips in test_clips])
    weighted = {views: values * class_weights for views, values in precision_by_views.items()}
    name = f"P@10 {kind} by clip"
    for views, values in weighted.items():  # whose mean is the macro average
        low, high = bootstrap_interval(values, seed=seed, draws=N_BOOTSTRAP_DRAWS, groups=groups)
        yield MetricSummary(
            name=name, method=views, value=float(values.mean()), low=low, high=high, n_folds=N_FOLDS
        )
    both, alone = weighted[" + ".join(VIEW_COMBINATIONS[-1])], weighted[AUDIO_VIEW]
    gain = compare_paired(both, alone, seed=seed, draws=N_BOOTSTRAP_DRAWS, groups=groups)
    yield MetricSummary(
        name=name, method="gain", value=gain.value, low=gain.low, high=gain.high, n_folds=N_FOLDS
    )


def _compute_held_out_precision(
    training_set: TrainingSet, kind: str, calibrations: Mapping[str, Calibration], seed: int
) -> tuple[dict[str, Floats], list[LabelledClips]]:
    """P@10 of each clip of a kind by combination of views, and the clips, fold by fold."""
    precision: dict[str, list[Floats]] = {}
    test_clips = []
    for train_clips, fold_clips in split_folds(training_set.clips, seed):
        clips = fold_clips.select(np.flatnonzero(fold_clips.kinds == kind))
        rows = {
            AUDIO_VIEW: unit_rows(clips.features[ROLE]),
            WORDS_VIEW: training_set.fit_member(train_clips).media(clips.features),
        }
        for views in VIEW_COMBINATIONS:
            cosines = [(calibrations[view], rows[view] @ rows[view].T) for view in views]
            precision.setdefault(" + ".join(views), []).append(_compute_clip_precision(clips, cosines))
        test_clips.append(clips)
    return {views: np.concatenate(values) for views, values in precision.items()}, test_clips


def _compute_clip_precision(
    clips: LabelledClips, calibrated_views: Sequence[tuple[Calibration, Rows]]
) -> Floats:
    """(n,) P@10 of a search by each clip for others of its class, by the mean over views."""
    probabilities = np.mean(
        [calibration.to_probabilities(cosines) for calibration, cosines in calibrated_views], axis=0
    )
    mean_cosines = np.mean([cosines for _, cosines in calibrated_views], axis=0)
    precision = np.empty(len(clips.kinds))
    for query in range(len(precision)):
        others = np.delete(np.arange(len(precision)), query)
        order = others[np.lexsort((-mean_cosines[query, others], -probabilities[query, others]))]
        is_relevant = clips.classes[order] == clips.classes[query]
        precision[query] = precision_at_k(-np.arange(len(order)), is_relevant)
    return precision
