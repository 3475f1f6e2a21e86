"""Which encoder fills each role of a library."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Self

from encoders import ENCODERS, AffectError, MissingBackendError
from retrieval.features.presets import DEFAULT_PRESET, PRESETS
from retrieval.features.roles import ROLES, list_media_roles

log = logging.getLogger(__name__)


class PipelineConfig(Mapping[str, str]):
    """Encoder names by role, immutable; an empty name leaves the role out, and its space abstains.

    Roles that are not given keep the encoder of `ROLES`, but for those that go with another role's default
    encoder where that one is not used. Raises AffectError for a role that is not there.
    """

    def __init__(self, **encoder_by_role: str) -> None:
        _check_roles(encoder_by_role)
        filled = {name: encoder_by_role.get(name, role.default_encoder) for name, role in ROLES.items()}
        alone = [
            name
            for name, role in ROLES.items()
            if name not in encoder_by_role
            and role.companion_role
            and filled[role.companion_role] != ROLES[role.companion_role].default_encoder
        ]
        self._encoder_by_role = {**filled, **dict.fromkeys(alone, "")}

    def __getitem__(self, role: str) -> str:
        return self._encoder_by_role[role]

    def __iter__(self) -> Iterator[str]:
        return iter(self._encoder_by_role)

    def __len__(self) -> int:
        return len(self._encoder_by_role)

    def __hash__(self) -> int:
        return hash(tuple(self._encoder_by_role.items()))

    def __repr__(self) -> str:
        return f"PipelineConfig({', '.join(f'{role}={name!r}' for role, name in self.items())})"

    def replace(self, **encoder_by_role: str) -> PipelineConfig:
        """The same with other encoders in these roles."""
        return PipelineConfig(**{**self, **encoder_by_role})

    @classmethod
    def parse(cls, text: str, preset: str = DEFAULT_PRESET) -> Self:
        """From "objects=resnet152,faces=": roles not named are as in the preset. Raises AffectError."""
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if bare := [part for part in parts if "=" not in part]:
            raise AffectError(f"encoders {', '.join(bare)}: write it as role=name, or role= to leave it out")
        named = dict(part.partition("=")[::2] for part in parts)
        _check_roles(named)
        encoder_by_role = {**PRESETS[preset].encoder_by_role, **named}
        # raises UnknownNameError now rather than when a file is encoded
        resolved = {role: ENCODERS.resolve(name) if name else "" for role, name in encoder_by_role.items()}
        return cls.default(**resolved)

    @classmethod
    def default(cls, **encoder_by_role: str) -> Self:
        """These encoders and the packaged ones; an optional role whose weights are absent is left out."""
        config = cls(**encoder_by_role)
        absent = [
            name
            for name, role in ROLES.items()
            if role.is_optional
            and config[name]
            and name not in encoder_by_role
            and not _is_available(name, config[name])
        ]
        return cls(**{**config, **dict.fromkeys(absent, "")})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`; media roles that the text does not name are left out."""
        return cls(**{**dict.fromkeys(list_media_roles(), ""), **json.loads(text)})

    @classmethod
    def list_new_roles(cls, text: str) -> dict[str, str]:
        """Encoders, by role, of the media roles that the text of `to_json` does not name.

        They came after the text was written. A role whose weights are absent is left out, with a warning.
        """
        named = json.loads(text)
        return {
            name: encoder
            for name, encoder in cls(**named).items()
            if name not in named
            and ROLES[name].modality != "text"
            and encoder
            and _is_available(name, encoder)
        }

    def to_json(self) -> str:
        """As a library stores it."""
        return json.dumps(dict(self), sort_keys=True)


def _check_roles(encoder_by_role: Mapping[str, str]) -> None:
    if unknown := encoder_by_role.keys() - ROLES.keys():
        raise AffectError(f"no role {', '.join(sorted(unknown))}; roles: {', '.join(sorted(ROLES))}")


def _is_available(role: str, encoder: str) -> bool:
    try:
        ENCODERS.make(encoder)
    except MissingBackendError as missing:
        log.warning("the role %s is left out: %s", role, missing)
        return False
    return True
