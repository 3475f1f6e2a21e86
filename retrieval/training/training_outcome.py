"""The outcome of training the heads of one space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retrieval.training.cross_validation import FittedHeads


@dataclass(frozen=True, kw_only=True)
class TrainingOutcome:
    """The outcome of training one space.

    item_count, caption_count: size of the training data
    baseline_map, trained_map: mean average precision in percent on held-out data: of the packaged space, or
        by chance where it has no text; and with the trained heads
    gain_interval: 95 % interval (low, high) of trained minus baseline
    is_used:    whether the heads are used
    reason:     why nothing was trained, else empty
    shortening: how training was shortened to the time budget, else empty
    """

    space: str
    item_count: int
    caption_count: int
    baseline_map: float | None = None
    trained_map: float | None = None
    gain_interval: tuple[float, float] | None = None
    is_used: bool = False
    reason: str = ""
    shortening: str = ""

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect train --json`."""
        return {
            "space": self.space,
            "items": self.item_count,
            "texts": self.caption_count,
            "before": self.baseline_map,
            "after": self.trained_map,
            "gain": self.gain_interval,
            "taken": self.is_used,
            "why": self.reason or None,
            "cut": self.shortening or None,
        }


TrainingResult = tuple[TrainingOutcome, FittedHeads | None]
