"""Roles whose encoders read the network of the role "objects", which then runs once for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from encoders import Encoder, Frames, Rows, SharedBackboneEncoder, batched, check_rows
from retrieval.features.missing_rows import make_missing_rows

BACKBONE_ROLE = "objects"
BATCH_SIZE = 32  # clips encoded at a time, as in `encode_all`


def list_backbone_sharing_roles(encoders: Mapping[str, Encoder]) -> tuple[str, ...]:
    """BACKBONE_ROLE and the roles, of these encoders, that read its network; empty where it is alone."""
    if BACKBONE_ROLE not in encoders:
        return ()
    network = encoders[BACKBONE_ROLE].card
    sharing = [
        role
        for role, encoder in encoders.items()
        if isinstance(encoder, SharedBackboneEncoder) and encoder.backbone.card == network
    ]
    return (BACKBONE_ROLE, *sharing) if sharing else ()


def encode_shared_backbone(encoders: Mapping[str, Any], frames: Sequence[Frames | None]) -> dict[str, Rows]:
    """Rows (n, d) by role of n clips, NaN where one is None, the network run once.

    encoders: of the roles of `list_backbone_sharing_roles`; none give no rows
    """
    rows = {role: make_missing_rows(len(frames), encoder.card.dim) for role, encoder in encoders.items()}
    present = [(i, clip) for i, clip in enumerate(frames) if clip is not None]
    for part in batched(present, BATCH_SIZE) if encoders else ():
        batch, clips = [i for i, _ in part], [clip for _, clip in part]
        features = encoders[BACKBONE_ROLE].extract_features(clips)
        for role, encoder in encoders.items():
            encoded = (
                encoder.pool(features) if role == BACKBONE_ROLE else encoder.encode_features(clips, features)
            )
            rows[role][batch] = check_rows(encoded, len(batch), encoder.card)
    return rows
