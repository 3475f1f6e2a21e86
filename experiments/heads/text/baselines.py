"""Simple models of the affect of texts, beside which the text head is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from encoders import compute_nrc_columns, encode_all, score_sentiment
from encoders.minilm import minilm
from experiments.datasets.records import RatedText
from experiments.heads.text.rated_rows import Floats, stack_affect
from experiments.heads.text.regressors import N_FOLDS
from retrieval.evaluation import make_group_folds
from spaces import solve_ridge

Baseline = tuple[str, Floats] | None
"""The name of a simple model and its predictions (n, 2); None without training texts."""

LEXICON_STRENGTH = 1e-3  # of the ridge penalty on lexicon scores
SENTENCE_STRENGTH = 0.3  # of the ridge penalty on sentence vectors


def predict_by_lexicons(train_texts: Sequence[RatedText], test_texts: Sequence[RatedText]) -> Baseline:
    """Ridge on VADER's compound score and NRC's counts of emotion words."""
    if not train_texts:
        return None
    predictions = _fit_and_predict_ridge(
        _score_by_lexicons(train_texts),
        stack_affect(train_texts),
        _score_by_lexicons(test_texts),
        LEXICON_STRENGTH,
    )
    return "lexicons", predictions


def predict_by_ridge(
    train_texts: Sequence[RatedText], test_texts: Sequence[RatedText], seed: int
) -> Baseline:
    """Ridge on the sentence vectors, by folds where both are the same texts."""
    if not train_texts:
        return None
    test_rows = _encode_sentences(test_texts)
    if list(train_texts) != list(test_texts):
        train_rows = _encode_sentences(train_texts)
        return "ridge", _fit_and_predict_ridge(
            train_rows, stack_affect(train_texts), test_rows, SENTENCE_STRENGTH
        )
    predictions = np.empty((len(test_texts), 2))
    for fold in make_group_folds([text.group for text in test_texts], N_FOLDS, seed):
        rest = np.setdiff1d(np.arange(len(test_texts)), fold)
        targets = stack_affect([test_texts[i] for i in rest])
        predictions[fold] = _fit_and_predict_ridge(
            test_rows[rest], targets, test_rows[fold], SENTENCE_STRENGTH
        )
    return "ridge", predictions


def _score_by_lexicons(texts: Sequence[RatedText]) -> Floats:
    return np.array(
        [[score_sentiment(text.text).compound, *compute_nrc_columns(text.text).values()] for text in texts]
    )


def _encode_sentences(texts: Sequence[RatedText]) -> Floats:
    return encode_all(minilm(), [text.text for text in texts]).astype(np.float64)


def _fit_and_predict_ridge(
    train_features: Floats, train_targets: Floats, test_features: Floats, penalty: float
) -> Floats:
    mean, middle = train_features.mean(axis=0), train_targets.mean(axis=0)
    weight = solve_ridge(train_features - mean, train_targets - middle, penalty)
    return (test_features - mean) @ weight + middle
