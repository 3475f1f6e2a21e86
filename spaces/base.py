"""The protocol of a space, and the simplest implementation.

A space has one or more views. A view is a coordinate system in which two items are compared by cosine; two
items are comparable in a space through the views both have. Texts and images share the view "words", images
share "words" and "looks" with images, and items without a common view abstain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from encoders import Rows, unit_rows

Features = Mapping[str, Rows]  # role of an encoder ("objects", "sound", "text", ...) -> raw rows (n, d)
Views = dict[str, Rows]  # view -> unit rows (n, d), NaN rows where the space abstains


class Space(Protocol):
    """Projects features of items and of queries into views."""

    @property
    def name(self) -> str:
        """The name by which its scores are reported."""
        ...

    @property
    def version(self) -> str:
        """Changes when the same features get other coordinates."""
        ...

    def project(self, features: Features) -> Views:
        """Unit rows for each view that these features allow; no key for any other view."""
        ...


@dataclass(frozen=True)
class IdentitySpace:
    """Raw rows normalised to unit length, without a projection.

    view_by_role: the view of each role's rows. With one role it is a space of one modality (audio with
        audio); the two towers of CLIP or CLAP share a view
    """

    name: str
    view_by_role: Mapping[str, str]
    version: str = "direct-1"

    def project(self, features: Features) -> Views:
        """Unit rows of the roles in `view_by_role`."""
        return {
            view: unit_rows(features[role]) for role, view in self.view_by_role.items() if role in features
        }


@dataclass(frozen=True)
class CombinedSpace:
    """The views of several spaces under one name; their views differ."""

    name: str
    parts: tuple[Space, ...]

    @property
    def version(self) -> str:
        """The versions of the parts."""
        return "+".join(part.version for part in self.parts)

    def project(self, features: Features) -> Views:
        """The views of all parts."""
        return {view: rows for part in self.parts for view, rows in part.project(features).items()}
