"""What a library's segments show and sound like most often, from its stored rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from encoders import (
    MIN_CLASS_SCORE,
    AffectError,
    ClassifierEncoder,
    Encoder,
    EventClassifier,
    Rows,
    is_missing_row,
)
from retrieval.features import EVENTS_ROLE, OBJECT_SPACE, SPACE_SPECS
from retrieval.storage import AnyLibrary, AnySnapshot
from spaces import compute_label_probabilities, list_events
from spaces.affect_regression import load_event_affect, load_packaged_regressors

Positions = npt.NDArray[np.int64]

OTHER_SOUNDS_BY_EVENTS = "affect by the names of the sound events heard in them"
OTHER_SOUNDS_BY_CUES = "arousal by cues that speech and music share, valence unknown"
MAX_CLASSES = 10
CHUNK_ROWS = 4096  # rows read at a time


def count_sound_events(library: AnyLibrary) -> dict[str, int]:
    """Segments by their best class of sound, the most frequent first.

    Empty without rows of sound events, or where their encoder is not installed.
    """
    encoder = _load_encoder(library, EVENTS_ROLE)
    if not isinstance(encoder, EventClassifier):
        return {}
    return _count_best_classes(library, EVENTS_ROLE, encoder.classes, lambda rows: rows)


def count_labels(library: AnyLibrary) -> dict[str, int]:
    """Segments by their most probable label of a picture, as `count_sound_events`."""
    role = SPACE_SPECS[OBJECT_SPACE].role
    encoder = _load_encoder(library, role)
    if not isinstance(encoder, ClassifierEncoder):
        return {}
    return _count_best_classes(
        library, role, encoder.classes,
        lambda rows: compute_label_probabilities(encoder.logits(rows), temperature=1),
    )  # fmt: skip


def describe_other_sounds(library: AnyLibrary) -> str:
    """What the affect of sounds that are neither speech nor music comes from; empty where sound has none."""
    regressors = load_packaged_regressors().get("sound")
    if regressors is None:
        return ""
    for role, signature in regressors.encoder_signatures.items():
        encoder = _load_encoder(library, role)
        if encoder is None or encoder.card.signature != signature:
            return ""
    has_events = isinstance(_load_encoder(library, EVENTS_ROLE), EventClassifier)
    return OTHER_SOUNDS_BY_EVENTS if has_events and load_event_affect() else OTHER_SOUNDS_BY_CUES


def list_item_labels(
    library: AnyLibrary, snapshot: AnySnapshot, segments: Positions
) -> list[tuple[str, float]]:
    """The most probable labels of an item's pictures, each with its probability in its best segment.

    Empty without pictures, or where their encoder is not installed.
    """
    role = SPACE_SPECS[OBJECT_SPACE].role
    encoder = _load_encoder(library, role)
    if not isinstance(encoder, ClassifierEncoder):
        return []
    return _list_best_classes(
        snapshot, role, segments, encoder.classes,
        lambda rows: compute_label_probabilities(encoder.logits(rows), temperature=1),
    )  # fmt: skip


def list_item_events(
    library: AnyLibrary, snapshot: AnySnapshot, segments: Positions
) -> list[tuple[str, float]]:
    """The sound events with the highest scores of an item, as `list_item_labels`."""
    encoder = _load_encoder(library, EVENTS_ROLE)
    if not isinstance(encoder, EventClassifier):
        return []
    return _list_best_classes(snapshot, EVENTS_ROLE, segments, encoder.classes, lambda rows: rows)


def _list_best_classes(
    snapshot: AnySnapshot,
    role: str,
    segments: Positions,
    classes: Sequence[str],
    compute_scores: Callable[[Rows], Rows],
) -> list[tuple[str, float]]:
    rows = snapshot.load_features(role, segments)
    present = None if rows is None else rows[~is_missing_row(rows)]
    return (
        []
        if present is None or not len(present)
        else list_events(classes, compute_scores(present).max(axis=0))
    )


def _load_encoder(library: AnyLibrary, role: str) -> Encoder | None:
    """The encoder that gave a role's rows; None where it is not the installed one."""
    if not library.pipeline.has_role(role):
        return None
    try:
        encoder = library.pipeline.get_encoder(role)
    except AffectError:
        return None
    signature = json.loads(library.catalog.get_meta("signature") or "{}").get(role)
    return encoder if encoder.card.signature == signature else None


def _count_best_classes(
    library: AnyLibrary, role: str, classes: Sequence[str], compute_scores: Callable[[Rows], Rows]
) -> dict[str, int]:
    """Segments by the class with the highest score; empty where `affect verify` complains of the rows."""
    counts: Counter[str] = Counter()
    try:
        for rows in library.iterate_rows(role, CHUNK_ROWS):
            scores = compute_scores(rows)
            best = scores.argmax(axis=1)[scores.max(axis=1) >= MIN_CLASS_SCORE]
            counts.update(classes[i] for i in best)
    except AffectError:
        return {}
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return dict(ordered[:MAX_CLASSES])
