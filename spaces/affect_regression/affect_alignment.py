"""The map that brings affect estimated from audio into the coordinates of affect estimated from images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoders import AffectError, Rows, to_printable
from spaces.affect_regression.estimates import MIN_SD, soft_clip
from spaces.alignment import AlignmentMap, load_map


@dataclass(frozen=True, kw_only=True, eq=False)
class AffectAlignment:
    """Audio affect mapped onto image affect; fitted by `retrieval.training.align_affect`.

    mapping:        the map, applied in the target's own coordinates
    sd_factors:     factors on the SDs of valence and of arousal
    residual_sds:   SD of the held-out residuals between aligned audio and images, valence and arousal; a
                    lower bound of the SDs of aligned audio
    affect_version: version of the affect model, without any alignment, that it was fitted on
    digest:         SHA-256 of its file
    """

    mapping: AlignmentMap
    sd_factors: tuple[float, float]
    residual_sds: tuple[float, float]
    affect_version: str = ""
    digest: str = ""

    def __call__(self, rows: Rows) -> Rows:
        """Aligned affect rows (n, 4) of audio; NaN rows stay NaN."""
        points = soft_clip(self.mapping.project_source(rows[:, :2]))
        sds = np.maximum(rows[:, 2:] * np.array(self.sd_factors), np.maximum(self.residual_sds, MIN_SD))
        return np.concatenate([points, sds], axis=1).astype(np.float32)


def load_alignment(path: Path) -> AffectAlignment:
    """Load a map written by `save_map` with a `stretch` and a `residual`. Raises AffectError."""
    mapping, metadata = load_map(path)
    try:
        sd_factors, residual_sds = (tuple(map(float, metadata[key])) for key in ("stretch", "residual"))
        if len(sd_factors) != 2 or len(residual_sds) != 2:
            raise ValueError("a number for valence and one for arousal are wanted")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        affect_version = str(metadata["made_for"])
    except (KeyError, IndexError, TypeError, ValueError, OSError) as bad:
        raise AffectError(
            f"{to_printable(path)}: no alignment of affect ({type(bad).__name__}: {bad})"
        ) from bad
    return AffectAlignment(
        mapping=mapping, sd_factors=(sd_factors[0], sd_factors[1]),
        residual_sds=(residual_sds[0], residual_sds[1]), affect_version=affect_version, digest=digest,
    )  # fmt: skip
