"""The words that a benchmark asks for by what is to be seen or heard."""

from __future__ import annotations

from typing import Any

from retrieval.search import Query


def make_content_query(text: str, **settings: Any) -> Query:
    """The query for the content of a text alone: a word of mood in it is not read as a mood.

    settings: other fields of `Query`
    """
    return Query(text=text, affect=0.0, **settings)
