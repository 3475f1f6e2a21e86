"""A pipeline whose affect of known items comes from heads that did not learn from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from encoders import Rows
from retrieval.features import FeaturePipeline, PipelineConfig
from spaces import Features


class HeldOutPipeline(FeaturePipeline):
    """The packaged pipeline with the affect of one modality replaced, item by item.

    modality:  "image" or "sound"
    role:      whose raw rows tell the items apart
    rows:      (n, d) of that role
    estimates: (n, 4) affect of these items, by heads that learnt from other groups
    """

    def __init__(
        self, config: PipelineConfig, modality: str, role: str, rows: Rows, estimates: Rows, **options: Any
    ) -> None:
        super().__init__(config, **options)
        self._modality, self._role = modality, role
        self._estimate_by_row = {_make_row_key(row): own for row, own in zip(rows, estimates, strict=True)}

    def estimate_affect_by_modality(self, features: Features) -> dict[str, Rows]:
        """As the pipeline's own, without any estimate of that modality by the packaged heads.

        Raises KeyError for a row that none of the items has.
        """
        estimates = super().estimate_affect_by_modality(features)
        if self._role in features:
            held_out = [self._estimate_by_row[_make_row_key(row)] for row in features[self._role]]
            estimates[self._modality] = np.stack(held_out).astype(np.float32)
        return estimates


def _make_row_key(row: Rows) -> bytes:
    """The row as a library keeps it, in float16."""
    return np.asarray(row, np.float16).tobytes()
