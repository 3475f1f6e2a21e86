"""Sentences and phrases to valence and arousal with a stated error, from the adapted MiniLM's rows.

The mean is the linear model trained with the adapters (`experiments.heads.text_adapter`), plus kernel ridge
on its residuals of short phrases, which the adapters have not seen. Phrases are learnt in a longer wording as
well, "A person is kicking something.", so that a description has the affect of what it describes.

Scale: ratings as given, the middle of the scale at 0. Raters of actions and pictures place an everyday text
.2 lower in arousal than raters of EmoBank's sentences; the correction ends where such sentences begin. The
predictions are then stretched by one factor for every kind of text (`experiments.heads.text.common_scale`).

The standard deviation of the error is a log-linear function of the row (Harvey 1976), fitted to errors on
texts that neither adapters nor ridge had seen. Texts in other languages and random letters are added with
the error of a guess, so that the head is uncertain about what it cannot read.
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
from experiments.heads.text.common_scale import fit_common_scale
from experiments.heads.text.rated_rows import (
    RATED_CORPORA,
    Floats,
    RatedRows,
    concatenate,
    encode_anchor_sentences,
    load_sentences,
    load_short_texts,
)
from experiments.heads.text.regressors import (
    ROLE,
    compute_uninformed_errors,
    fit_log_sd,
    fit_mean,
    predict_held_out,
)
from experiments.heads.text.unreadable_texts import FOREIGN_TEXTS, N_NONSENSE_TEXTS, make_nonsense_texts
from spaces import Regressor, RegressorSet, save_regressors
from spaces.affect_regression import soft_clip

WEIGHTS_FILE = Path(str(files("spaces") / "weights" / "affect-text.safetensors"))

TRAINING_DATA = (
    "EmoBank's training sentences (Buechel & Hahn 2017) and themes of OASIS' training pictures (Kurdi et al. "
    "2017) for the adapters, with the words of VADER's lexicon (Hutto & Gilbert 2014) and NRC's (Mohammad & "
    "Turney 2013); CAAV's action phrases (Di Crosta et al. 2020) and the other themes for the ridge on top, "
    "in a longer wording as well, and 30 words of moods with synonyms (Russell & Mehrabian 1977, "
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
    """Regressors and the texts they are calibrated on.

    mean, log_sd: regressors
    factors:      (2,) by which predictions were stretched
    texts:        sentences, then short texts
    predictions:  (n, 2) of them by models trained on other groups; the stretch is that of all
    """

    mean: Regressor
    log_sd: Regressor
    factors: Floats
    texts: RatedRows
    predictions: Floats


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
        members={"mean": fitted.mean, "log_sd": fitted.log_sd},
        encoder_signatures={ROLE: encoder.card.signature},
        metadata={
            "values": list(DIMENSIONS),
            "log_sd": "natural logarithm of the SD of the mean's error",
            "stretched": dict(zip(DIMENSIONS, fitted.factors.round(3).tolist(), strict=True)),
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
    mean = fit_mean(encoder, short_texts, anchor_rows)
    texts = concatenate([sentences, short_texts])
    predictions = np.concatenate(
        [mean({ROLE: sentences.rows}), predict_held_out(encoder, short_texts, anchor_rows, seed)]
    )
    scale = fit_common_scale(predictions, texts.ratings, texts.kinds, RATED_CORPORA)
    mean, predictions = scale.apply_to(mean), soft_clip(scale(predictions))
    unreadable_rows = encode_all(encoder, [*FOREIGN_TEXTS, *make_nonsense_texts(N_NONSENSE_TEXTS, seed)])
    unreadable_squares = compute_uninformed_errors(
        short_texts.ratings, soft_clip(mean({ROLE: unreadable_rows}))
    )
    log_sd = fit_log_sd(
        np.concatenate([texts.rows, unreadable_rows]),
        np.concatenate([(texts.ratings - predictions) ** 2, unreadable_squares]),
        n_sentences=len(sentences),
        n_short=len(short_texts),
    )
    return TextFit(mean=mean, log_sd=log_sd, factors=scale.factors, texts=texts, predictions=predictions)
