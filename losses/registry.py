"""Every loss over a table of similarities by name: a new one is a class or function and one row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from losses.contrastive import InfoNCE, LearnableInfoNCE
from losses.negatives import PairLoss
from losses.ranking import compute_collapsed_loss, semi_hard, vse, vse_plus_plus, weighted_ranking


@dataclass(frozen=True, kw_only=True)
class LossEntry:
    """How a loss is constructed, and what its training needs.

    make:      constructs the loss; all of its arguments have defaults
    arguments: its arguments, each with the name of the setting that gives its value: margin, temperature,
               strength or shape
    warmup:    constructs, from the margin, the loss of the first epochs; None for a loss that needs none
    collapsed_loss: from the loss and a number of pairs, its value where all vectors are equal, by which
              collapsed training is detected; None for a loss that does not get stuck there
    """

    make: Callable[..., PairLoss]
    arguments: Mapping[str, str] = field(default_factory=lambda: {"margin": "margin"})
    warmup: Callable[[float], PairLoss] | None = None
    collapsed_loss: Callable[[Any, int], float] | None = None

    def __call__(self, *args: Any, **options: Any) -> PairLoss:
        """As `make`."""
        return self.make(*args, **options)

    def make_from_settings(self, settings: Mapping[str, Any]) -> PairLoss:
        """The loss with its arguments from settings by name. Raises KeyError where one is missing."""
        return self.make(**{argument: settings[name] for argument, name in self.arguments.items()})


LOSSES: dict[str, LossEntry] = {
    "vse": LossEntry(make=vse),
    "vse++": LossEntry(make=vse_plus_plus, warmup=vse, collapsed_loss=compute_collapsed_loss),
    "weighted": LossEntry(
        make=weighted_ranking,
        arguments={name: name for name in ("margin", "strength", "shape")},
        warmup=vse,
        collapsed_loss=compute_collapsed_loss,
    ),
    "semi-hard": LossEntry(make=semi_hard, warmup=vse),
    "infonce": LossEntry(make=InfoNCE, arguments={"temperature": "temperature"}),
    # it starts from the margin as its temperature, as in the trials of the ablation so far
    "infonce-learnt": LossEntry(make=LearnableInfoNCE, arguments={"temperature": "margin"}),
}
