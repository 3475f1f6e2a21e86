"""Estimates of rated texts: groups held out in turn, and each corpus left out of all but the adapters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import ENCODERS
from encoders.minilm_affect import MiniLMAffect
from experiments.affect_scale.rated_estimates import CORPUS, GROUPS, RatedEstimates
from experiments.heads.text.rated_rows import (
    CORPORA,
    RatedRows,
    concatenate,
    encode_anchor_sentences,
    load_sentences,
    load_short_texts,
)
from experiments.heads.text.train import TextFit, fit_texts
from retrieval.evaluation import make_group_folds
from spaces.affect_regression import widen_sds

SPLITS = ("train", "dev")
N_FOLDS = 5


class TextCorpora:
    """The rated texts of all corpora but their tests, and heads that are fitted on some of them."""

    def __init__(self, data_root: Path, seed: int) -> None:
        self._encoder: MiniLMAffect = ENCODERS.make("minilm-affect")  # type: ignore[assignment]
        self._sentences = load_sentences(self._encoder, data_root, SPLITS)
        self._short_texts = load_short_texts(self._encoder, data_root, SPLITS)
        self._anchor_rows = encode_anchor_sentences(self._encoder, data_root)
        self._seed = seed
        self.texts = concatenate([self._sentences, self._short_texts])

    def fit_without(self, is_left_out: npt.NDArray[np.bool_]) -> TextFit:
        """The whole head, its scale and its SDs as well, for all `texts` but those of a mask (n,)."""
        count = len(self._sentences)
        return fit_texts(
            self._encoder, self._sentences.select(~is_left_out[:count]),
            self._short_texts.select(~is_left_out[count:]), self._anchor_rows, seed=self._seed,
        )  # fmt: skip


def load_text_estimates(data_root: Path, seed: int) -> Iterator[RatedEstimates]:
    """Each kind of text, by heads of other groups, then by heads that used no rating of its corpus.

    The SDs of the latter are those for raters of any corpus. The adapters are the packaged ones. They were
    trained on EmoBank and on OASIS' themes of the split train, of which nothing is measured here, and never
    on CAAV. Anchors are EmoBank's sentences without ratings.
    """
    corpora = TextCorpora(data_root, seed)
    texts = corpora.texts
    estimates = np.empty((len(texts), 4), np.float32)
    for fold in make_group_folds(texts.groups.tolist(), N_FOLDS, seed):
        is_left_out = np.isin(np.arange(len(texts)), fold)
        estimates[is_left_out] = corpora.fit_without(is_left_out).predict(texts.rows[is_left_out])
    yield from _split_kinds(texts, estimates, GROUPS)
    for kinds in CORPORA.values():
        is_left_out = np.isin(texts.kinds, kinds)
        head, left_out = corpora.fit_without(is_left_out), texts.select(is_left_out)
        valence_sd, arousal_sd = head.corpus_sds
        rows = widen_sds(head.predict(left_out.rows), (float(valence_sd), float(arousal_sd)))
        yield from _split_kinds(left_out, rows, CORPUS)


def _split_kinds(
    texts: RatedRows, estimates: npt.NDArray[np.floating], held_out: str
) -> Iterator[RatedEstimates]:
    for corpus, kinds in CORPORA.items():
        for kind in kinds:
            rows = texts.kinds == kind
            if rows.any():
                yield RatedEstimates(
                    corpus=corpus, kind=kind, estimates=estimates[rows], ratings=texts.ratings[rows],
                    groups=texts.groups[rows], held_out=held_out,
                )  # fmt: skip
