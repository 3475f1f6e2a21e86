"""What a library remembers of how it was made, as settings of its catalogue."""

from __future__ import annotations

import json

from retrieval.features import EVENTS_ROLE, FeaturePipeline, PipelineConfig
from retrieval.storage.catalog import Catalog

RECIPE_KEY = "recipe"  # of the catalogue: the configuration of encoders
ROLES_KEY = "roles"  # of the catalogue: the roles there were when the library was made


def make_settings(config: PipelineConfig, segment_seconds: float) -> dict[str, str]:
    """The settings of a new library. Raises AffectError for an encoder that is not installed."""
    pipeline = FeaturePipeline(config)
    pipeline.require_encoders()
    return {
        RECIPE_KEY: config.to_json(),
        ROLES_KEY: json.dumps(list(config)),
        "signature": pipeline.make_signature(),
        "segment": str(segment_seconds),
        "generation": "1",
    }


def read_recipe(catalog: Catalog) -> str:
    """The stored text of a library's configuration; it names no role that came after the library was made.

    Where ROLES_KEY is missing, roles on request were stored as empty though nobody had left them out.
    """
    stored = catalog.get_meta(RECIPE_KEY) or "{}"
    if catalog.get_meta(ROLES_KEY) is not None:
        return stored
    named = {role: name for role, name in json.loads(stored).items() if name or role != EVENTS_ROLE}
    return json.dumps(named, sort_keys=True)
