"""Fusion of scores over spaces, of affect over modalities, and of result lists over modalities."""

from fusion.affect_fusion import compute_modality_weights, precision_weighted_mean
from fusion.balanced_merge import balanced_merge
from fusion.calibration import Calibration, fit_calibration
from fusion.diversity import select_diverse
from fusion.exposure import choose_balance_factor, compute_exposure_shares
from fusion.late_fusion import average_views, compute_terms, fuse_scores, move_log_odds, pool_log_odds
from fusion.logistic_fusion import LogisticWeights, sum_log_odds, to_log_odds
from fusion.platt_scaling import fit_logistic
from fusion.rank_fusion import compute_reciprocal_ranks

__all__ = [
    "Calibration",
    "LogisticWeights",
    "average_views",
    "balanced_merge",
    "choose_balance_factor",
    "compute_exposure_shares",
    "compute_modality_weights",
    "compute_reciprocal_ranks",
    "compute_terms",
    "fit_calibration",
    "fit_logistic",
    "fuse_scores",
    "move_log_odds",
    "pool_log_odds",
    "precision_weighted_mean",
    "select_diverse",
    "sum_log_odds",
    "to_log_odds",
]
