"""Scores a model on dev during training, and detects a collapse of its embeddings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.ablation.fused_ranks import compute_rsum
from experiments.ablation.space_spec import SpaceSpec
from losses import is_collapsed
from spaces.joint import TrainingSet
from spaces.joint.towers import Model

NARROW_TOLERANCE = 0.02  # relative deviation of the loss of a collapsed model
WIDE_TOLERANCE = 0.05  # the same where the number of pairs with a role varies from batch to batch
MAX_COLLAPSED_SPREAD = 0.1  # standard deviation of similarities on dev of a collapsed model, in margins


class DevMonitor:
    """Scores a model on dev, and detects whether its training has collapsed.

    The loss alone does not show a collapse: it is 2 n margin too where the hardest negatives are as similar
    as the positives. A collapse also leaves no spread in the similarities on dev.
    """

    def __init__(
        self,
        space: SpaceSpec,
        train_set: TrainingSet,
        dev_set: TrainingSet,
        margin: float,
        collapsed_loss: Callable[[int], float] | None,
    ) -> None:
        """`collapsed_loss`: the loss of n pairs of equal vectors; None for a loss that never collapses."""
        self._dev_set, self._margin, self._collapsed_loss = dev_set, margin, collapsed_loss
        present_shares = [float((~np.isnan(rows).any(1)).mean()) for rows in train_set.features.values()]
        # a shared space adds up one loss a role, over the pairs that have the role
        self._expected_losses = sum(present_shares) if space.shared else 1.0
        self._similarity_spread = np.inf

    def score_dev(self, model: Model) -> float:
        """rsum on dev."""
        media, texts = model.encode_media(self._dev_set), model.encode_texts(self._dev_set.text_tensor)
        present = media[~np.isnan(media).any(1)]
        self._similarity_spread = float(np.std(texts @ present.T)) if len(present) else np.inf
        return compute_rsum(media, texts, self._dev_set.item_by_text)

    def is_collapsed(self, loss: float, pair_count: int) -> bool:
        """Whether the loss of a batch is that of equal vectors, and the similarities have no spread."""
        if self._collapsed_loss is None or self._similarity_spread > MAX_COLLAPSED_SPREAD * self._margin:
            return False
        is_whole = self._expected_losses == int(self._expected_losses)
        tolerance = NARROW_TOLERANCE if is_whole else WIDE_TOLERANCE
        return is_collapsed(loss, self._collapsed_loss(pair_count) * self._expected_losses, tolerance)
