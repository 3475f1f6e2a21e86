"""The spaces of a library: the one table of what feeds each, and how it is made before any training.

A library has every space of the table; one whose encoders are left out has no views and abstains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from encoders import ClassifierEncoder, DualEncoder, Encoder, EventClassifier, SharedBackboneEncoder
from retrieval.features.roles import EVENTS_ROLE, ROLES
from spaces import CombinedSpace, IdentitySpace, LabelAttentionSpace, Space, ZeroShotSpace
from spaces.joint import WORDS_VIEW


class EncoderSource(Protocol):
    """Gives encoders by role, as `FeaturePipeline` does."""

    def has_role(self, role: str) -> bool:
        """Whether an encoder fills the role."""
        ...

    def get_encoder(self, role: str) -> Encoder:
        """The role's encoder."""
        ...


@dataclass(frozen=True, kw_only=True)
class SpaceSpec:
    """A space.

    role: the media role that feeds it, and its trained heads
    other_roles: further media roles that feed it untrained
    make_untrained: the space without trained heads, of encoders of which one fills a role
    """

    name: str
    role: str
    other_roles: tuple[str, ...] = ()
    make_untrained: Callable[[EncoderSource], Space]

    @property
    def query_modality(self) -> str:
        """What a media query's rows in this space come from: "frames" or "sound"."""
        return ROLES[self.role].modality

    def make(self, encoders: EncoderSource) -> Space:
        """The untrained space; one without views where no encoder fills a role of it."""
        is_fed = any(map(encoders.has_role, (self.role, *self.other_roles)))
        return self.make_untrained(encoders) if is_fed else IdentitySpace(self.name, {})


def _make_object_space(encoders: EncoderSource) -> Space:
    """Through the classifier's labels where there is one and an encoder of text, else by looks alone."""
    encoder = encoders.get_encoder("objects")
    if isinstance(encoder, ClassifierEncoder) and encoders.has_role("text"):
        return ZeroShotSpace("object", encoder, encoders.get_encoder("text"))
    return IdentitySpace("object", _make_views("objects", encoder, "looks"))


def _make_activity_space(encoders: EncoderSource) -> Space:
    """Without a view of its own where the encoder shares the object network: the object space has that."""
    encoder = encoders.get_encoder("activity")
    if isinstance(encoder, SharedBackboneEncoder):
        return IdentitySpace("activity", {})
    return IdentitySpace("activity", _make_views("activity", encoder, "motion"))


def _make_audio_space(encoders: EncoderSource) -> Space:
    """By the sound's statistics, and by its events through their names where there is an encoder of text."""
    parts: list[Space] = []
    if encoders.has_role("sound"):
        parts.append(IdentitySpace("audio", _make_views("sound", encoders.get_encoder("sound"), "sounds")))
    if encoders.has_role(EVENTS_ROLE) and encoders.has_role("text"):
        classifier = encoders.get_encoder(EVENTS_ROLE)
        if isinstance(classifier, EventClassifier):
            parts.append(LabelAttentionSpace("audio", EVENTS_ROLE, classifier, encoders.get_encoder("text")))
    return parts[0] if len(parts) == 1 else CombinedSpace("audio", tuple(parts))


def _make_views(role: str, encoder: Encoder, media_view: str) -> dict[str, str]:
    """View by role: text and media share one where the encoder reads both."""
    if isinstance(encoder, DualEncoder):
        return {role: WORDS_VIEW, f"{role}.text": WORDS_VIEW}
    return {role: media_view}


OBJECT_SPACE = "object"
SPACE_SPECS: Mapping[str, SpaceSpec] = {
    spec.name: spec
    for spec in (
        SpaceSpec(name=OBJECT_SPACE, role="objects", make_untrained=_make_object_space),
        SpaceSpec(name="activity", role="activity", make_untrained=_make_activity_space),
        SpaceSpec(name="audio", role="sound", other_roles=(EVENTS_ROLE,), make_untrained=_make_audio_space),
    )
}


SPACES = tuple(SPACE_SPECS)


def make_view_name(space: str, view: str) -> str:
    """The name "space.view" of a view, under which a library stores its rows."""
    return f"{space}.{view}"


def split_view_name(name: str) -> tuple[str, str]:
    """(space, view) of "space.view"."""
    space, _, view = name.partition(".")
    return space, view


def get_query_modality(view_name: str) -> str:
    """What a media query's rows in the view "space.view" come from: "frames" or "sound"."""
    return SPACE_SPECS[split_view_name(view_name)[0]].query_modality
