"""The answer to a query as the command line and the server give it: results, explanations and JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from retrieval.search.engine import Engine
from retrieval.search.explain import explain_hits
from retrieval.search.hits import Hit, SearchResults
from retrieval.search.query import Query
from retrieval.search.summary import summarise_explanation


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The results of a query, and explanations of those for which they were asked.

    query: with its text read and its mood as a point
    explanations: by item id
    """

    query: Query
    results: SearchResults
    explanations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect search --json`."""
        hits = [{**hit.to_json(), **self._explanation_to_json(hit)} for hit in self.results.hits]
        note: dict[str, Any] = {"note": self.results.note} if self.results.note else {}
        if isinstance(self.query.balance, Mapping):
            note = {"balance": self.results.balance, "exposure": dict(self.results.exposure), **note}
        return {"query": self.query.to_json(), "results": hits, **note}

    def _explanation_to_json(self, hit: Hit) -> dict[str, Any]:
        explanation = self.explanations.get(hit.id)
        if explanation is None:
            return {}
        return {"why": explanation, "summary": summarise_explanation(hit, explanation)}


def answer_query(
    engine: Engine, query: Query, *, explain: bool, explained_ids: Collection[str] = ()
) -> Answer:
    """Search, and explain each result, or those of some items alone. Raises as `Engine.search` does."""
    query = engine.resolve_query(query)
    results = engine.run_query(query)
    hits = [hit for hit in results.hits if explain or hit.id in explained_ids]
    explanations = dict(zip((hit.id for hit in hits), explain_hits(engine, hits, query), strict=True))
    return Answer(query=query, results=results, explanations=explanations)
