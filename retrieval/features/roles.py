"""The roles of encoders in a library: the one table of what each reads and which encoder fills it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from encoders import Modality


@dataclass(frozen=True, kw_only=True)
class Role:
    """A place for an encoder.

    modality:        what the encoder reads
    default_encoder: its name in `encoders.registry.ENCODERS`; empty where the role is filled on request only
    is_affect_only:  its rows are read for affect alone, by no space
    is_optional:     left out of new libraries, with a warning, where the default encoder's weights are absent
    companion_roles: roles beside whose default encoders alone the heads read it: by default it is left out
                     where one of them has another encoder, or none. It can have rows of items that have some
                     of the first
    """

    name: str
    modality: Modality
    default_encoder: str
    is_affect_only: bool = False
    is_optional: bool = False
    companion_roles: tuple[str, ...] = ()


EVENTS_ROLE = "events"
POSE_ROLE = "pose"
ROLES: Mapping[str, Role] = {
    role.name: role
    for role in (
        Role(name="objects", modality="frames", default_encoder="efficientnet-lite2"),
        Role(name="activity", modality="frames", default_encoder="lite2-flow"),
        Role(
            name=POSE_ROLE,
            modality="frames",
            default_encoder="blazepose",
            is_optional=True,
            companion_roles=("activity", "objects"),
        ),
        Role(name="sound", modality="sound", default_encoder="logmel"),
        Role(name=EVENTS_ROLE, modality="sound", default_encoder="yamnet"),
        Role(name="tone", modality="sound", default_encoder="tone", is_affect_only=True),
        Role(
            name="faces",
            modality="frames",
            default_encoder="mtcnn-expression",
            is_affect_only=True,
            is_optional=True,
        ),
        Role(name="text", modality="text", default_encoder="minilm"),
        Role(name="sentiment", modality="text", default_encoder="minilm-affect", is_affect_only=True),
    )
}
LABELS_ROLE = "labels"  # no encoder's: rows made of those of "objects", see `FeaturePipeline.with_labels`


def list_media_roles() -> tuple[str, ...]:
    """Names of the roles whose rows a library stores, in order."""
    return tuple(role.name for role in ROLES.values() if role.modality != "text")


def list_sibling_roles(name: str) -> tuple[str, ...]:
    """Names of the other roles of which an item has rows if it can have rows of this one."""
    if companions := ROLES[name].companion_roles:
        return companions[:1]
    return tuple(
        role.name for role in ROLES.values() if role.modality == ROLES[name].modality and role.name != name
    )
