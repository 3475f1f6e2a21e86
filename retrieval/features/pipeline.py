"""From media and text to features, unit rows in every space, and affect: the encoders of a library."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from encoders import (
    ENCODERS,
    AffectError,
    Audio,
    DualEncoder,
    Encoder,
    MissingBackendError,
    Rows,
    encode_all,
)
from retrieval.features.affect import AffectEstimate, fuse_affect
from retrieval.features.config import PipelineConfig, find_missing_roles
from retrieval.features.media_prompt import strip_media_prompt
from retrieval.features.missing_rows import encode_present, make_missing_rows
from retrieval.features.roles import LABELS_ROLE, ROLES, list_media_roles
from retrieval.features.shared_backbone import encode_shared_backbone, list_backbone_sharing_roles
from retrieval.features.spaces import OBJECT_SPACE, SPACE_SPECS, make_view_name, split_view_name
from spaces import Features, Space, ZeroShotSpace
from spaces.affect_regression import AffectAlignment, AffectModel, make_affect_model, widen_sds
from spaces.joint import WORDS_VIEW, Heads, JointSpace, load_packaged_heads

AFFECT_VECTORS_NAME = "affect.plane"  # the stored rows (n, 4) of affect
SPACE_SUFFIX = " space"  # ends the names of spaces in a signature
DEFAULT_SAMPLE_RATE_HZ = 16000  # where no encoder asks for another


class FeaturePipeline:
    """The encoders of a configuration, each built at its first use, and the spaces they feed.

    custom_heads: trained heads by space, used instead of those that come with the package; heads for other
                  encoders than the configuration's are left out
    use_packaged: False for the spaces as they are untrained
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
        encoder = ENCODERS.make(self.config[role])
        if encoder.card.modality != (modality := ROLES[role].modality):
            raise AffectError(
                f"{encoder.card.name} reads {encoder.card.modality}; the role {role} reads {modality}"
            )
        return encoder

    def has_role(self, role: str) -> bool:
        """Whether an encoder that can be used here fills a role."""
        return bool(self.config.get(role)) and role not in self.missing_roles

    @cached_property
    def missing_roles(self) -> Mapping[str, MissingBackendError]:
        """Optional roles that are filled, and why their encoders can't be used here."""
        return find_missing_roles(self.config)

    def require_encoders(self) -> None:
        """Raise MissingBackendError if an encoder of an optional role can't be used here."""
        for missing in self.missing_roles.values():
            raise missing

    @cached_property
    def media_roles(self) -> tuple[str, ...]:
        """Roles that read media and are filled, in the order of the table."""
        return tuple(filter(self.has_role, list_media_roles()))

    @cached_property
    def sample_rate(self) -> int:
        """Hz at which sound is decoded: what the first encoder of sound that has a wish wants."""
        rates = (self.get_encoder(role).card.sample_rate for role in self.sound_roles)
        return next(filter(None, rates), DEFAULT_SAMPLE_RATE_HZ)

    @cached_property
    def sound_roles(self) -> tuple[str, ...]:
        """The media roles that read sound."""
        return tuple(role for role in self.media_roles if ROLES[role].modality == "sound")

    def make_signature(self) -> str:
        """What must be equal for two libraries' rows to be comparable: encoders by role, spaces by name."""
        roles = [*self.media_roles, *filter(self.has_role, ["text"])]
        cards = {role: self.get_encoder(role).card.signature for role in roles}
        spaces = {f"{space.name}{SPACE_SUFFIX}": space.version for space in self.spaces}
        return json.dumps(
            {**cards, **spaces, f"affect{SPACE_SUFFIX}": self.affect_model.version}, sort_keys=True
        )

    @cached_property
    def affect_model(self) -> AffectModel:
        """From rows by role to valence and arousal."""
        return make_affect_model(self._get_encoder_signature, self._alignment)

    def without_alignment(self) -> FeaturePipeline:
        """The same without an alignment of sound."""
        return FeaturePipeline(self.config, self._custom_heads, use_packaged=self._use_packaged)

    def estimate_affect(self, features: Features) -> AffectEstimate:
        """Affect of n items from raw rows by role: by modality, and fused."""
        return fuse_affect(
            self.estimate_affect_by_modality(features), max(map(len, features.values()), default=0)
        )

    def estimate_affect_by_modality(self, features: Features) -> dict[str, Rows]:
        """Affect (n, 4) of n items by modality, from raw rows by role."""
        return self.affect_model(self.with_labels(features))

    def with_labels(self, features: Features) -> Features:
        """`features` and, where it has rows of "objects", those of "labels": unit sentence vectors (n, d).

        They are the zero-shot mix of label vectors (see `spaces.zero_shot`), which an affect head reads
        beside the network's features.
        """
        space = self._untrained_spaces[OBJECT_SPACE]
        if "objects" not in features or not isinstance(space, ZeroShotSpace):
            return features
        return {**features, LABELS_ROLE: space.project({"objects": features["objects"]})[WORDS_VIEW]}

    @cached_property
    def spaces(self) -> tuple[Space, ...]:
        """Every space of the table, with its trained heads; one without an encoder abstains."""
        return tuple(map(self._add_trained_heads, self._untrained_spaces.values()))

    @cached_property
    def _untrained_spaces(self) -> Mapping[str, Space]:
        return {name: spec.make(self) for name, spec in SPACE_SPECS.items()}

    def _add_trained_heads(self, space: Space) -> Space:
        for layer in (load_packaged_heads() if self._use_packaged else {}, self._custom_heads):
            heads = layer.get(space.name)
            if heads and heads.can_read(
                {role: self._get_encoder_signature(role) for role in heads.encoder_signatures}
            ):
                space = JointSpace(name=space.name, heads=heads, base_space=space)
        return space

    def _get_encoder_signature(self, role: str) -> str:
        """The signature of a role's encoder, empty where none fills it."""
        return self.get_encoder(role).card.signature if self.has_role(role) else ""

    def get_calibration(self, view_name: str, query_modality: str) -> Mapping[str, float] | None:
        """How to calibrate cosines of queries of a modality in a trained "space.view", if its heads say."""
        name, view = split_view_name(view_name)
        space = next((space for space in self.spaces if space.name == name), None)
        if view != WORDS_VIEW or not isinstance(space, JointSpace):
            return None
        return space.heads.calibrations.get(query_modality)

    def encode_text(self, texts: Sequence[str]) -> dict[str, Rows]:
        """Features of texts: by the encoder of text, and by the text tower of every dual encoder."""
        features = {"text": self.get_encoder("text").encode(texts)} if self.has_role("text") else {}
        for role in self.media_roles:
            encoder = self.get_encoder(role)
            if isinstance(encoder, DualEncoder):
                features[f"{role}.text"] = encoder.encode_text(texts)
        return features

    def encode_media(
        self,
        frames: Sequence[Any | None],
        audio: Sequence[Audio | None],
        *,
        include_affect: bool = True,
        known_rows: Features | None = None,
    ) -> dict[str, Rows]:
        """Raw rows by role of n segments, NaN where a segment lacks what the role reads.

        include_affect: False leaves out the roles that are read for affect alone
        known_rows: of roles that are encoded already
        """
        inputs: Mapping[str, Sequence[Any | None]] = {"frames": frames, "sound": audio}
        roles = [role for role in self.media_roles if include_affect or not ROLES[role].is_affect_only]
        sharing = {role: self.get_encoder(role) for role in self.backbone_sharing_roles}
        known = {**(known_rows or {}), **encode_shared_backbone(sharing, frames)}
        alone = (role for role in roles if role not in known)
        rows = {role: encode_present(self.get_encoder(role), inputs) for role in alone} | known
        return {role: rows[role] for role in roles}

    @cached_property
    def backbone_sharing_roles(self) -> tuple[str, ...]:
        """ "objects" and the roles whose encoders read its network; empty where it is alone."""
        return list_backbone_sharing_roles({role: self.get_encoder(role) for role in self.media_roles})

    def project(self, features: Features) -> dict[str, Rows]:
        """Unit rows by "space.view"."""
        return {
            make_view_name(space.name, view): rows
            for space in self.spaces
            for view, rows in space.project(features).items()
        }

    def estimate_text_affect(self, texts: Sequence[str]) -> Rows:
        """Affect (n, 4) of texts but for "a photo of" at their start; NaN if empty or without "sentiment"."""
        if not self.has_role("sentiment") or not texts:
            return make_missing_rows(len(texts), 4)
        order = np.argsort([len(text) for text in texts], kind="stable")  # a batch is as long as its longest
        rows = encode_all(self.get_encoder("sentiment"), [strip_media_prompt(texts[at]) for at in order])
        return self.estimate_affect({"sentiment": rows[np.argsort(order, kind="stable")]}).fused

    def estimate_query_affect(self, texts: Sequence[str]) -> Rows:
        """As `estimate_text_affect`, the SDs for raters of any corpus: media were rated by others."""
        return widen_sds(self.estimate_text_affect(texts), self.affect_model.text_corpus_sd)

    def project_all(self, features: Features) -> dict[str, Rows]:
        """All that a library keeps beside the raw rows: unit rows by "space.view", and rows of affect."""
        return {**self.project(features), AFFECT_VECTORS_NAME: self.estimate_affect(features).fused}


def is_space_key(key: str) -> bool:
    """Whether a part of a signature is a space, which can be projected afresh, and not an encoder."""
    return key.endswith(SPACE_SUFFIX)
