"""Models of one modality, trained within a study: features to emotions, or to valence and arousal."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import softmax

from experiments.alignment.pairs import FitFunction, Floats, Ints, PredictFunction, Strings
from spaces.circumplex import EMOTION_SCHEMES, map_emotions_to_affect

MIN_PROBABILITY = 1e-6  # floor of probabilities before their logarithm


def make_emotion_classifier(labels: Strings, class_names: tuple[str, ...]) -> FitFunction:
    """Posteriors over emotions by linear discriminant analysis, covariance shrunk (Ledoit & Wolf 2004).

    labels: (n,) of all rows, of which only those of the anchors are used; the columns are `class_names`
    """
    return partial(_fit_emotion_classifier, labels, class_names)


def make_affect_from_emotions(labels: Strings, scheme: str) -> FitFunction:
    """Valence and arousal as the posterior mean of the emotions' coordinates (Russell & Mehrabian 1977).

    labels: (n,) of all rows, of which only those of the anchors are used
    """
    return partial(_fit_affect_from_emotions, labels, scheme)


def make_affect_regressor(ratings: Floats) -> FitFunction:
    """Valence and arousal by ridge regression on ratings (n, 2) of all rows; only the anchors' are used."""
    return partial(_fit_affect_regressor, ratings)


def fuse_posteriors(source: Floats, target: Floats, prior: Floats) -> Floats:
    """(n, k) posteriors of both modalities, independent given the emotion: source * target / prior."""
    log_posterior = (
        np.log(np.maximum(source, MIN_PROBABILITY))
        + np.log(np.maximum(target, MIN_PROBABILITY))
        - np.log(np.maximum(prior, MIN_PROBABILITY))
    )
    return np.asarray(softmax(log_posterior, axis=1))


def _fit_emotion_classifier(
    labels: Strings, class_names: tuple[str, ...], features: Floats, anchor_rows: Ints
) -> PredictFunction:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(features, labels[anchor_rows])
    columns = [class_names.index(name) for name in model.classes_]

    def predict(inputs: Floats) -> Floats:
        posteriors = np.zeros((len(inputs), len(class_names)))
        posteriors[:, columns] = model.predict_proba(inputs)
        return posteriors

    return predict


def _fit_affect_from_emotions(
    labels: Strings, scheme: str, features: Floats, anchor_rows: Ints
) -> PredictFunction:
    predict_posteriors = _fit_emotion_classifier(labels, EMOTION_SCHEMES[scheme], features, anchor_rows)
    return lambda inputs: map_emotions_to_affect(predict_posteriors(inputs), scheme, "hand")[:, :2]


def _fit_affect_regressor(ratings: Floats, features: Floats, anchor_rows: Ints) -> PredictFunction:
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(alphas=np.logspace(-2, 3, 11) * len(features) / 100).fit(features, ratings[anchor_rows])

    def predict(inputs: Floats) -> Floats:
        affect: Floats = model.predict(inputs)
        return affect

    return predict
