"""What the encoders of a library allow: found by asking its spaces and its affect model, not by a list."""

from __future__ import annotations

from collections.abc import Iterator

from encoders import ClassifierEncoder, DualEncoder, EventClassifier, Rows
from retrieval.features.missing_rows import make_missing_rows
from retrieval.features.pipeline import FeaturePipeline
from retrieval.features.roles import EVENTS_ROLE, POSE_ROLE
from retrieval.features.spaces import OBJECT_SPACE, split_view_name
from spaces.joint import JointSpace

SPACE_CONTENTS = {OBJECT_SPACE: "pictures", "activity": "activities", "audio": "sounds"}
AFFECT_SOURCES = {
    "image": "pictures", "sound": "sounds", "face": "faces", "text": "words, thus moods other than landmarks",
}  # fmt: skip


def list_lost_abilities(pipeline: FeaturePipeline, reference: FeaturePipeline) -> list[str]:
    """What the encoders of a reference allow and those of a pipeline don't, in words for the user."""
    present = set(_list_abilities(pipeline))
    return [ability for ability in _list_abilities(reference) if ability not in present]


def _list_abilities(pipeline: FeaturePipeline) -> Iterator[str]:
    media = {role: _make_missing_row(pipeline, role) for role in pipeline.media_roles}
    media_views, text_views = set(pipeline.project(media)), set(pipeline.project(_make_text_rows(pipeline)))
    for space in pipeline.spaces:
        content = SPACE_CONTENTS.get(space.name, space.name)
        if any(split_view_name(view)[0] == space.name for view in media_views & text_views):
            yield f"search of {content} by words"
        if any(split_view_name(view)[0] == space.name for view in media_views):
            yield f"search of {content} by example"
        if isinstance(space, JointSpace):
            yield f"trained heads for {content}"
    if pipeline.has_role("objects") and isinstance(pipeline.get_encoder("objects"), ClassifierEncoder):
        yield "labels of pictures"
    if pipeline.has_role(EVENTS_ROLE) and isinstance(pipeline.get_encoder(EVENTS_ROLE), EventClassifier):
        yield "sound events"
    if pipeline.has_role(POSE_ROLE):
        yield "body pose"
    texts = {role: _make_missing_row(pipeline, role) for role in ("sentiment",) if pipeline.has_role(role)}
    for modality in pipeline.estimate_affect_by_modality({**media, **texts}):
        yield f"affect of {AFFECT_SOURCES[modality]}"


def _make_text_rows(pipeline: FeaturePipeline) -> dict[str, Rows]:
    """A missing row of each role that `FeaturePipeline.encode_text` fills."""
    rows = {"text": _make_missing_row(pipeline, "text")} if pipeline.has_role("text") else {}
    for role in pipeline.media_roles:
        if isinstance(pipeline.get_encoder(role), DualEncoder):
            rows[f"{role}.text"] = _make_missing_row(pipeline, role)
    return rows


def _make_missing_row(pipeline: FeaturePipeline, role: str) -> Rows:
    return make_missing_rows(1, pipeline.get_encoder(role).card.dim)
