"""Media of a query that are read once, and asked with several times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from encoders import Rows

if TYPE_CHECKING:
    from encoders.media import Probe  # which imports the decoders


@dataclass(frozen=True, kw_only=True)
class QueryMedia:
    """A decoded and encoded file, which stands in a query in place of its path.

    name:     by which a query is echoed
    item_id:  of its content
    features: (n, d) raw rows by role, of its segments, those for affect included
    spans:    (start, end) of each segment in seconds, (None, None) for a picture
    """

    name: str
    item_id: str
    probe: Probe
    features: Mapping[str, Rows] = field(repr=False)
    spans: Sequence[tuple[float | None, float | None]] = field(repr=False)

    def __str__(self) -> str:
        return self.name
