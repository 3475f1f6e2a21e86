"""Metrics of the text head on sentences of EmoBank and action phrases of CAAV it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import ENCODERS, Rows
from encoders.minilm_affect import MiniLMAffect
from experiments.datasets import caav, emobank
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import RatedText
from experiments.heads.report_figure import (
    DIMENSIONS,
    EvaluationPart,
    MetricResult,
    measure_metric,
    pair_ccc,
    pair_pearson,
)
from experiments.heads.text.baselines import Baseline, predict_by_lexicons, predict_by_ridge
from experiments.heads.text.rated_rows import (
    ACTION,
    Floats,
    encode_texts,
    stack_affect,
)
from experiments.heads.text.regressors import ROLE
from experiments.heads.text.train import fit, fit_splits
from experiments.heads.text_adapter.training_sets import select_held_out
from retrieval.evaluation import pearson
from spaces import RegressorSet
from spaces.affect_regression import load_packaged_regressors, predict_mean_and_sd

REQUIRED_CORRELATIONS = {
    ("emobank", "valence"): 0.75, ("emobank", "arousal"): 0.52,
    ("caav", "valence"): 0.86, ("caav", "arousal"): 0.80,
}  # fmt: skip
CEILINGS = {"valence": "replicate .95 (r)", "arousal": "replicate .93 (r)"}  # of CAAV


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """Correlations on EmoBank and CAAV, and how often the truth lies within one stated SD.

    folds: the held-out tenth of EmoBank's training sentences, and every action phrase by folds; dev: by
    `fit` on train alone; test: texts of the split "test", by the packaged head, of the sets that
    `data_root` has.

    Raises AffectError where a set is missing that a head is fitted on.
    """
    encoder: MiniLMAffect = ENCODERS.make("minilm-affect")  # type: ignore[assignment]
    if part == "folds":
        return _evaluate_folds(encoder, data_root, seed)
    sentences = emobank.load_emobank(data_root) if (data_root / emobank.FOLDER).exists() else []
    actions = caav.load_caav_actions(data_root) if (data_root / caav.FOLDER).exists() else []
    model = fit(data_root, seed=seed, use_dev=False) if part == "dev" else load_packaged_regressors()["text"]
    results = []
    for name, texts in (("emobank", sentences), ("caav", actions)):
        train_texts = _select_split(texts, "train")
        test_texts = _select_split(texts, part)
        if test_texts:
            baseline = (
                predict_by_lexicons(train_texts, test_texts)
                if name == "emobank"
                else predict_by_ridge(train_texts, test_texts, seed)
            )
            predictions = _predict(model, encoder, test_texts)
            results += _compute_metrics(name, test_texts, predictions, baseline, part, seed)
    return results


def _evaluate_folds(encoder: MiniLMAffect, data_root: Path, seed: int) -> list[MetricResult]:
    sentences = emobank.load_emobank(data_root)
    actions = [text for text in caav.load_caav_actions(data_root) if text.split != "test"]
    held_out = select_held_out(sentences)
    excluded = set(held_out)
    train_texts = [text for text in _select_split(sentences, "train") if text not in excluded]
    predictions = _predict(fit(data_root, seed=seed, use_dev=False), encoder, held_out)
    baseline = predict_by_lexicons(train_texts, held_out)
    results = _compute_metrics("emobank", held_out, predictions, baseline, "folds", seed)
    held_out_actions = _predict_actions_held_out(encoder, data_root, seed)
    baseline = predict_by_ridge(actions, actions, seed)
    return results + _compute_metrics("caav", actions, held_out_actions, baseline, "folds", seed)


def _select_split(texts: Sequence[RatedText], split: str) -> list[RatedText]:
    return [text for text in texts if text.split == split]


def _predict(regressors: RegressorSet, encoder: MiniLMAffect, texts: Sequence[RatedText]) -> Rows:
    """(n, 4) affect and its SD, as `spaces.affect_regression.predict_mean_and_sd` has them."""
    rows = {ROLE: encode_texts(encoder, texts)}
    return predict_mean_and_sd(regressors["mean"], regressors["log_sd"], rows)


def _predict_actions_held_out(encoder: MiniLMAffect, data_root: Path, seed: int) -> Floats:
    """(n, 2) of action phrases, each by a model trained on others; one scale for all folds."""
    fitted = fit_splits(encoder, data_root, ("train", "dev"), seed=seed)
    return fitted.mean.predictions[fitted.mean.texts.kinds == ACTION]


def _compute_metrics(
    dataset: str,
    texts: Sequence[RatedText],
    predictions: npt.NDArray[np.floating],
    baseline: Baseline,
    part: EvaluationPart,
    seed: int,
) -> list[MetricResult]:
    """Metrics of predictions (n, 2), or (n, 4) with the SDs."""
    truth, groups = stack_affect(texts), [text.group for text in texts]
    measure = partial(measure_metric, dataset, part=part, seed=seed, groups=groups)
    results = []
    for column, name in enumerate(DIMENSIONS):
        pairs = np.stack([predictions[:, column], truth[:, column]], axis=1)
        results.append(
            measure(
                f"{name} r",
                pairs,
                pair_pearson,
                baseline=_format_baseline(baseline, truth, column),
                ceiling=CEILINGS[name] if dataset == "caav" else "",
                required=REQUIRED_CORRELATIONS[dataset, name],
            )
        )
        results.append(measure(f"{name} CCC", pairs, pair_ccc))
        if predictions.shape[1] == 4:
            is_within = np.abs(pairs[:, 0] - pairs[:, 1]) <= predictions[:, 2 + column]
            results.append(measure(f"{name} within its SD", is_within, np.mean))
    return results


def _format_baseline(baseline: Baseline, truth: Floats, column: int) -> str:
    if baseline is None:
        return ""
    name, predictions = baseline
    return f"{name} {pearson(predictions[:, column], truth[:, column]):.2f}"
