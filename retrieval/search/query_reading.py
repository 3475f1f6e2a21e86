"""The reading of a query's text: what it looks for, what it denies, and what was put right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retrieval.search.named_moods import NamedMood
from retrieval.storage import MODALITIES


@dataclass(frozen=True, kw_only=True)
class QueryText:
    """A query's text as it is searched.

    positive:    what is looked for; empty where only something is denied
    negatives:   what is not wanted, in the form in which it is searched, by the user's words
    named_mood:  the mood that it names beside hardly anything, or of a sound
    modalities:  of what is looked for, by its noun, see `find_named_modalities`
    corrections: words that were replaced, with their replacement
    warnings:    lines for the user
    """

    positive: str
    negatives: Mapping[str, str] = field(default_factory=dict)
    named_mood: NamedMood | None = None
    modalities: tuple[str, ...] = MODALITIES
    corrections: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def to_json(self, text: str | None) -> dict[str, Any]:
        """As echoed with the query's results: what differs from its text."""
        return {
            **({"read_as": self.positive} if text is not None and self.positive != text else {}),
            **({"corrected": dict(self.corrections)} if self.corrections else {}),
            **({"not": list(self.negatives)} if self.negatives else {}),
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        }
