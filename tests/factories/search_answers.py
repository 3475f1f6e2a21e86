"""Searches of a library, and what their hits are."""

from retrieval.search.engine import Engine
from retrieval.search.query import Query


def search(library, **asked):
    with Engine(library) as engine:
        return engine.search(Query(**asked))


def names(hits):
    return [hit.path.rpartition("/")[2] for hit in hits]


def ids(hits):
    return [hit.id.lstrip("0") for hit in hits]
