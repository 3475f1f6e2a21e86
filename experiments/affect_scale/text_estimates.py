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
from experiments.heads.text.regressors import ROLE
from experiments.heads.text.train import fit_texts
from spaces.affect_regression import predict_mean_and_sd

SPLITS = ("train", "dev")


def load_text_estimates(data_root: Path, seed: int) -> Iterator[RatedEstimates]:
    """Each kind of text, by models of other groups, then by models that used no rating of its corpus.

    The adapters are the packaged ones. They were trained on EmoBank and on OASIS' themes of the split train,
    of which nothing is measured here, and never on CAAV. Anchors are EmoBank's sentences without ratings.
    """
    encoder: MiniLMAffect = ENCODERS.make("minilm-affect")  # type: ignore[assignment]
    sentences = load_sentences(encoder, data_root, SPLITS)
    short_texts = load_short_texts(encoder, data_root, SPLITS)
    anchor_rows = encode_anchor_sentences(encoder, data_root)
    fitted = fit_texts(encoder, sentences, short_texts, anchor_rows, seed=seed)
    log_sds = fitted.log_sd({ROLE: fitted.texts.rows})
    estimates = np.concatenate([fitted.predictions, np.exp(log_sds)], axis=1)
    yield from _split_kinds(fitted.texts, estimates, GROUPS)
    everything = concatenate([sentences, short_texts])
    for kinds in CORPORA.values():
        other_sentences, other_texts = (
            part.select(~np.isin(part.kinds, kinds)) for part in (sentences, short_texts)
        )
        model = fit_texts(encoder, other_sentences, other_texts, anchor_rows, seed=seed)
        left_out = everything.select(np.isin(everything.kinds, kinds))
        estimates = predict_mean_and_sd(model.mean, model.log_sd, {ROLE: left_out.rows})
        yield from _split_kinds(left_out, estimates, CORPUS)


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
