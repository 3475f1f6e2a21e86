"""Zero-shot space: an image is a convex combination of label text vectors (ConSE, Norouzi et al. 2014)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from encoders import (
    ClassifierEncoder,
    Encoder,
    Rows,
    get_cache_dir,
    is_missing_row,
    read_cached,
    unit_rows,
    write_cached,
)
from spaces.base import Features, Views

# Chosen on the 700 train photos of flickr1k (text to photo R@10 of 700: 24 as published, 33 with these).
TOP_LABELS = 100  # labels in the combination
LABEL_TEMPERATURE = 2.5  # of the label softmax: the classifier is overconfident
LABEL_PROMPT = "a photo of a {}"


def compute_label_probabilities(logits: Rows, temperature: float = LABEL_TEMPERATURE) -> Rows:
    """Softmax of (n, labels) logits at a temperature; NaN rows stay NaN."""
    from scipy.special import softmax  # takes .3 s to import, which other commands need not pay

    return np.asarray(softmax(logits / temperature, axis=1), np.float32)


def convex_combination(probabilities: Rows, vectors: Rows, top_k: int = TOP_LABELS) -> Rows:
    """(n, d) mean of label vectors (labels, d) weighted by the `top_k` largest probabilities."""
    if top_k < probabilities.shape[1]:
        smallest = np.partition(probabilities, -top_k, axis=1)[:, -top_k, None]
        probabilities = np.where(probabilities >= smallest, probabilities, 0)
    return np.asarray((probabilities @ vectors) / probabilities.sum(axis=1, keepdims=True), np.float32)


def centre_rows(vectors: Rows) -> Rows:
    """Unit rows minus their mean, normalised again.

    The mean is what all label prompts share ("a photo of a"), and it says nothing about the content.
    """
    unit = unit_rows(vectors)
    return unit_rows(unit - unit.mean(axis=0))


@dataclass(frozen=True)
class ZeroShotSpace:
    """Views: "words" (ConSE, shared by texts and images) and "looks" (the classifier's own features)."""

    name: str
    classifier: ClassifierEncoder
    text_encoder: Encoder
    version: str = f"conse-1-{TOP_LABELS}-{LABEL_TEMPERATURE}"

    def project(self, features: Features) -> Views:
        """Unit rows by view, from the role "objects" or else "text"."""
        views: Views = {}
        if (rows := features.get("objects")) is not None:
            views = {"words": self._project_images(rows), "looks": unit_rows(rows)}
        elif (sentences := features.get("text")) is not None:
            views = {"words": unit_rows(sentences)}
        return views

    def _project_images(self, rows: Rows) -> Rows:
        words = np.full((len(rows), self._label_vectors.shape[1]), np.nan, np.float32)
        is_present = ~is_missing_row(rows)
        if is_present.any():
            probabilities = compute_label_probabilities(self.classifier.logits(rows[is_present]))
            words[is_present] = convex_combination(probabilities, self._label_vectors)
        return unit_rows(words)

    def predict_labels(self, row: Rows, k: int = 5) -> list[tuple[str, float]]:
        """The `k` most probable labels of one raw row (d,), with probabilities at temperature 1."""
        probabilities = compute_label_probabilities(self.classifier.logits(row[None]), temperature=1)[0]
        best = np.argsort(-probabilities, kind="stable")[:k]
        return [(self.classifier.classes[i], round(float(probabilities[i]), 4)) for i in best]

    @cached_property
    def _label_vectors(self) -> Rows:
        prompts = [LABEL_PROMPT.format(label) for label in self.classifier.classes]
        return centre_rows(encode_cached(self.text_encoder, prompts))


def encode_cached(encoder: Encoder, sentences: Sequence[str]) -> Rows:
    """The sentences' raw rows, from the cache where they were encoded before."""
    content = "\n".join([encoder.card.signature, *sentences])
    path = get_cache_dir() / f"sentences-{hashlib.sha256(content.encode()).hexdigest()[:16]}.rows"
    if (stored := read_cached(path)) is not None:
        return np.frombuffer(bytearray(stored), np.float32).reshape(len(sentences), encoder.card.dim)
    rows: npt.NDArray[np.float32] = encoder.encode(sentences)
    write_cached(path, rows.tobytes())
    return rows
