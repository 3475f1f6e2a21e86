"""What defines a trained space: its roles, its loss and its text tower."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from losses.ranking import WeightShape

TextTower = Literal["gru", "sentence"]

ROLE_LABELS = {
    "objects": "object",
    "activity": "activity",
    "sound": "audio",
    "faces": "faces",
    "affect": "affect",
    "pose": "pose",
}
"""Labels of roles in the paper and in tables; the paper has no pose."""
ROLES = tuple(ROLE_LABELS)
AUDIO_ROLE_PREFIX = "sound:"


def make_audio_role(encoder: str) -> str:
    """The role of a further audio expert, beside "sound", by the name of its encoder."""
    return f"{AUDIO_ROLE_PREFIX}{encoder}"


def label_role(role: str) -> str:
    """The label of a role, "audio by NAME" for that of a further audio expert."""
    if role.startswith(AUDIO_ROLE_PREFIX):
        return f"{ROLE_LABELS['sound']} by {role.removeprefix(AUDIO_ROLE_PREFIX)}"
    return ROLE_LABELS[role]


@dataclass(frozen=True, kw_only=True)
class LossSpec:
    """A loss by its name in `losses.LOSSES`, or a user's own as module:function.

    strength, shape: the parameters of "weighted"
    """

    name: str = "weighted"
    strength: float = 1.0
    shape: WeightShape = "jemc"

    @property
    def is_custom(self) -> bool:
        """Whether it is a user's own."""
        return ":" in self.name

    def __str__(self) -> str:
        is_default = self.name != "weighted" or (self.strength, self.shape) == (1.0, "jemc")
        return self.name if is_default else f"weighted {self.strength:g} {self.shape}"


@dataclass(frozen=True, kw_only=True)
class SpaceSpec:
    """A space to train.

    roles:    roles whose features are concatenated and projected into it
    allows_missing_roles: whether it can be trained with some of the roles only
    shared:   whether each role has a projection of its own, aligned with that of the first (row 1.4)
    text_tower: None for the one of the settings
    released: whether it is trained by the schedule of the released code
    """

    roles: tuple[str, ...]
    allows_missing_roles: bool = False
    shared: bool = False
    loss: LossSpec = LossSpec()
    text_tower: TextTower | None = None
    released: bool = False

    def resolve(self, present_roles: Iterable[str], text_tower: TextTower) -> SpaceSpec | None:
        """The space with the roles that are present and a text tower; None if roles are missing."""
        roles = tuple(role for role in self.roles if role in set(present_roles))
        if not roles or (not self.allows_missing_roles and roles != self.roles):
            return None
        return replace(
            self, roles=roles, allows_missing_roles=False, text_tower=self.text_tower or text_tower
        )

    def __str__(self) -> str:
        labels = ", ".join(map(label_role, self.roles))
        if self.shared:
            labels = f"shared({labels})"
        elif len(self.roles) > 1:
            labels = f"[{labels}]"
        parts = [
            labels,
            "" if self.loss == LossSpec() else str(self.loss),
            "" if self.text_tower == "gru" else self.text_tower or "",
            "released" if self.released else "",
        ]
        return ", ".join(filter(None, parts))
