"""The explanation of a result: labels, sound events, faces and affect of its best segment, and its scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from encoders import FACE_COLUMNS, EventClassifier, Rows, is_missing_row
from retrieval.features import EVENTS_ROLE, OBJECT_SPACE, SPACE_SPECS, affect_to_json
from retrieval.search.engine import Engine
from retrieval.search.hits import Hit
from retrieval.search.mood_course import explain_course, make_course_target
from retrieval.search.query import Query
from retrieval.search.sound_moment import encode_sound_text
from spaces import Features, ZeroShotSpace, list_events
from spaces.joint import JointSpace


def explain_hits(engine: Engine, hits: Sequence[Hit], query: Query | None = None) -> list[dict[str, Any]]:
    """The explanation of each hit, by `explain_hit`; the query's text is encoded once."""
    text = query and (query.text if query.reading is None else query.reading.positive)
    sentences = encode_sound_text(engine.library, text) if text and hits else None
    explanations = [_explain(engine, hit, sentences) for hit in hits]
    course = make_course_target(query, engine.snapshot) if query else None
    if course:
        for hit, explanation in zip(hits, explanations, strict=True):
            explanation["course"] = explain_course(engine.snapshot, hit.id, course)
    return explanations


def explain_hit(engine: Engine, hit: Hit, query: Query | None = None) -> dict[str, Any]:
    """Labels with probabilities, sound events with scores, the moment at which those that the query's text
    asks for are strongest (None where it can't be told) and the strongest event then, scores by view, columns
    of the faces (None without a face), affect by modality (None where it abstains), and the sound events that
    of a sound comes from where it is neither speech nor music; "parts" of the score, see `explain_score`, and
    "course", see `explain_course`.
    """
    return explain_hits(engine, [hit], query)[0]


def _explain(engine: Engine, hit: Hit, sentences: Rows | None) -> dict[str, Any]:
    """`explain_hit`; sentences: (1, d) of the query's text, None without one that names a kind of sound."""
    moment = None if sentences is None else engine.sound_moments.find(hit, sentences)
    features = _load_features(engine, hit)
    explanation = {
        "labels": _list_labels(engine, hit),
        "events": _list_events(engine, hit),
        "moment": moment and moment.seconds,
        "moment_event": moment and moment.event,
        "views": dict(hit.view_scores),
        "faces": _get_face_expression(engine, hit),
        "affect": _estimate_affect_by_modality(engine, features),
        "affect_events": _list_affect_events(engine, features),
    }
    return {"parts": explain_score(hit), **explanation}


def explain_score(hit: Hit) -> dict[str, dict[str, float]]:
    """The parts of a score: it is the sum of "sum", times 1 less each value of "not", to print rounding.

    sum:      what each space gives, "mood", "same file" for the file asked with, or "anything" where only
              something is denied; "content" where learned weights fuse the spaces
    not:      how well it matches what is not wanted, where that is known; only with negatives
    log_odds: 1 / (1 + exp(-x)) of their sum is the chance of the content; only with learned weights
    weights:  of the spaces in which the query does not abstain. By the weighted mean a space gives
              weight * score / (sum of weights with a score), less a discount where a space abstains
    """
    gain = {} if hit.affect_gain is None else {"mood": hit.affect_gain}
    known = {text: score for text, score in hit.negative_scores.items() if score is not None}
    parts = {
        "sum": {**hit.terms, **gain},
        "not": known,
        "log_odds": dict(hit.log_odds),
        "weights": dict(hit.space_weights),
    }
    return {name: part for name, part in parts.items() if part}


def _list_labels(engine: Engine, hit: Hit) -> list[tuple[str, float]]:
    space = next(space for space in engine.library.pipeline.spaces if space.name == OBJECT_SPACE)
    while isinstance(space, JointSpace):
        space = space.base_space
    row = _load_feature_row(engine, SPACE_SPECS[OBJECT_SPACE].role, hit)
    return space.predict_labels(row) if row is not None and isinstance(space, ZeroShotSpace) else []


def _list_events(engine: Engine, hit: Hit) -> list[tuple[str, float]]:
    """Classes of sound with the highest scores; empty without sound, or an encoder of its events."""
    row = _load_feature_row(engine, EVENTS_ROLE, hit)
    if row is None:
        return []
    classifier = engine.library.pipeline.get_encoder(EVENTS_ROLE)
    return list_events(classifier.classes, row) if isinstance(classifier, EventClassifier) else []


def _get_face_expression(engine: Engine, hit: Hit) -> dict[str, float] | None:
    row = _load_feature_row(engine, "faces", hit)
    if row is None:
        return None
    return {name: round(float(value), 4) for name, value in zip(FACE_COLUMNS, row, strict=True)}


def _load_features(engine: Engine, hit: Hit) -> Features:
    """Raw rows (1, d) of the hit's segment by the roles that have one."""
    rows = {role: _load_feature_row(engine, role, hit) for role in engine.library.pipeline.media_roles}
    return {role: row[None] for role, row in rows.items() if row is not None}


def _estimate_affect_by_modality(engine: Engine, features: Features) -> dict[str, dict[str, float] | None]:
    by_modality = engine.library.pipeline.estimate_affect_by_modality(features)
    return {modality: affect_to_json(rows[0]) for modality, rows in by_modality.items()}


def _list_affect_events(engine: Engine, features: Features) -> list[dict[str, Any]]:
    model = engine.library.pipeline.affect_model
    shares = model.weigh_sound_events(features)
    return [] if shares is None or model.event_affect is None else model.event_affect.list_largest(shares[0])


def _load_feature_row(engine: Engine, role: str, hit: Hit) -> Rows | None:
    """The raw row (d,) of the hit's segment in a role, None where it is missing."""
    rows = engine.snapshot.load_features(role, np.array([hit.segment]))
    return None if rows is None or is_missing_row(rows)[0] else rows[0]
