"""From a folder on disk to ranked results, and the measures of how good they are.

What a program may rely on: `Library` and `PipelineConfig` make and open a library, `Indexer` fills it,
`Engine` answers a `Query` with a list of `Hit`. Each is imported when it is first asked for, so that
`import retrieval` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import encoders as encoders  # for what it does when imported: it forbids telemetry

if TYPE_CHECKING:
    from retrieval.features.config import PipelineConfig
    from retrieval.indexing.indexer import Indexer
    from retrieval.search.engine import Engine
    from retrieval.search.hits import Hit
    from retrieval.search.query import Query
    from retrieval.storage.library import Library

__all__ = ["Engine", "Hit", "Indexer", "Library", "PipelineConfig", "Query"]
_MODULES = {
    "Engine": "search.engine",
    "Hit": "search.hits",
    "Indexer": "indexing.indexer",
    "Library": "storage.library",
    "PipelineConfig": "features.config",
    "Query": "search.query",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
