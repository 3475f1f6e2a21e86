"""Which experts a library is made with, and the spaces that follow from them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from encoders.base import (
    AffectError,
    Encoder,
    Frames,
    MissingBackend,
    Rows,
    Sound,
    batched,
    checked,
    encode_all,
)
from encoders.registry import ENCODERS
from retrieval.features.affect import Felt, felt
from spaces.affect_regression import Affect, Alignment, affect_of
from spaces.base import Direct, Features, Space
from spaces.joint.io import packaged_heads
from spaces.joint.space import VIEW, Heads, JointSpace
from spaces.zero_shot import LabelSpace

SENSES = {  # what a role reads, where that is not frames
    "sound": "sound", "tone": "sound", "text": "text", "sentiment": "text",
}  # fmt: skip
MEDIA_ROLES = ("objects", "activity", "sound", "tone", "faces")
AFFECT_ROLES = ("tone", "faces")  # read for affect alone
LABELS = "labels"  # a role made of rows of objects
PLANE = "affect.plane"  # the store of rows of affect (n, 4)
log = logging.getLogger(__name__)

SPACE = " space"  # ends the names of spaces in a signature
ITEMS = 32  # encoded at a time, as in `encode_all`
DEFAULT_RATE = 16000  # Hz, where no expert asks for another


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Encoder names by role; an empty name leaves the role out and its space abstains."""

    objects: str = "efficientnet-lite2"
    activity: str = "lite2-flow"
    sound: str = "logmel"
    tone: str = "tone"
    faces: str = "mtcnn-expression"
    text: str = "minilm"
    sentiment: str = "minilm-affect"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From "objects=resnet152,faces=": roles not named keep the default. Raises AffectError."""
        known = {field.name for field in fields(cls)}
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if bare := [part for part in parts if "=" not in part]:
            raise AffectError(f"encoders {', '.join(bare)}: write it as role=name, or role= to leave it out")
        pairs = dict(part.partition("=")[::2] for part in parts)
        if unknown := set(pairs) - known:
            raise AffectError(f"no role {', '.join(sorted(unknown))}; roles: {', '.join(sorted(known))}")
        for name in filter(None, pairs.values()):
            ENCODERS[name]  # an unknown name speaks up here, not in the middle of the work
        return replace(cls.default() if "faces" not in pairs else cls(), **pairs)

    @classmethod
    def default(cls) -> Self:
        """The packaged encoders; without faces, and a warning, where fer's weights are not installed."""
        recipe = cls()
        try:
            ENCODERS.make(recipe.faces)
        except MissingBackend as missing:
            log.warning("faces are left out: %s", missing)
            return replace(recipe, faces="")
        return recipe

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`; roles that came after a library was made are left out of it."""
        return cls(**{**dict.fromkeys(MEDIA_ROLES, ""), **json.loads(text)})

    def to_json(self) -> str:
        """As kept in a library."""
        return json.dumps(asdict(self), sort_keys=True)


class Experts:
    """The encoders of a recipe, each built when first asked for, and the spaces they feed.

    own: trained heads by space, on top of those that come with the package; heads for other encoders than
         the recipe's are left out
    packaged: False for the spaces as they are untrained
    alignment: of the affect of sound with that of pictures
    """

    def __init__(
        self, recipe: Recipe, own: Mapping[str, Heads] | None = None, *, packaged: bool = True,
        alignment: Alignment | None = None,
    ) -> None:  # fmt: skip
        self.recipe = recipe
        self._own, self._packaged, self._alignment = own or {}, packaged, alignment

    def role(self, role: str) -> Encoder:
        """The encoder of a role. Raises MissingBackend, UnknownName, AffectError if it reads other things."""
        encoder = ENCODERS.make(getattr(self.recipe, role))
        if encoder.card.sense != (sense := SENSES.get(role, "frames")):
            raise AffectError(
                f"{encoder.card.name} reads {encoder.card.sense}; the role {role} reads {sense}"
            )
        return encoder

    @cached_property
    def media_roles(self) -> tuple[str, ...]:
        """Roles that read media, in a fixed order."""
        return tuple(role for role in MEDIA_ROLES if getattr(self.recipe, role))

    @cached_property
    def sound_rate(self) -> int:
        """Hz at which sound is decoded: what the sound expert wants, or the one of its tone."""
        roles = (role for role in ("sound", "tone") if getattr(self.recipe, role))
        return next(filter(None, (self.role(role).card.rate for role in roles)), DEFAULT_RATE)

    def signature(self) -> str:
        """What must be equal for two libraries' rows to be comparable: encoders by role, spaces by name."""
        roles = [*self.media_roles, *(["text"] if self.recipe.text else [])]
        cards = {role: self.role(role).card.signature for role in roles}
        spaces = {f"{space.name}{SPACE}": space.version for space in self.spaces}
        return json.dumps({**cards, **spaces, f"affect{SPACE}": self.affect.version}, sort_keys=True)

    @cached_property
    def affect(self) -> Affect:
        """What their rows say of valence and arousal."""
        return affect_of(self._reads, self._alignment)

    def unaligned(self) -> Experts:
        """The same without an alignment of sound."""
        return Experts(self.recipe, self._own, packaged=self._packaged)

    def feel(self, features: Features) -> Felt:
        """Affect of n items from raw rows by role, sense by sense and all in all."""
        return felt(self.senses(features), max(map(len, features.values()), default=0))

    def senses(self, features: Features) -> dict[str, Rows]:
        """Affect (n, 4) of n items by sense, from raw rows by role."""
        return self.affect(self.with_labels(features))

    def with_labels(self, features: Features) -> Features:
        """The same, and the role "labels" where "objects" is: unit sentence vectors (n, d) of what is seen.

        They are the zero-shot mix of label vectors (see `spaces.zero_shot`), which an affect head reads beside
        the network's features.
        """
        space = self._untrained_objects
        if "objects" not in features or not isinstance(space, LabelSpace):
            return features
        return {**features, LABELS: space.project({"objects": features["objects"]})[VIEW]}

    @cached_property
    def spaces(self) -> tuple[Space, ...]:
        """Object, activity and audio space, always all three: one without an expert abstains."""
        return tuple(
            map(self._trained, (self._untrained_objects, self._activity_space(), self._audio_space()))
        )

    def _trained(self, space: Space) -> Space:
        for layer in (packaged_heads() if self._packaged else {}, self._own):
            heads = layer.get(space.name)
            if heads and all(self._reads(role) == made for role, made in heads.encoders.items()):
                space = JointSpace(name=space.name, heads=heads, base=space)
        return space

    def _reads(self, role: str) -> str:
        """The signature of a role's encoder, empty where the recipe leaves the role out."""
        return self.role(role).card.signature if getattr(self.recipe, role) else ""

    def calibration(self, view: str, source: str) -> Mapping[str, float] | None:
        """How to read the cosines of a trained "space.view" asked from a source, where its heads tell."""
        name, _, view = view.partition(".")
        space = next((space for space in self.spaces if space.name == name), None)
        return (
            space.heads.calibrations.get(source) if view == VIEW and isinstance(space, JointSpace) else None
        )

    @cached_property
    def _untrained_objects(self) -> Space:
        if not self.recipe.objects:
            return Direct("object", {})
        objects: Any = self.role("objects")
        if hasattr(objects, "logits") and self.recipe.text:
            return LabelSpace("object", objects, self.role("text"))
        return Direct("object", {"objects": "looks"} if not _two_towers(objects) else _towers("objects"))

    def _activity_space(self) -> Space:
        """Without a view of its own where the expert sees with the object network: "looks" has that."""
        if not self.recipe.activity or hasattr(self.role("activity"), "backbone"):
            return Direct("activity", {})
        return Direct("activity", {"activity": "motion"})

    def _audio_space(self) -> Space:
        if not self.recipe.sound:
            return Direct("audio", {})
        return Direct("audio", _towers("sound") if _two_towers(self.role("sound")) else {"sound": "sounds"})

    def read(self, texts: Sequence[str]) -> dict[str, Rows]:
        """Features of words: by the text expert, and by the text tower of every expert that has one."""
        features = {"text": self.role("text").encode(texts)} if self.recipe.text else {}
        for role in self.media_roles:
            if _two_towers(tower := self.role(role)):
                features[f"{role}.text"] = tower.encode_text(texts)  # type: ignore[attr-defined]
        return features

    def watch(
        self, frames: Sequence[Any | None], sounds: Sequence[Sound | None], *, affect: bool = True
    ) -> dict[str, Rows]:
        """Raw rows by role of n segments, NaN rows where a segment lacks what the role reads.

        affect: False leaves out the roles that are read for affect alone
        """
        inputs: Mapping[str, Sequence[Any | None]] = {"frames": frames, "sound": sounds}
        roles = [role for role in self.media_roles if affect or role not in AFFECT_ROLES]
        shared = self._watch_shared(frames)
        alone = (role for role in roles if role not in shared)
        rows = {role: where_present(self.role(role), inputs) for role in alone} | shared
        return {role: rows[role] for role in roles}

    def _watch_shared(self, frames: Sequence[Frames | None]) -> dict[str, Rows]:
        """Rows of objects and activity, if activity reads what the objects' network sees: it runs once.

        Such an activity expert names the network as its `backbone`; otherwise there are no rows here.
        """
        if not (self.recipe.objects and self.recipe.activity):
            return {}
        objects: Any = self.role("objects")
        activity: Any = self.role("activity")
        backbone: Encoder | None = getattr(activity, "backbone", None)
        if backbone is None or backbone.card != objects.card:
            return {}
        encoders = {"objects": objects, "activity": activity}
        rows = {role: absent(len(frames), encoder.card.dim) for role, encoder in encoders.items()}
        for here in batched([i for i, item in enumerate(frames) if item is not None], ITEMS):
            items = [frames[i] for i in here]
            looks = objects.look(items)
            rows["objects"][here] = checked(objects.pool(looks), len(here), objects.card)
            rows["activity"][here] = checked(activity.encode_seen(items, looks), len(here), activity.card)
        return rows

    def project(self, features: Features) -> dict[str, Rows]:
        """Unit rows by "space.view"."""
        return {
            f"{space.name}.{view}": rows
            for space in self.spaces
            for view, rows in space.project(features).items()
        }

    def feel_words(self, texts: Sequence[str]) -> Rows:
        """Affect (n, 4) of texts; NaN for empty ones, and where the recipe has nobody to tell."""
        if not self.recipe.sentiment or not texts:
            return absent(len(texts), 4)
        order = np.argsort([len(text) for text in texts], kind="stable")  # a batch is as long as its longest
        rows = encode_all(self.role("sentiment"), [texts[at] for at in order])
        return self.feel({"sentiment": rows[np.argsort(order, kind="stable")]}).rows

    def placed(self, features: Features) -> dict[str, Rows]:
        """All that a library keeps beside the raw rows: unit rows by "space.view", and rows of affect."""
        return {**self.project(features), PLANE: self.feel(features).rows}


def is_space(part: str) -> bool:
    """Whether a part of a signature is a space, which can be projected afresh, and not an encoder."""
    return part.endswith(SPACE)


def _two_towers(encoder: Encoder) -> bool:
    return hasattr(encoder, "encode_text")


def _towers(role: str) -> dict[str, str]:
    return {role: "words", f"{role}.text": "words"}


def where_present(encoder: Encoder, inputs: Mapping[str, Sequence[Any | None]]) -> Rows:
    """(n, d) raw rows of what the encoder reads of n items, by its sense; NaN where there is none of it."""
    items = inputs[encoder.card.sense]
    rows = absent(len(items), encoder.card.dim)
    here = [i for i, item in enumerate(items) if item is not None]
    if here:
        rows[here] = encode_all(encoder, [items[i] for i in here])
    return rows


def absent(count: int, dim: int) -> Rows:
    """(count, dim) rows of nothing."""
    return np.full((count, dim), np.nan, np.float32)
