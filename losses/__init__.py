"""Losses over a table of similarities (ranking, contrastive) and over points of the valence-arousal plane."""

from losses.affect import ccc_loss, concordance, mapping_loss
from losses.contrastive import (
    InfoNCE,
    LearnableInfoNCE,
    info_nce,
    joint_info_nce,
    source_wise_info_nce,
)
from losses.negatives import PairLoss, make_same_item_mask
from losses.ranking import (
    RankingLoss,
    compute_collapsed_loss,
    compute_rank_weight,
    is_collapsed,
    semi_hard,
    vse,
    vse_plus_plus,
    weighted_ranking,
)
from losses.registry import LOSSES, LossEntry

__all__ = [
    "LOSSES",
    "InfoNCE",
    "LearnableInfoNCE",
    "LossEntry",
    "PairLoss",
    "RankingLoss",
    "ccc_loss",
    "compute_collapsed_loss",
    "compute_rank_weight",
    "concordance",
    "info_nce",
    "is_collapsed",
    "joint_info_nce",
    "make_same_item_mask",
    "mapping_loss",
    "semi_hard",
    "source_wise_info_nce",
    "vse",
    "vse_plus_plus",
    "weighted_ranking",
]
