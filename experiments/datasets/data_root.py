"""The folder that holds one subfolder per data set: the only setting of where data are."""

from __future__ import annotations

import os
from pathlib import Path

DATA_ROOT_VARIABLE = "AFFECT_DATA"
DATA_ROOT = Path(os.environ.get(DATA_ROOT_VARIABLE) or Path(__file__).parents[3].joinpath("shared", "data"))
"""$AFFECT_DATA where it is set, else shared/data beside the repository."""
