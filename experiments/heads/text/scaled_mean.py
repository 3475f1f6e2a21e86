"""The mean of the text head on the common scale, and how far it is off for a corpus it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders import Rows
from encoders.minilm_affect import MiniLMAffect
from experiments.heads.text.common_scale import fit_common_scale
from experiments.heads.text.rated_rows import CORPORA, RATED_CORPORA, Floats, RatedRows, concatenate
from experiments.heads.text.regressors import ROLE, fit_mean, predict_held_out
from experiments.statistics.random_effects import estimate_between_variance
from spaces import Regressor
from spaces.affect_regression import soft_clip


@dataclass(frozen=True, kw_only=True, eq=False)
class ScaledMean:
    """A regressor and the texts its scale is fitted on.

    regressor:   valence and arousal, before `soft_clip`
    factors:     (2,) by which predictions were stretched
    texts:       sentences, then short texts
    predictions: (n, 2) of them in [-1, 1] by models of other groups; the stretch is that of all
    """

    regressor: Regressor
    factors: Floats
    texts: RatedRows
    predictions: Floats

    def predict(self, rows: Rows) -> Floats:
        """(n, 2) valence and arousal in [-1, 1] of rows (n, 386)."""
        return soft_clip(self.regressor({ROLE: rows}))


def fit_scaled_mean(
    encoder: MiniLMAffect, sentences: RatedRows, short_texts: RatedRows, anchor_rows: Rows, *, seed: int
) -> ScaledMean:
    """The mean for these texts; `sentences` may be empty. The ratings of anchors are not used."""
    mean = fit_mean(encoder, short_texts, anchor_rows)
    texts = concatenate([sentences, short_texts])
    predictions = np.concatenate(
        [mean({ROLE: sentences.rows}), predict_held_out(encoder, short_texts, anchor_rows, seed)]
    )
    scale = fit_common_scale(predictions, texts.ratings, texts.kinds, RATED_CORPORA)
    return ScaledMean(
        regressor=scale.apply_to(mean), factors=scale.factors, texts=texts,
        predictions=soft_clip(scale(predictions)),
    )  # fmt: skip


def estimate_corpus_variances(
    encoder: MiniLMAffect, sentences: RatedRows, short_texts: RatedRows, anchor_rows: Rows, *, seed: int
) -> tuple[Floats, list[str]]:
    """(2,) variance between corpora of a corpus' mean error, and the corpora that it rests on.

    Each corpus in turn is left out of the fit. The mean error of its groups is an effect of
    `estimate_between_variance`. The adapters have learnt from two of the corpora, so that the variance is
    rather too small.
    """
    effects, variances, corpora = [], [], []
    for corpus, kinds in CORPORA.items():
        kept, left_out = (
            [part.select(np.isin(part.kinds, kinds) == is_in) for part in (sentences, short_texts)]
            for is_in in (False, True)
        )
        texts = concatenate(left_out)
        if len(texts):
            model = fit_scaled_mean(encoder, kept[0], kept[1], anchor_rows, seed=seed)
            errors = _average_groups(model.predict(texts.rows) - texts.ratings, texts.groups)
            effects.append(errors.mean(axis=0))
            variances.append(errors.var(axis=0, ddof=1) / len(errors))
            corpora.append(corpus)
    between = [
        estimate_between_variance(*columns)
        for columns in zip(np.transpose(effects), np.transpose(variances), strict=True)
    ]
    return np.array(between), corpora


def _average_groups(errors: Floats, groups: npt.NDArray[np.str_]) -> Floats:
    """(g, 2) means of errors (n, 2) by group."""
    numbers = np.unique(groups, return_inverse=True)[1]
    counts = np.bincount(numbers)
    return np.stack([np.bincount(numbers, column) / counts for column in errors.T], axis=1)
