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
    Audio,
    Encoder,
    Frames,
    MissingBackendError,
    Rows,
    batched,
    check_rows,
    encode_all,
)
from encoders.registry import ENCODERS
from retrieval.features.affect import AffectEstimate, fuse_affect
from spaces.affect_regression import AffectAlignment, AffectModel, make_affect_model
from spaces.base import Features, IdentitySpace, Space
from spaces.joint.io import load_packaged_heads
from spaces.joint.space import WORDS_VIEW, Heads, JointSpace
from spaces.zero_shot import ZeroShotSpace

ROLE_MODALITIES = {  # what a role reads, where that is not frames
    "sound": "sound", "tone": "sound", "text": "text", "sentiment": "text",
}  # fmt: skip
MEDIA_ROLES = ("objects", "activity", "sound", "tone", "faces")
AFFECT_ROLES = ("tone", "faces")  # read for affect alone
LABELS_ROLE = "labels"  # a role made of rows of objects
AFFECT_VECTORS_NAME = "affect.plane"  # the store of rows of affect (n, 4)
log = logging.getLogger(__name__)

SPACE_SUFFIX = " space"  # ends the names of spaces in a signature
BATCH_SIZE = 32  # encoded at a time, as in `encode_all`
DEFAULT_SAMPLE_RATE_HZ = 16000  # Hz, where no expert asks for another


@dataclass(frozen=True, kw_only=True)
class PipelineConfig:
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
        except MissingBackendError as missing:
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


