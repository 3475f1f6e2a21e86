"""Why a result is one: what the experts saw in its best segment, and the score of every view."""

from __future__ import annotations

from typing import Any

import numpy as np

from encoders import FACE_COLUMNS, Rows
from retrieval.features import affect_to_json
from retrieval.search.engine import Engine
from retrieval.search.hits import Hit
from spaces import ZeroShotSpace
from spaces.joint import JointSpace


def explain_hit(engine: Engine, hit: Hit) -> dict[str, Any]:
    """Labels with probabilities, the score a view, the faces' expressions (None without a face), and what
    each sense says of the mood (None where it abstains).
    """
    return {
        "labels": _list_labels(engine, hit),
        "views": dict(hit.view_scores),
        "faces": _get_face_expression(engine, hit),
        "affect": _estimate_affect_by_modality(engine, hit),
    }


def _list_labels(engine: Engine, hit: Hit) -> list[tuple[str, float]]:
    space = next(space for space in engine.library.pipeline.spaces if space.name == "object")
    while isinstance(space, JointSpace):
        space = space.base_space
    row = _load_feature_row(engine, "objects", hit)
    return space.predict_labels(row) if row is not None and isinstance(space, ZeroShotSpace) else []


def _get_face_expression(engine: Engine, hit: Hit) -> dict[str, float] | None:
    row = _load_feature_row(engine, "faces", hit)
    if row is None:
        return None
    return {name: round(float(value), 4) for name, value in zip(FACE_COLUMNS, row, strict=True)}


def _estimate_affect_by_modality(engine: Engine, hit: Hit) -> dict[str, dict[str, float] | None]:
    experts = engine.library.pipeline
    rows = {role: _load_feature_row(engine, role, hit) for role in experts.media_roles}
    senses = experts.estimate_affect_by_modality(
        {role: row[None] for role, row in rows.items() if row is not None}
    )
    return {sense: affect_to_json(row[0]) for sense, row in senses.items()}


def _load_feature_row(engine: Engine, role: str, hit: Hit) -> Rows | None:
    """The raw row (d,) an expert gave the hit's segment, None where it abstained."""
    library = engine.library
    with library.catalog.read_transaction():
        row = library.catalog.find_row(role, hit.segment_id)
        if row is None:
            return None
        return np.asarray(library.vectors.open(library.catalog.list_vector_files()[role])[row], np.float32)
