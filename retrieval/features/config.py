"""Which encoder fills each role of a library."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Set

from encoders import ENCODERS, AffectError, MissingBackendError
from retrieval.features.presets import DEFAULT_PRESET, PRESETS, find_missing_encoders
from retrieval.features.roles import ROLES, list_media_roles

log = logging.getLogger(__name__)


class PipelineConfig(Mapping[str, str]):
    """Encoder names by role, immutable; an empty name leaves the role out, and its space abstains.

    Roles that are not given keep the encoder of `ROLES`, but for those that go with the default encoders of
    other roles where one of these is not used. Raises AffectError for a role that is not there.

    Undecided roles are left out as well, but not for good: their weights are absent, or they came after the
    configuration was stored.
    """

    def __init__(self, **encoder_by_role: str) -> None:
        _check_roles(encoder_by_role)
        filled = {name: encoder_by_role.get(name, role.default_encoder) for name, role in ROLES.items()}
        left_out = set(_list_unaccompanied_roles(filled)) - encoder_by_role.keys()
        self._encoder_by_role = {**filled, **dict.fromkeys(left_out, "")}
        self._undecided: frozenset[str] = frozenset()

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
        config = PipelineConfig(**{**self, **encoder_by_role})
        return config._leave_undecided(self._undecided - encoder_by_role.keys())

    def matches(self, other: PipelineConfig) -> bool:
        """Whether both have the same encoders, but for roles that one of them leaves undecided."""
        undecided = self._undecided | other._undecided
        return all(name == other[role] for role, name in self.items() if role not in undecided)

    def list_new_roles(self) -> dict[str, str]:
        """Default encoders, by role, of the undecided roles, as far as they are available.

        Warns of those that are not, unless they are optional.
        """
        filled = PipelineConfig(**self._get_decided())
        new_roles = {role: filled[role] for role in ROLES if role in self._undecided and filled[role]}
        missing_by_name = find_missing_encoders(new_roles.values())
        for role, name in new_roles.items():
            if name in missing_by_name and not ROLES[role].is_optional:
                log.warning("the role %s is left out: %s", role, missing_by_name[name])
        return {role: name for role, name in new_roles.items() if name not in missing_by_name}

    @classmethod
    def parse(cls, text: str, preset: str = DEFAULT_PRESET) -> PipelineConfig:
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
    def default(cls, **encoder_by_role: str) -> PipelineConfig:
        """These encoders and the packaged ones; an optional role whose weights are absent is undecided."""
        config = cls(**encoder_by_role)
        missing_by_role = find_missing_roles(config, config.keys() - encoder_by_role.keys())
        for role, missing in missing_by_role.items():
            log.warning("the role %s is left out until it is there: %s", role, missing)
        return config._leave_undecided(missing_by_role.keys())

    @classmethod
    def from_json(cls, text: str) -> PipelineConfig:
        """The inverse of `to_json`; media roles that the text does not name are undecided."""
        named = json.loads(text)
        return cls(**named)._leave_undecided(set(list_media_roles()) - named.keys())

    def to_json(self) -> str:
        """As a library stores it, without undecided roles."""
        return json.dumps(self._get_decided(), sort_keys=True)

    def _get_decided(self) -> dict[str, str]:
        return {role: name for role, name in self.items() if role not in self._undecided}

    def _leave_undecided(self, roles: Set[str]) -> PipelineConfig:
        config = PipelineConfig(**{**self, **dict.fromkeys(roles, "")})
        config._undecided = frozenset(roles)
        return config


def find_missing_roles(
    config: Mapping[str, str], roles: Iterable[str] = tuple(ROLES)
) -> dict[str, MissingBackendError]:
    """By filled optional role, of these, why its encoder can't be used here."""
    optional_roles = [role for role in roles if ROLES[role].is_optional and config[role]]
    missing_by_name = find_missing_encoders(config[role] for role in optional_roles)
    return {role: missing_by_name[config[role]] for role in optional_roles if config[role] in missing_by_name}


def _list_unaccompanied_roles(encoder_by_role: Mapping[str, str]) -> list[str]:
    """Roles that go with others, of which one has another encoder than its default."""
    return [
        name
        for name, role in ROLES.items()
        if any(encoder_by_role[other] != ROLES[other].default_encoder for other in role.companion_roles)
    ]


def _check_roles(encoder_by_role: Mapping[str, str]) -> None:
    if unknown := encoder_by_role.keys() - ROLES.keys():
        raise AffectError(f"no role {', '.join(sorted(unknown))}; roles: {', '.join(sorted(ROLES))}")