class FeaturePipeline:
    """The encoders of a recipe, each built when first asked for, and the spaces they feed.

    own: trained heads by space, on top of those that come with the package; heads for other encoders than
         the recipe's are left out
    packaged: False for the spaces as they are untrained
    alignment: of the affect of sound with that of pictures
    """

    def __init__(
        self,
        config: PipelineConfig,
        custom_heads: Mapping[str, Heads] | None = None,
        *,
        use_packaged: bool = True,
        alignment: AffectAlignment | None = None,
    ) -> None:
        self.config = config
        self._custom_heads, self._use_packaged, self._alignment = custom_heads or {}, use_packaged, alignment

    def get_encoder(self, role: str) -> Encoder:
        """A role's encoder. Raises MissingBackendError, UnknownNameError, AffectError (wrong modality)."""
        encoder = ENCODERS.make(getattr(self.config, role))
        if encoder.card.modality != (sense := ROLE_MODALITIES.get(role, "frames")):
            raise AffectError(
                f"{encoder.card.name} reads {encoder.card.modality}; the role {role} reads {sense}"
            )
        return encoder

    @cached_property
    def media_roles(self) -> tuple[str, ...]:
        """Roles that read media, in a fixed order."""
        return tuple(role for role in MEDIA_ROLES if getattr(self.config, role))

    @cached_property
    def sample_rate(self) -> int:
        """Hz at which sound is decoded: what the sound expert wants, or the one of its tone."""
        roles = (role for role in ("sound", "tone") if getattr(self.config, role))
        return next(
            filter(None, (self.get_encoder(role).card.sample_rate for role in roles)), DEFAULT_SAMPLE_RATE_HZ
        )

    def make_signature(self) -> str:
        """What must be equal for two libraries' rows to be comparable: encoders by role, spaces by name."""
        roles = [*self.media_roles, *(["text"] if self.config.text else [])]
        cards = {role: self.get_encoder(role).card.signature for role in roles}
        spaces = {f"{space.name}{SPACE_SUFFIX}": space.version for space in self.spaces}
        return json.dumps(
            {**cards, **spaces, f"affect{SPACE_SUFFIX}": self.affect_model.version}, sort_keys=True
        )

    @cached_property
    def affect_model(self) -> AffectModel:
        """What their rows say of valence and arousal."""
        return make_affect_model(self._get_encoder_signature, self._alignment)

    def without_alignment(self) -> FeaturePipeline:
        """The same without an alignment of sound."""
        return FeaturePipeline(self.config, self._custom_heads, use_packaged=self._use_packaged)

    def estimate_affect(self, features: Features) -> AffectEstimate:
        """Affect of n items from raw rows by role, sense by sense and all in all."""
        return fuse_affect(
            self.estimate_affect_by_modality(features), max(map(len, features.values()), default=0)
        )

    def estimate_affect_by_modality(self, features: Features) -> dict[str, Rows]:
        """Affect (n, 4) of n items by sense, from raw rows by role."""
        return self.affect_model(self.with_labels(features))

    def with_labels(self, features: Features) -> Features:
        """The same, and the role "labels" where "objects" is: unit sentence vectors (n, d) of what is seen.

        They are the zero-shot mix of label vectors (see `spaces.zero_shot`), which an affect head reads
        beside the network's features.
        """
        space = self._untrained_object_space
        if "objects" not in features or not isinstance(space, ZeroShotSpace):
            return features
        return {**features, LABELS_ROLE: space.project({"objects": features["objects"]})[WORDS_VIEW]}

    @cached_property
    def spaces(self) -> tuple[Space, ...]:
        """Object, activity and audio space, always all three: one without an expert abstains."""
        return tuple(
            map(
                self._add_trained_heads,
                (self._untrained_object_space, self._make_activity_space(), self._make_audio_space()),
            )
        )

    def _add_trained_heads(self, space: Space) -> Space:
        for layer in (load_packaged_heads() if self._use_packaged else {}, self._custom_heads):
            heads = layer.get(space.name)
            if heads and all(
                self._get_encoder_signature(role) == made for role, made in heads.encoder_signatures.items()
            ):
                space = JointSpace(name=space.name, heads=heads, base_space=space)
        return space

    def _get_encoder_signature(self, role: str) -> str:
        """The signature of a role's encoder, empty where the recipe leaves the role out."""
        return self.get_encoder(role).card.signature if getattr(self.config, role) else ""

    def get_calibration(self, view: str, query_modality: str) -> Mapping[str, float] | None:
        """How to read the cosines of a trained "space.view" asked from a source, where its heads tell."""
        name, _, view = view.partition(".")
        space = next((space for space in self.spaces if space.name == name), None)
        return (
            space.heads.calibrations.get(query_modality)
            if view == WORDS_VIEW and isinstance(space, JointSpace)
            else None
        )

    @cached_property
    def _untrained_object_space(self) -> Space:
        if not self.config.objects:
            return IdentitySpace("object", {})
        objects: Any = self.get_encoder("objects")
        if hasattr(objects, "logits") and self.config.text:
            return ZeroShotSpace("object", objects, self.get_encoder("text"))
        return IdentitySpace(
            "object",
            {"objects": "looks"} if not _is_dual_encoder(objects) else _make_dual_encoder_views("objects"),
        )

    def _make_activity_space(self) -> Space:
        """Without a view of its own where the expert sees with the object network: "looks" has that."""
        if not self.config.activity or hasattr(self.get_encoder("activity"), "backbone"):
            return IdentitySpace("activity", {})
        return IdentitySpace("activity", {"activity": "motion"})

    def _make_audio_space(self) -> Space:
        if not self.config.sound:
            return IdentitySpace("audio", {})
        return IdentitySpace(
            "audio",
            _make_dual_encoder_views("sound")
            if _is_dual_encoder(self.get_encoder("sound"))
            else {"sound": "sounds"},
        )

    def encode_text(self, texts: Sequence[str]) -> dict[str, Rows]:
        """Features of words: by the text expert, and by the text tower of every expert that has one."""
        features = {"text": self.get_encoder("text").encode(texts)} if self.config.text else {}
        for role in self.media_roles:
            if _is_dual_encoder(tower := self.get_encoder(role)):
                features[f"{role}.text"] = tower.encode_text(texts)  # type: ignore[attr-defined]
        return features

    def encode_media(
        self, frames: Sequence[Any | None], audio: Sequence[Audio | None], *, include_affect: bool = True
    ) -> dict[str, Rows]:
        """Raw rows by role of n segments, NaN rows where a segment lacks what the role reads.

        include_affect: False leaves out the roles that are read for affect alone
        """
        inputs: Mapping[str, Sequence[Any | None]] = {"frames": frames, "sound": audio}
        roles = [role for role in self.media_roles if include_affect or role not in AFFECT_ROLES]
        shared = self._encode_shared_backbone(frames)
        alone = (role for role in roles if role not in shared)
        rows = {role: encode_present(self.get_encoder(role), inputs) for role in alone} | shared
        return {role: rows[role] for role in roles}

    def _encode_shared_backbone(self, frames: Sequence[Frames | None]) -> dict[str, Rows]:
        """Rows of objects and activity, if activity reads what the objects' network sees: it runs once.

        Such an activity expert names the network as its `backbone`; otherwise there are no rows here.
        """
        if not (self.config.objects and self.config.activity):
            return {}
        objects: Any = self.get_encoder("objects")
        activity: Any = self.get_encoder("activity")
        backbone: Encoder | None = getattr(activity, "backbone", None)
        if backbone is None or backbone.card != objects.card:
            return {}
        encoders = {"objects": objects, "activity": activity}
        rows = {role: make_missing_rows(len(frames), encoder.card.dim) for role, encoder in encoders.items()}
        for here in batched([i for i, item in enumerate(frames) if item is not None], BATCH_SIZE):
            items = [frames[i] for i in here]
            looks = objects.extract_features(items)
            rows["objects"][here] = check_rows(objects.pool(looks), len(here), objects.card)
            rows["activity"][here] = check_rows(
                activity.encode_features(items, looks), len(here), activity.card
            )
        return rows

    def project(self, features: Features) -> dict[str, Rows]:
        """Unit rows by "space.view"."""
        return {
            f"{space.name}.{view}": rows
            for space in self.spaces
            for view, rows in space.project(features).items()
        }

    def estimate_text_affect(self, texts: Sequence[str]) -> Rows:
        """Affect (n, 4) of texts; NaN for empty ones, and where the recipe has nobody to tell."""
        if not self.config.sentiment or not texts:
            return make_missing_rows(len(texts), 4)
        order = np.argsort([len(text) for text in texts], kind="stable")  # a batch is as long as its longest
        rows = encode_all(self.get_encoder("sentiment"), [texts[at] for at in order])
        return self.estimate_affect({"sentiment": rows[np.argsort(order, kind="stable")]}).fused

    def project_all(self, features: Features) -> dict[str, Rows]:
        """All that a library keeps beside the raw rows: unit rows by "space.view", and rows of affect."""
        return {**self.project(features), AFFECT_VECTORS_NAME: self.estimate_affect(features).fused}


def is_space_key(key: str) -> bool:
    """Whether a part of a signature is a space, which can be projected afresh, and not an encoder."""
    return key.endswith(SPACE_SUFFIX)


def _is_dual_encoder(encoder: Encoder) -> bool:
    return hasattr(encoder, "encode_text")


def _make_dual_encoder_views(role: str) -> dict[str, str]:
    return {role: "words", f"{role}.text": "words"}


def encode_present(encoder: Encoder, inputs: Mapping[str, Sequence[Any | None]]) -> Rows:
    """(n, d) raw rows of what the encoder reads of n items, by its sense; NaN where there is none of it."""
    items = inputs[encoder.card.modality]
    rows = make_missing_rows(len(items), encoder.card.dim)
    here = [i for i, item in enumerate(items) if item is not None]
    if here:
        rows[here] = encode_all(encoder, [items[i] for i in here])
    return rows


def make_missing_rows(count: int, dim: int) -> Rows:
    """(count, dim) rows of nothing."""
    return np.full((count, dim), np.nan, np.float32)
