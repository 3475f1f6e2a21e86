"""Zero-shot label space: a picture is the convex mix of its labels' vectors (ConSE, Norouzi et al. 2014)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from encoders.base import Card, Encoder, Rows, missing, unit_rows
from encoders.onnx_runtime import cache_dir, read_cached, write_cached
from spaces.base import Features, Views

# Chosen on the 700 train photos of flickr1k (text to photo R@10 of 700: 24 as published, 33 so).
TOP = 100  # labels in the mix
TEMPERATURE = 2.5  # of the label softmax: the network is surer than it is right
PROMPT = "a photo of a {}"


class Classifier(Protocol):
    """An encoder whose rows can be read as label logits."""

    @property
    def card(self) -> Card:
        """What this encoder is."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Label names, in the order of the logits."""
        ...

    def logits(self, rows: Rows) -> Rows:
        """Label logits (n, labels) of raw rows (n, d)."""
        ...


def label_probabilities(logits: Rows, temperature: float = TEMPERATURE) -> Rows:
    """Softmax of (n, labels) logits at a temperature; NaN rows stay NaN."""
    scaled = logits / temperature
    exp = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exp / exp.sum(axis=1, keepdims=True), np.float32)


def convex_mix(probabilities: Rows, vectors: Rows, top: int = TOP) -> Rows:
    """Mix (n, d) of label vectors (labels, d), weighted by each row's `top` largest probabilities."""
    if top < probabilities.shape[1]:
        least = np.partition(probabilities, -top, axis=1)[:, -top, None]
        probabilities = np.where(probabilities >= least, probabilities, 0)
    return np.asarray((probabilities @ vectors) / probabilities.sum(axis=1, keepdims=True), np.float32)


def centred(vectors: Rows) -> Rows:
    """Unit rows less their common direction, unit again.

    What all label prompts share ("a photo of a") says nothing about any one of them, and without it words
    find half as many photos more.
    """
    unit = unit_rows(vectors)
    return unit_rows(unit - unit.mean(axis=0))


@dataclass(frozen=True)
class LabelSpace:
    """Views: "words" (ConSE; texts meet pictures here) and "looks" (the network's own features)."""

    name: str
    objects: Classifier
    text: Encoder
    version: str = f"conse-1-{TOP}-{TEMPERATURE}"

    def project(self, features: Features) -> Views:
        """Unit rows from the roles "objects" and "text"."""
        views: Views = {}
        if (rows := features.get("objects")) is not None:
            views = {"words": self._conse(rows), "looks": unit_rows(rows)}
        elif (said := features.get("text")) is not None:
            views = {"words": unit_rows(said)}
        return views

    def _conse(self, rows: Rows) -> Rows:
        words = np.full((len(rows), self._vectors.shape[1]), np.nan, np.float32)
        here = ~missing(rows)
        if here.any():
            words[here] = convex_mix(label_probabilities(self.objects.logits(rows[here])), self._vectors)
        return unit_rows(words)

    def labels(self, row: Rows, most: int = 5) -> list[tuple[str, float]]:
        """The likeliest labels of one raw row (d,), with the network's own probabilities."""
        shares = label_probabilities(self.objects.logits(row[None]), temperature=1)[0]
        best = np.argsort(-shares, kind="stable")[:most]
        return [(self.objects.classes[i], round(float(shares[i]), 4)) for i in best]

    @cached_property
    def _vectors(self) -> Rows:
        prompts = [PROMPT.format(label) for label in self.objects.classes]
        return centred(_remembered(self.text, prompts))


def _remembered(text: Encoder, sentences: Sequence[str]) -> Rows:
    """The sentences' raw rows, read from the cache where they were encoded before."""
    content = "\n".join([text.card.signature, *sentences])
    note = cache_dir() / f"sentences-{hashlib.sha256(content.encode()).hexdigest()[:16]}.rows"
    if (kept := read_cached(note)) is not None:
        return np.frombuffer(bytearray(kept), np.float32).reshape(len(sentences), text.card.dim)
    rows: npt.NDArray[np.float32] = text.encode(sentences)
    write_cached(note, rows.tobytes())
    return rows
