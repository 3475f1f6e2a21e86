"""The answer to a query as the command line and the server give it: results, explanations and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.search.engine import Engine
from retrieval.search.explain import explain_hits
from retrieval.search.hits import SearchResults
from retrieval.search.query import Query


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The results of a query, and an explanation of each where they were asked for.

    query: with its text read and its mood as a point
    """

    query: Query
    results: SearchResults
    explanations: Sequence[Mapping[str, Any]] | None = None

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect search --json`."""
        hits = [hit.to_json() for hit in self.results.hits]
        if self.explanations is not None:
            hits = [{**hit, "why": why} for hit, why in zip(hits, self.explanations, strict=True)]
        note: dict[str, Any] = {"note": self.results.note} if self.results.note else {}
        if isinstance(self.query.balance, Mapping):
            note = {"balance": self.results.balance, "exposure": dict(self.results.exposure), **note}
        return {"query": self.query.to_json(), "results": hits, **note}


def answer_query(engine: Engine, query: Query, *, explain: bool) -> Answer:
    """Search, and explain each result if wanted. Raises as `Engine.search` does."""
    query = engine.resolve_query(query)
    results = engine.run_query(query)
    return Answer(
        query=query,
        results=results,
        explanations=explain_hits(engine, results.hits, query) if explain else None,
    )
