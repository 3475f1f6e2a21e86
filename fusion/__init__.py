"""Fusion of scores over spaces, of affect over modalities, and of result lists over modalities."""

from fusion.affect_fusion import compute_modality_weights, precision_weighted_mean
from fusion.balanced_merge import balanced_merge
from fusion.calibration import fit_logistic
from fusion.late_fusion import Calibration, average_views, fit_calibration, fuse_scores

__all__ = [
    "Calibration",
    "average_views",
    "balanced_merge",
    "compute_modality_weights",
    "fit_calibration",
    "fit_logistic",
    "fuse_scores",
    "precision_weighted_mean",
]
