"""The port of a space, and the simplest one.

A space has one or more views. A view is a coordinate system in which two things can be compared by cosine;
two things are comparable in a space through the views both have. So words meet pictures in the view "words",
pictures meet pictures in "words" and "looks", and what shares no view abstains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from encoders.base import Rows, unit_rows

Features = Mapping[str, Rows]  # role of an expert ("objects", "sound", "text", ...) -> raw rows (n, d)
Views = dict[str, Rows]  # view -> unit rows (n, d), NaN rows where the space has nothing to say


class Space(Protocol):
    """Projects what experts saw, of items and of queries alike, into views."""

    @property
    def name(self) -> str:
        """The name under which its scores are reported."""
        ...

    @property
    def version(self) -> str:
        """Changes when the same features come to lie elsewhere."""
        ...

    def project(self, features: Features) -> Views:
        """Unit rows for each view that these features allow; no key for a view they say nothing about."""
        ...


@dataclass(frozen=True)
class IdentitySpace:
    """Experts' rows as they are, made unit length: `view_by_role` maps each role to the view its rows
    belong to.

    One role is a space for one sense (sound meets sound); the two towers of CLIP or CLAP share a view.
    """

    name: str
    view_by_role: Mapping[str, str]
    version: str = "direct-1"

    def project(self, features: Features) -> Views:
        """Unit rows of the roles this space knows."""
        return {
            view: unit_rows(features[role]) for role, view in self.view_by_role.items() if role in features
        }
