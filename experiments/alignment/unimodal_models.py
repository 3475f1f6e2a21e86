"""Models of one sense taught within a study: from features to emotions, or to valence and arousal."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from experiments.alignment.pairs import FitFunction, Floats, Ints, PredictFunction, Strings
from spaces.circumplex import EMOTION_SCHEMES, map_emotions_to_affect

MIN_PROBABILITY = 1e-6  # a probability below it counts as this much


def make_emotion_classifier(labels: Strings, class_names: tuple[str, ...]) -> FitFunction:
    """Posteriors over emotions by linear discriminants, their covariance shrunk (Ledoit & Wolf 2004).

    labels: (n,) of all rows, of which the anchors' are looked at; the columns are `class_names`
    """
    return partial(_fit_emotion_classifier, labels, class_names)


def make_affect_from_emotions(labels: Strings, scheme: str) -> FitFunction:
    """The same as valence and arousal: where the emotions lie (Russell & Mehrabian 1977), by posterior."""
    return partial(_fit_affect_from_emotions, labels, scheme)


def make_affect_regressor(ratings: Floats) -> FitFunction:
    """Valence and arousal by ridge regression from ratings (n, 2) of all rows; the anchors' are looked at."""
    return partial(_fit_affect_regressor, ratings)


def fuse_posteriors(source: Floats, target: Floats, prior: Floats) -> Floats:
    """(n, k) posteriors of both senses together, as if independent given the emotion: p q / prior."""
    log = (
        np.log(np.maximum(source, MIN_PROBABILITY))
        + np.log(np.maximum(target, MIN_PROBABILITY))
        - np.log(np.maximum(prior, MIN_PROBABILITY))
    )
    shares = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _fit_emotion_classifier(
    labels: Strings, class_names: tuple[str, ...], features: Floats, anchor_rows: Ints
) -> PredictFunction:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(features, labels[anchor_rows])
    columns = [class_names.index(name) for name in model.classes_]

    def predict(inputs: Floats) -> Floats:
        out = np.zeros((len(inputs), len(class_names)))
        out[:, columns] = model.predict_proba(inputs)
        return out

    return predict


def _fit_affect_from_emotions(
    labels: Strings, scheme: str, features: Floats, anchor_rows: Ints
) -> PredictFunction:
    posterior = _fit_emotion_classifier(labels, EMOTION_SCHEMES[scheme], features, anchor_rows)
    return lambda asked: map_emotions_to_affect(posterior(asked), scheme, "hand")[:, :2]


def _fit_affect_regressor(ratings: Floats, features: Floats, anchor_rows: Ints) -> PredictFunction:
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(alphas=np.logspace(-2, 3, 11) * len(features) / 100).fit(features, ratings[anchor_rows])

    def predict(inputs: Floats) -> Floats:
        out: npt.NDArray[np.float64] = model.predict(inputs)
        return out

    return predict
