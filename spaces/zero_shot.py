"""Zero-shot label space: a picture is the convex mix of its labels' vectors (ConSE, Norouzi et al. 2014)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from encoders.base import Encoder, Rows, is_missing_row, unit_rows
from encoders.capabilities import ClassifierEncoder
from encoders.files import get_cache_dir, read_cached, write_cached
from spaces.base import Features, Views

# Chosen on the 700 train photos of flickr1k (text to photo R@10 of 700: 24 as published, 33 so).
TOP_LABELS = 100  # labels in the mix
LABEL_TEMPERATURE = 2.5  # of the label softmax: the network is surer than it is right
LABEL_PROMPT = "a photo of a {}"


def compute_label_probabilities(logits: Rows, temperature: float = LABEL_TEMPERATURE) -> Rows:
    """Softmax of (n, labels) logits at a temperature; NaN rows stay NaN."""
    scaled = logits / temperature
    exp = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exp / exp.sum(axis=1, keepdims=True), np.float32)


def convex_combination(probabilities: Rows, vectors: Rows, top_k: int = TOP_LABELS) -> Rows:
    """Mix (n, d) of label vectors (labels, d), weighted by each row's `top_k` largest probabilities."""
    if top_k < probabilities.shape[1]:
        least = np.partition(probabilities, -top_k, axis=1)[:, -top_k, None]
        probabilities = np.where(probabilities >= least, probabilities, 0)
    return np.asarray((probabilities @ vectors) / probabilities.sum(axis=1, keepdims=True), np.float32)


def centre_rows(vectors: Rows) -> Rows:
    """Unit rows less their common direction, unit again.

    What all label prompts share ("a photo of a") says nothing about any one of them, and without it words
    find half as many photos more.
    """
    unit = unit_rows(vectors)
    return unit_rows(unit - unit.mean(axis=0))


@dataclass(frozen=True)
class ZeroShotSpace:
    """Views: "words" (ConSE; texts meet pictures here) and "looks" (the network's own features)."""

    name: str
    classifier: ClassifierEncoder
    text_encoder: Encoder
    version: str = f"conse-1-{TOP_LABELS}-{LABEL_TEMPERATURE}"

    def project(self, features: Features) -> Views:
        """Unit rows from the roles "objects" and "text"."""
        views: Views = {}
        if (rows := features.get("objects")) is not None:
            views = {"words": self._project_images(rows), "looks": unit_rows(rows)}
        elif (said := features.get("text")) is not None:
            views = {"words": unit_rows(said)}
        return views

    def _project_images(self, rows: Rows) -> Rows:
        words = np.full((len(rows), self._label_vectors.shape[1]), np.nan, np.float32)
        here = ~is_missing_row(rows)
        if here.any():
            words[here] = convex_combination(
                compute_label_probabilities(self.classifier.logits(rows[here])), self._label_vectors
            )
        return unit_rows(words)

    def predict_labels(self, row: Rows, k: int = 5) -> list[tuple[str, float]]:
        """The likeliest labels of one raw row (d,), with the network's own probabilities."""
        shares = compute_label_probabilities(self.classifier.logits(row[None]), temperature=1)[0]
        best = np.argsort(-shares, kind="stable")[:k]
        return [(self.classifier.classes[i], round(float(shares[i]), 4)) for i in best]

    @cached_property
    def _label_vectors(self) -> Rows:
        prompts = [LABEL_PROMPT.format(label) for label in self.classifier.classes]
        return centre_rows(_encode_cached(self.text_encoder, prompts))


def _encode_cached(encoder: Encoder, sentences: Sequence[str]) -> Rows:
    """The sentences' raw rows, read from the cache where they were encoded before."""
    content = "\n".join([encoder.card.signature, *sentences])
    note = get_cache_dir() / f"sentences-{hashlib.sha256(content.encode()).hexdigest()[:16]}.rows"
    if (kept := read_cached(note)) is not None:
        return np.frombuffer(bytearray(kept), np.float32).reshape(len(sentences), encoder.card.dim)
    rows: npt.NDArray[np.float32] = encoder.encode(sentences)
    write_cached(note, rows.tobytes())
    return rows
