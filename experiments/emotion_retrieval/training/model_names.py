"""Names of the models that `emotions train` trains, by how emotions enter."""

from __future__ import annotations

from typing import get_args

from encoders.clipvip.config import Conditioning

REPORT = "report"
MODEL_NAMES = (*get_args(Conditioning), REPORT)
"""The conditionings, and "report": "add" with embeddings drawn from N(0, 1), as in the emotion report."""
TEXT_SIDE_ALONE = ("none", REPORT)
"""Models as published, which never take affect of the videos."""
