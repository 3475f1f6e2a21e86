"""Losses over a table of similarities (ranking, contrastive) and over points of the mood plane."""

from __future__ import annotations

from collections.abc import Callable

from losses.contrastive import InfoNCE, LearntInfoNCE
from losses.negatives import PairLoss
from losses.ranking import Ranking, semi_hard, vse, vse_plus_plus, weighted

LOSSES: dict[str, Callable[..., PairLoss]] = {
    "vse": vse,
    "vse++": vse_plus_plus,
    "weighted": weighted,
    "semi-hard": semi_hard,
    "infonce": InfoNCE,
    "infonce-learnt": LearntInfoNCE,
}

__all__ = ["LOSSES", "InfoNCE", "LearntInfoNCE", "PairLoss", "Ranking"]
