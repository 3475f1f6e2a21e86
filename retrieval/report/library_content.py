"""What a library's segments show and sound like most often, from its stored rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from encoders import AffectError, ClassifierEncoder, Encoder, EventClassifier, Rows
from retrieval.features import EVENTS_ROLE, OBJECT_SPACE, SPACE_SPECS
from retrieval.storage import Library
from spaces import compute_label_probabilities

MIN_CLASS_SCORE = 0.3  # of a segment's best class; below it the segment is not counted
MAX_CLASSES = 10
CHUNK_ROWS = 4096  # rows read at a time


def count_sound_events(library: Library) -> dict[str, int]:
    """Segments by their best class of sound, the most frequent first.

    Empty without rows of sound events, or where their encoder is not installed.
    """

    def score(encoder: Encoder, rows: Rows) -> Rows:
        return rows

    return _count_best_classes(library, EVENTS_ROLE, EventClassifier, score)


def count_labels(library: Library) -> dict[str, int]:
    """Segments by their most probable label of a picture, as `count_sound_events`."""

    def score(encoder: ClassifierEncoder, rows: Rows) -> Rows:
        return compute_label_probabilities(encoder.logits(rows), temperature=1)

    return _count_best_classes(library, SPACE_SPECS[OBJECT_SPACE].role, ClassifierEncoder, score)


def _count_best_classes(
    library: Library, role: str, kind: type, compute_scores: Callable[..., Rows]
) -> dict[str, int]:
    try:
        encoder = _load_encoder(library, role)
        if not isinstance(encoder, kind):
            return {}
        counts: Counter[str] = Counter()
        for rows in _iterate_rows(library, role):
            scores = compute_scores(encoder, rows)
            best = scores.argmax(axis=1)[scores.max(axis=1) >= MIN_CLASS_SCORE]
            counts.update(encoder.classes[i] for i in best)
    except AffectError:  # not installed, or row files that `affect verify` complains of
        return {}
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return dict(ordered[:MAX_CLASSES])


def _load_encoder(library: Library, role: str) -> Encoder | None:
    """The encoder that gave a role's rows; None where the installed one is another."""
    if not library.pipeline.has_role(role):
        return None
    encoder = library.pipeline.get_encoder(role)
    signature = json.loads(library.catalog.get_meta("signature") or "{}").get(role)
    return encoder if encoder.card.signature == signature else None


def _iterate_rows(library: Library, name: str) -> Iterator[Rows]:
    """Rows (n, d) of the segments that have any, n at most CHUNK_ROWS."""
    with library.catalog.read_transaction():
        vector_file = library.catalog.list_vector_files().get(name)
        if vector_file is None:
            return
        rows = library.vectors.open(vector_file)
        indices = np.array([row for row, _ in library.catalog.list_rows(name)], np.int64)
    for start in range(0, len(indices), CHUNK_ROWS):
        yield np.asarray(rows[indices[start : start + CHUNK_ROWS]], np.float32)
