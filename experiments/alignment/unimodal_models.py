"""Models of one sense taught within a study: from features to emotions, or to valence and arousal."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from experiments.alignment.pairs import Floats, Ints, Names, Reading, Teach
from spaces.circumplex import SCHEMES, from_categories

SURE = 1e-6  # a probability below it counts as this much


def emotions(labels: Names, names: tuple[str, ...]) -> Teach:
    """Posteriors over emotions by linear discriminants, their covariance shrunk (Ledoit & Wolf 2004).

    labels: (n,) of all rows, of which the anchors' are looked at; the columns are `names`
    """
    return partial(_teach_emotions, labels, names)


def moods_of_emotions(labels: Names, scheme: str) -> Teach:
    """The same as valence and arousal: where the emotions lie (Russell & Mehrabian 1977), by posterior."""
    return partial(_teach_moods_of_emotions, labels, scheme)


def moods(truth: Floats) -> Teach:
    """Valence and arousal by ridge regression from ratings (n, 2) of all rows; the anchors' are looked at."""
    return partial(_teach_moods, truth)


def fused(source: Floats, target: Floats, prior: Floats) -> Floats:
    """(n, k) posteriors of both senses together, as if independent given the emotion: p q / prior."""
    log = (
        np.log(np.maximum(source, SURE)) + np.log(np.maximum(target, SURE)) - np.log(np.maximum(prior, SURE))
    )
    shares = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _teach_emotions(labels: Names, names: tuple[str, ...], rows: Floats, anchors: Ints) -> Reading:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(rows, labels[anchors])
    columns = [names.index(name) for name in model.classes_]

    def read(asked: Floats) -> Floats:
        out = np.zeros((len(asked), len(names)))
        out[:, columns] = model.predict_proba(asked)
        return out

    return read


def _teach_moods_of_emotions(labels: Names, scheme: str, rows: Floats, anchors: Ints) -> Reading:
    posterior = _teach_emotions(labels, SCHEMES[scheme], rows, anchors)
    return lambda asked: from_categories(posterior(asked), scheme, "hand")[:, :2]


def _teach_moods(truth: Floats, rows: Floats, anchors: Ints) -> Reading:
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(alphas=np.logspace(-2, 3, 11) * len(rows) / 100).fit(rows, truth[anchors])

    def read(asked: Floats) -> Floats:
        out: npt.NDArray[np.float64] = model.predict(asked)
        return out

    return read
