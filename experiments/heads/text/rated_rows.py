"""Rated texts as rows of the encoder, phrases also in a longer wording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import Rows, encode_all, is_missing_row
from encoders.minilm_affect import MiniLMAffect
from experiments.datasets.caav import load_caav_actions
from experiments.datasets.emobank import load_emobank
from experiments.datasets.oasis import load_oasis_themes
from experiments.datasets.records import RatedText
from experiments.heads.text_adapter.training_sets import select_held_out
from spaces.circumplex import LANDMARK_SYNONYMS, LANDMARKS

Floats = npt.NDArray[np.float64]

SENTENCE, ACTION, THEME, WORD = "sentence", "action", "theme", "word"
ACTION_SENTENCE = "action sentence"
RATED_CORPORA: Mapping[str, tuple[str, ...]] = {
    "emobank": (SENTENCE,), "caav": (ACTION, ACTION_SENTENCE), "oasis": (THEME,),
}  # fmt: skip
"""Kinds of text by corpus, of corpora that have neutral texts as well."""
CORPORA = {**RATED_CORPORA, "russell": (WORD,)}
"""And the words of moods with their published places, see `spaces.circumplex.landmarks`."""
LONGER_WORDING = "A person is {}."
"""Of a phrase: what it describes, and so its rating, is the same. Rows are means over tokens, so that each
word added moves a text towards the middle. "A photo of" is never read: `retrieval.features.media_prompt`."""
SENTENCE_STEP = 15  # one in so many of EmoBank's training sentences is an anchor


@dataclass(frozen=True, kw_only=True, eq=False)
class RatedRows:
    """n texts.

    rows:    (n, 386) of the encoder
    ratings: (n, 2) valence and arousal
    kinds:   (n,) such as SENTENCE
    groups:  (n,) kept whole by a split: a document, or a phrase with its longer wording
    """

    rows: Rows
    ratings: Floats
    kinds: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.kinds)

    def select(self, indices: npt.ArrayLike) -> RatedRows:
        """The texts at these indices, or where a mask is true."""
        selected = np.asarray(indices)
        return replace(self, **{name: values[selected] for name, values in vars(self).items()})


def load_short_texts(encoder: MiniLMAffect, data_root: Path, splits: Sequence[str]) -> RatedRows:
    """Action phrases of these splits, also in the longer wording, themes of them that the adapters have not
    seen, and words of moods.

    Raises AffectError where a set is missing.
    """
    themes = [text for text in load_oasis_themes(data_root) if text.split in splits and text.split != "train"]
    actions = [text for text in load_caav_actions(data_root) if text.split in splits]
    texts_by_kind = [
        (ACTION, actions), (ACTION_SENTENCE, lengthen(actions)), (THEME, themes), (WORD, list_mood_words()),
    ]  # fmt: skip
    return _encode_kinds(encoder, texts_by_kind)


def load_sentences(encoder: MiniLMAffect, data_root: Path, splits: Sequence[str]) -> RatedRows:
    """EmoBank's sentences of these splits that the adapters have not seen: of train, the held-out documents.

    Raises AffectError where it is missing.
    """
    sentences = load_emobank(data_root)
    unseen = select_held_out(sentences) if "train" in splits else []
    unseen += [text for text in sentences if text.split in splits and text.split != "train"]
    return _encode_kinds(encoder, [(SENTENCE, unseen)])


def encode_anchor_sentences(encoder: MiniLMAffect, data_root: Path) -> Rows:
    """(n, 386) of one in SENTENCE_STEP of the sentences that the adapters were trained on."""
    sentences = load_emobank(data_root)
    held_out = set(select_held_out(sentences))
    seen = [text for text in sentences if text.split == "train" and text not in held_out]
    return encode_texts(encoder, seen[::SENTENCE_STEP])


def list_mood_words() -> list[RatedText]:
    """The landmarks of the plane but the middle, and their synonyms, of the split train."""
    synonyms = {word: word for word in LANDMARKS if word != "neutral"} | dict(LANDMARK_SYNONYMS)
    return [
        RatedText(text=word, affect=LANDMARKS[landmark], split="train", group=landmark)
        for word, landmark in synonyms.items()
    ]


def lengthen(phrases: Sequence[RatedText]) -> list[RatedText]:
    """The phrases in the longer wording."""
    return [
        replace(phrase, text=LONGER_WORDING.format(phrase.text[0].lower() + phrase.text[1:]))
        for phrase in phrases
    ]


def encode_texts(encoder: MiniLMAffect, texts: Sequence[RatedText]) -> Rows:
    """(n, 386) rows. Raises ValueError for a text without any."""
    rows = encode_all(encoder, [text.text for text in texts])
    if is_missing_row(rows).any():
        raise ValueError("a rated text is empty")
    return rows


def stack_affect(texts: Sequence[RatedText]) -> Floats:
    """(n, 2) ratings of texts."""
    return np.array([text.affect for text in texts], np.float64).reshape(-1, 2)


def concatenate(parts: Sequence[RatedRows]) -> RatedRows:
    """All texts of several parts, in order."""
    return RatedRows(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
    )


def _encode_kinds(
    encoder: MiniLMAffect, texts_by_kind: Sequence[tuple[str, Sequence[RatedText]]]
) -> RatedRows:
    texts = [text for _, kind_texts in texts_by_kind for text in kind_texts]
    return RatedRows(
        rows=encode_texts(encoder, texts),
        ratings=stack_affect(texts),
        kinds=np.array([kind for kind, kind_texts in texts_by_kind for _ in kind_texts]),
        groups=np.array([text.group for text in texts]),
    )
