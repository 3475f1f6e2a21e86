"""Rows of items of which some have not what an encoder reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from encoders import Encoder, Rows, encode_all


def encode_present(encoder: Encoder, inputs: Mapping[str, Sequence[Any | None]]) -> Rows:
    """(n, d) raw rows of n items, given by modality; NaN where an item has not what the encoder reads."""
    items = inputs[encoder.card.modality]
    rows = make_missing_rows(len(items), encoder.card.dim)
    present = [i for i, item in enumerate(items) if item is not None]
    if present:
        rows[present] = encode_all(encoder, [items[i] for i in present])
    return rows


def make_missing_rows(count: int, dim: int) -> Rows:
    """(count, dim) rows of NaN."""
    return np.full((count, dim), np.nan, np.float32)
