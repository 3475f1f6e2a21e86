"""Sounds by words through the classes of a sound-event classifier: label attention over sentence vectors.

A text attends to the classes whose names are near it: w = softmax(cosine / temperature) over all classes
but those of MOOD_CLASSES, which is ConSE (Norouzi et al. 2014) from the side of the text. Scores s in [0, 1]
of a sound are compared with it by w . sqrt(s). Words near no class abstain: what AudioSet has no class for,
these scores can't tell.

Rows are of unit length, as those of any view. A sound's is [sqrt(s) / C, rest]: the rest of its length lies
in further coordinates, where texts are 0, along a random projection of sqrt(s) (Johnson & Lindenstrauss
1984). So a text is compared with the scores themselves, sure or unsure, and two sounds with each other by the
cosine of their scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from encoders import Encoder, EventClassifier, Rows, is_missing_row, unit_rows
from spaces.base import Features, Views
from spaces.zero_shot import encode_cached

# Chosen on the dev words of sounds_by_word (67 words, 262 sounds); neighbours differ by less than a word.
TEMPERATURE = 0.02  # of the attention, in cosines of MiniLM
LABEL_PROMPT = "the sound of {}"
MOOD_CLASSES = frozenset({
    "happy music", "sad music", "funny music", "tender music", "exciting music", "angry music", "scary music",
})  # fmt: skip
"""AudioSet's moods of music, which no text attends to: the classifier hardly ever hears them (the highest
score of any on 148 pieces of game music is .04), so that words near them would find nothing. Moods are left
to the estimates of valence and arousal."""
MIN_SIMILARITY = 0.45  # of a text and the nearest class, below which it abstains; .5 loses dev words
SCALE = 2.0  # C: sqrt of the sum of scores that fills the length
RANDOM_COORDINATES = 64
EVENTS_VIEW = "events"


@dataclass(frozen=True)
class LabelAttentionSpace:
    """View "events" of texts and sounds.

    role: of the classifier's rows
    """

    name: str
    role: str
    classifier: EventClassifier
    text_encoder: Encoder
    version: str = f"attention-2-{TEMPERATURE}-{MIN_SIMILARITY}"

    def project(self, features: Features) -> Views:
        """Unit rows (n, classes + RANDOM_COORDINATES), of the classifier's role or else of "text"."""
        if (scores := features.get(self.role)) is not None:
            return {EVENTS_VIEW: self._project_scores(scores)}
        if (sentences := features.get("text")) is not None:
            return {EVENTS_VIEW: self._project_texts(unit_rows(sentences))}
        return {}

    def attend(self, sentences: Rows) -> Rows:
        """Weights (n, classes) of unit sentence vectors (n, d), which add up to 1; NaN where they abstain."""
        from scipy.special import softmax  # takes .3 s to import, which other commands need not pay

        similarities = np.where(self._is_mood, -np.inf, sentences @ self._label_vectors.T)
        weights = np.asarray(softmax(similarities / TEMPERATURE, axis=1), np.float32)
        weights[~(similarities.max(axis=1) >= MIN_SIMILARITY)] = np.nan
        return weights

    def compare(self, sentences: Rows, scores: Rows) -> Rows:
        """Similarities (q, n) of unit sentence vectors (q, d) and scores (n, classes).

        NaN where a text abstains.
        """
        return np.asarray(self.attend(sentences) @ np.sqrt(scores).T, np.float32)

    def _project_texts(self, sentences: Rows) -> Rows:
        rows = np.zeros((len(sentences), self._dim), np.float32)
        rows[:, : len(self.classifier.classes)] = self.attend(sentences)
        return unit_rows(rows)

    def _project_scores(self, scores: Rows) -> Rows:
        is_present = ~is_missing_row(scores)
        rows = np.full((len(scores), self._dim), np.nan, np.float32)
        roots = np.sqrt(scores[is_present])
        known = roots / SCALE
        lengths = np.linalg.norm(known, axis=1, keepdims=True)
        known /= np.maximum(lengths, 1)
        rest = np.sqrt(np.clip(1 - np.square(known).sum(axis=1, keepdims=True), 0, 1))
        rows[is_present] = np.concatenate([known, rest * unit_rows(roots @ self._projection)], axis=1)
        return unit_rows(rows)

    @property
    def _dim(self) -> int:
        return len(self.classifier.classes) + RANDOM_COORDINATES

    @cached_property
    def _projection(self) -> Rows:
        """Random signs; RandomState's numbers are the same in every version of numpy."""
        shape = (len(self.classifier.classes), RANDOM_COORDINATES)
        return np.random.RandomState(0).choice(np.array([-1, 1], np.float32), size=shape)

    @cached_property
    def _is_mood(self) -> npt.NDArray[np.bool_]:
        return np.array([name.lower() in MOOD_CLASSES for name in self.classifier.classes])

    @cached_property
    def _label_vectors(self) -> Rows:
        prompts = [LABEL_PROMPT.format(name.lower()) for name in self.classifier.classes]
        return unit_rows(encode_cached(self.text_encoder, prompts))


def list_events(classes: Sequence[str], scores: Rows, k: int = 5) -> list[tuple[str, float]]:
    """The `k` classes with the highest of the scores (classes,), and those."""
    best = np.argsort(-scores, kind="stable")[:k]
    return [(classes[i], round(float(scores[i]), 4)) for i in best]
