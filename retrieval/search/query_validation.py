"""What makes no sense in a query, beside its moods: the dial, how results are selected, the fusion rule."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from encoders import AffectError
from retrieval.features import SPACES
from retrieval.search.fusion_rules import DEFAULT_FUSION, FUSION_RULES
from retrieval.search.query_fields import validate_balance, validate_names
from retrieval.search.query_moods import PhraseAffect
from retrieval.storage import MODALITIES

if TYPE_CHECKING:
    from retrieval.search.query import Query


def validate_dial(query: Query) -> None:
    """Raises AffectError for a dial, or a mood from words, that makes no sense with what is asked for."""
    if query.affect is not None and not 0 <= query.affect <= 1:
        raise AffectError(f"affect is {query.affect}; it must be between 0 (content) and 1 (mood)")
    if query.mood_from_words and query.text is None:
        raise AffectError("there are no words to take a mood from; give a text, or name a mood")
    if query.mood_from_words and not isinstance(query.mood, PhraseAffect | None):
        raise AffectError("a mood is given, and is to be taken from the words too; choose one of both")
    if query.parts or query.affect is None:
        return
    if query.mood is None:
        raise AffectError(
            f"affect is {query.affect:g}, and nothing asked for has a mood; give words, a file or a mood"
        )
    if query.affect != 1:
        raise AffectError(
            f"affect is {query.affect:g}, and only a mood is asked for; give content too, or no affect"
        )


def validate_selection(query: Query) -> None:
    """Raises AffectError for a number or name that says which results are wanted, and makes no sense."""
    if isinstance(query.k, bool) or not isinstance(query.k, int) or query.k < 1:
        raise AffectError(f"k is {query.k!r}; it must be a whole number of at least 1")
    validate_names("modality", query.modalities, MODALITIES)
    validate_names("space", query.weights, SPACES)
    if len(set(query.modalities)) < len(query.modalities):
        raise AffectError(f"a modality is named twice: {', '.join(query.modalities)}")
    if not query.modalities:
        raise AffectError(f"no modality to search; choose from {', '.join(MODALITIES)}")
    if not all(math.isfinite(w) and w >= 0 for w in query.weights.values()) or not any(
        query.weights.values()
    ):
        raise AffectError("weights must be finite, not negative, and not all zero")
    validate_balance(query.balance, query.modalities)
    if query.since is not None and query.until is not None and query.since >= query.until:
        raise AffectError(
            f"nothing is changed since {query.since:%Y-%m-%d} and before {query.until:%Y-%m-%d}"
        )
    if not 0 <= query.min_score <= 1:
        raise AffectError(f"the least score is {query.min_score}; it must be between 0 and 1")
    if query.diversify is not None and not 0 <= query.diversify <= 1:
        raise AffectError(f"diversify is {query.diversify}; it must be between 0 and 1 (relevance alone)")


def validate_fusion(query: Query) -> None:
    """Raises AffectError for a fusion rule that does not exist, or that can't do what is asked for."""
    validate_names("fusion rule", (query.fusion,), tuple(FUSION_RULES))
    rule = FUSION_RULES[query.fusion]
    if rule.is_for_words and (others := set(query.parts) - {"text"}):
        raise AffectError(
            f"fusion {query.fusion} has weights for words alone; leave out {', '.join(sorted(others))}, "
            f"or use fusion {DEFAULT_FUSION}"
        )
    if not rule.is_probability and (query.min_score or query.mood_from_words):
        needs = "a least score" if query.min_score else "the mood of words"
        raise AffectError(
            f"fusion {query.fusion} gives ranks and no chances, which {needs} needs; "
            f"use fusion {DEFAULT_FUSION}"
        )
