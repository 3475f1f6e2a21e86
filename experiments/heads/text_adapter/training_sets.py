"""The training sets of the adapters: rated sentences, themes, and words of lexicons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError
from experiments.datasets.emobank import load_emobank
from experiments.datasets.oasis import load_oasis_themes
from experiments.datasets.records import RatedText
from experiments.heads.text_adapter.lexicon_texts import (
    fill_templates,
    load_nrc_emotions,
    load_vader_valence,
)
from retrieval.evaluation import make_group_folds

Floats = npt.NDArray[np.float32]

N_HELD_OUT_FOLDS = 10  # one of ten folds of EmoBank's training sentences, by document, is held out
HELD_OUT_SEED = 0  # of these folds: fixed, as whoever estimates the errors has to know which it is


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """n texts and their targets.

    targets: (n, k) valence and arousal (the first k of them), or with `has_separate_head` other values, for a
             head of their own
    batch_size: texts of this set in a step
    loss_weight: of its loss
    """

    name: str
    texts: Sequence[str]
    targets: Floats
    batch_size: int
    loss_weight: float = 1.0
    has_separate_head: bool = False


def select_held_out(sentences: Sequence[RatedText]) -> list[RatedText]:
    """The training sentences that the adapters never see, to estimate errors on: whole documents.

    Raises AffectError where there are too few documents.
    """
    train = [text for text in sentences if text.split == "train"]
    if (document_count := len({text.group for text in train})) < N_HELD_OUT_FOLDS:
        raise AffectError(
            f"emobank: {document_count} documents in the split train, of which one in {N_HELD_OUT_FOLDS} is "
            "held out; give the whole table"
        )
    folds = make_group_folds([text.group for text in train], N_HELD_OUT_FOLDS, HELD_OUT_SEED)
    return [train[row] for row in folds[0]]


def load_training_sets(data_root: Path) -> list[TrainingSet]:
    """The main training set first; train splits alone, and no action phrase of CAAV."""
    sentences = load_emobank(data_root)
    held_out = {text.text for text in select_held_out(sentences)}
    train = [text for text in sentences if text.split == "train" and text.text not in held_out]
    themes = [text for text in load_oasis_themes(data_root) if text.split == "train"]
    words, emotions = load_vader_valence(), load_nrc_emotions()
    phrases = fill_templates(words)
    return [
        TrainingSet(name="emobank", texts=_list_texts(train), targets=_stack_targets(train), batch_size=32),
        TrainingSet(
            name="themes", texts=_list_texts(themes), targets=_stack_targets(themes), batch_size=8,
            loss_weight=0.5,
        ),
        TrainingSet(
            name="vader", texts=list(words), targets=_as_column(words), batch_size=16, loss_weight=0.3
        ),
        TrainingSet(
            name="nrc", texts=list(emotions), targets=np.asarray(list(emotions.values()), np.float32),
            batch_size=16, loss_weight=0.3, has_separate_head=True,
        ),
        TrainingSet(
            name="negated", texts=list(phrases), targets=_as_column(phrases), batch_size=8, loss_weight=0.3
        ),
    ]  # fmt: skip


def _list_texts(texts: Sequence[RatedText]) -> list[str]:
    return [text.text for text in texts]


def _stack_targets(texts: Sequence[RatedText]) -> Floats:
    return np.asarray([text.affect for text in texts], np.float32)


def _as_column(valence_by_text: dict[str, float]) -> Floats:
    """(n, 1)."""
    return np.asarray([[valence] for valence in valence_by_text.values()], np.float32)
