"""Losses over a table of similarities (ranking, contrastive) and over points of the mood plane."""

from __future__ import annotations

from collections.abc import Callable

from losses.contrastive import InfoNCE, LearnableInfoNCE
from losses.negatives import PairLoss
from losses.ranking import RankingLoss, semi_hard, vse, vse_plus_plus, weighted_ranking

LOSSES: dict[str, Callable[..., PairLoss]] = {
    "vse": vse,
    "vse++": vse_plus_plus,
    "weighted": weighted_ranking,
    "semi-hard": semi_hard,
    "infonce": InfoNCE,
    "infonce-learnt": LearnableInfoNCE,
}

__all__ = ["LOSSES", "InfoNCE", "LearnableInfoNCE", "PairLoss", "RankingLoss"]
