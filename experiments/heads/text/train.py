"""Sentences and phrases to valence and arousal with a stated error, from the adapted MiniLM's rows.

The mean is the linear model trained with the adapters (`experiments.heads.text_adapter`), plus kernel ridge
on its residuals of short phrases, which the adapters have not seen. Phrases are learnt in a longer wording as
well, "A person is kicking something.", so that a description has the affect of what it describes.

Scale: ratings as given, the middle of the scale at 0. Raters of actions and pictures place an everyday text
.2 lower in arousal than raters of EmoBank's sentences; the correction ends where such sentences begin. The
predictions are then stretched by one factor for every kind of text (`experiments.heads.text.common_scale`).

The standard deviation of the error is a log-linear function of the row (`stated_error`), fitted to errors on
texts that neither adapters nor ridge had seen. Texts in other languages and random letters are added with
the error of a guess, so that the head is uncertain about what it cannot read. It is that for raters like
those of the corpora; what other raters add is estimated by leaving each corpus out (`scaled_mean`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from encoders import ENCODERS, Rows, encode_all
from encoders.minilm_affect import MiniLMAffect
from experiments.datasets.data_root import DATA_ROOT
from experiments.heads.report_figure import DIMENSIONS
from experiments.heads.text.rated_rows import (
    Floats,
    RatedRows,
    encode_anchor_sentences,
    load_sentences,
    load_short_texts,
)
from experiments.heads.text.regressors import ROLE
from experiments.heads.text.scaled_mean import ScaledMean, estimate_corpus_variances, fit_scaled_mean
from experiments.heads.text.stated_error import UNREADABLE, compute_uninformed_errors, fit_log_sd
from experiments.heads.text.unreadable_texts import FOREIGN_TEXTS, N_NONSENSE_TEXTS, make_nonsense_texts
from spaces import Regressor, RegressorSet, save_regressors
from spaces.affect_regression import predict_mean_and_sd

WEIGHTS_FILE = Path(str(files("spaces") / "weights" / "affect-text.safetensors"))

TRAINING_DATA = (
    "EmoBank's training sentences (Buechel & Hahn 2017) and themes of OASIS' training pictures (Kurdi et al. "
    "2017) for the adapters, with the words of VADER's lexicon (Hutto & Gilbert 2014) and NRC's (Mohammad & "
    "Turney 2013); CAAV's action phrases (Di Crosta et al. 2020), in a longer wording as well, and the other "
    "themes for the ridge on top, and 30 words of moods with synonyms (Russell & Mehrabian 1977, "
    "Russell 1980). "
    "The stated error: a tenth of EmoBank's training sentences, whole documents, kept from the adapters, its "
    "dev sentences, the phrases by folds, and texts in other languages or of random letters, taken as "
    "unreadable. The adapters never saw a dev row. Valence and arousal as raters have them: 1..5 (EmoBank), "
    "1..7 (OASIS) and 1..9 (CAAV), the middle at 0, the ends at -1 and 1. English only."
)
LICENCE = (
    "CC-BY-SA-4.0, as EmoBank; CAAV is CC-BY 4.0, VADER MIT, OASIS free for research; NRC's lexicon is free "
    "for research and needs its authors' leave for commerce."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class TextFit:
    """The text head.

    mean:       regressor on the common scale
    log_sd:     regressor of the logarithm of the SD of its error, for corpora that it has seen
    corpus_sds: (2,) SD of what a corpus adds to the error of all its texts
    corpora:    those that rests on
    """

    mean: ScaledMean
    log_sd: Regressor
    corpus_sds: Floats
    corpora: list[str]

    def predict(self, rows: Rows) -> Rows:
        """(n, 4) affect of rows (n, 386), with the SD for corpora that it has seen."""
        return predict_mean_and_sd(self.mean.regressor, self.log_sd, {ROLE: rows})


def fit_and_save(data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool = False) -> list[Path]:
    """Fit and write affect-text.safetensors into `out_folder` (default: the package). Raises as `fit`."""
    path = WEIGHTS_FILE if out_folder is None else out_folder / WEIGHTS_FILE.name
    save_regressors(path, fit(data_root, seed=seed, quiet=quiet))
    return [path]


def fit(data_root: Path = DATA_ROOT, *, seed: int, quiet: bool = False, use_dev: bool = True) -> RegressorSet:
    """The regressors "mean" and "log_sd" of role "sentiment", (n, 2) each, from train and, by default, dev.

    The adapters are those of the packaged encoder, trained on train. It takes half a minute and prints
    nothing, `quiet` or not. Raises AffectError where a set is missing.
    """
    encoder: MiniLMAffect = ENCODERS.make("minilm-affect")  # type: ignore[assignment]
    splits = ("train", "dev") if use_dev else ("train",)
    fitted = fit_splits(encoder, data_root, splits, seed=seed)
    return RegressorSet(
        members={"mean": fitted.mean.regressor, "log_sd": fitted.log_sd},
        encoder_signatures={ROLE: encoder.card.signature},
        metadata={
            "values": list(DIMENSIONS),
            "log_sd": "natural logarithm of the SD of the mean's error",
            "stretched": dict(zip(DIMENSIONS, fitted.mean.factors.round(3).tolist(), strict=True)),
            "corpus_sd": fitted.corpus_sds.round(3).tolist(),
            "corpora": fitted.corpora,
        },
    )


def fit_splits(encoder: MiniLMAffect, data_root: Path, splits: Sequence[str], *, seed: int) -> TextFit:
    """Regressors for the texts of these splits of all sets. Raises AffectError where a set is missing."""
    return fit_texts(
        encoder,
        load_sentences(encoder, data_root, splits),
        load_short_texts(encoder, data_root, splits),
        encode_anchor_sentences(encoder, data_root),
        seed=seed,
    )


def fit_texts(
    encoder: MiniLMAffect, sentences: RatedRows, short_texts: RatedRows, anchor_rows: Rows, *, seed: int
) -> TextFit:
    """Regressors for these texts; `sentences` may be empty. The ratings of anchors are not used."""
    mean = fit_scaled_mean(encoder, sentences, short_texts, anchor_rows, seed=seed)
    unreadable_rows = encode_all(encoder, [*FOREIGN_TEXTS, *make_nonsense_texts(N_NONSENSE_TEXTS, seed)])
    unreadable_squares = compute_uninformed_errors(short_texts.ratings, mean.predict(unreadable_rows))
    log_sd = fit_log_sd(
        np.concatenate([mean.texts.rows, unreadable_rows]),
        np.concatenate([(mean.texts.ratings - mean.predictions) ** 2, unreadable_squares]),
        np.concatenate([mean.texts.kinds, np.full(len(unreadable_rows), UNREADABLE)]),
    )
    variances, corpora = estimate_corpus_variances(encoder, sentences, short_texts, anchor_rows, seed=seed)
    return TextFit(mean=mean, log_sd=log_sd, corpus_sds=np.sqrt(variances), corpora=corpora)
