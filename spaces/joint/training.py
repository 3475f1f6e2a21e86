"""The training loop of joint models; loss, scorer and collapse test are arguments.

On a CPU, a resumed run gives the same bits as an uninterrupted one: weights, optimiser and both random states
are in the checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spaces.joint.checkpoint import TrainingProgress, TrainingState
from spaces.joint.schedule import Schedule, compute_learning_rate
from spaces.joint.trainable_model import BatchLoss, TrainableModel
from spaces.joint.training_set import Ints, TrainingPairs

ModelScorer = Callable[[Any], float]  # higher is better, such as rsum of the dev split
ParameterGrouping = Callable[[nn.Module], list[dict[str, Any]]]
CollapseTest = Callable[[float, int], bool]  # (loss of a batch, number of pairs): as of equal vectors


@dataclass(frozen=True, kw_only=True)
class EpochResult:
    """One epoch: mean loss per batch, score after it, last learning rate, seconds."""

    number: int
    loss: float
    score: float | None
    rate: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class TrainingHistory:
    """All epochs, the number of the one whose weights are used, and whether training collapsed."""

    epochs: tuple[EpochResult, ...]
    best: int
    collapsed: bool = False

    @property
    def seconds(self) -> float:
        """Total training time."""
        return sum(epoch.seconds for epoch in self.epochs)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trainer:
    """One training run.

    warmup_loss:   loss of the first `schedule.warm` epochs
    score_model:   scores the model after every epoch; the weights of the best epoch after the warm-up are
                   used, which was trained with `loss`; by default those of the last
    collapse_test: training has collapsed and stops where it holds for every batch of an epoch after the
                   warm-up
    run_key:       identifies the run in its checkpoint
    group_parameters: groups of the parameters of `make_trainable_module`, as torch's optimisers take them,
                   each with a `rate_factor` if its rate is not the schedule's; by default one group
    """

    model: TrainableModel
    training_set: TrainingPairs
    loss: BatchLoss
    schedule: Schedule
    seed: int
    warmup_loss: BatchLoss | None = None
    score_model: ModelScorer | None = None
    collapse_test: CollapseTest | None = None
    run_key: str = ""
    group_parameters: ParameterGrouping | None = None
    on_epoch: Callable[[EpochResult], None] = field(default=lambda epoch: None)

    def run(self, checkpoint: Path | None = None) -> TrainingHistory:
        """Train to the end, from the checkpoint if there is one; the model then has the best weights.

        The checkpoint is written after every epoch and not deleted. Raises AffectError where it is of another
        run or malformed, ValueError without texts of two items.
        """
        if len(np.unique(self.training_set.item_by_text[self.training_set.usable_texts])) < 2:
            raise ValueError("nothing to train on: texts of fewer than two items that say something")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.model.fit_standardisation(self.training_set)
            state = TrainingState(
                self.make_trainable_module(), self._make_optimiser(), torch.Generator().manual_seed(self.seed)
            )
            progress = state.load(checkpoint, self.run_key) if checkpoint else TrainingProgress()
            while not self._is_finished(progress):
                progress = self._advance_epoch(state, progress)
                if checkpoint:
                    state.save(checkpoint, self.run_key, progress)
            if self.score_model is not None:
                state.restore_best()
            self.model.eval()
        return _make_history(progress)

    def make_trainable_module(self) -> nn.ModuleDict:
        """All trained parameters: of the model, and of losses that have some (a trained temperature)."""
        losses = {"loss": self.loss, "warm": self.warmup_loss}
        trained = {name: loss for name, loss in losses.items() if isinstance(loss, nn.Module)}
        return nn.ModuleDict({"model": self.model, **trained})

    def _make_optimiser(self) -> torch.optim.Optimizer:
        decayed = self.schedule.weight_decay
        module = self.make_trainable_module()
        parameters = self.group_parameters(module) if self.group_parameters else module.parameters()
        if decayed:
            return torch.optim.AdamW(parameters, lr=self.schedule.rate, weight_decay=decayed, fused=True)
        return torch.optim.Adam(parameters, lr=self.schedule.rate, fused=True)

    @property
    def _unselectable_epochs(self) -> int:
        """Number of first epochs whose weights are not used; a run that is all warm-up uses its last."""
        warm = self.schedule.warm if self.warmup_loss is not None else 0
        return min(warm, self.schedule.epochs - 1)

    def _is_finished(self, progress: TrainingProgress) -> bool:
        done = len(progress.epochs)
        waited = done - max(progress.best, self._unselectable_epochs)
        has_patience = not self.schedule.patience or waited < self.schedule.patience
        return done >= self.schedule.epochs or progress.collapsed or not has_patience

    def _advance_epoch(self, state: TrainingState, progress: TrainingProgress) -> TrainingProgress:
        """Train one epoch and score the model."""
        number, start = len(progress.epochs) + 1, time.perf_counter()
        losses, sizes, rate = self._train_epoch(state, number)
        score = self._score_model()
        epoch = EpochResult(
            number=number,
            loss=float(np.mean(losses)),
            score=score,
            rate=rate,
            seconds=time.perf_counter() - start,
        )
        best = progress.best
        best_score = progress.scores[best - 1] if best else None
        if score is None:  # without a scorer the last weights are used, and no copy is needed
            best = number
        elif number > self._unselectable_epochs and (best_score is None or score > best_score):
            state.store_best()
            best = number
        self.on_epoch(epoch)
        record = {"loss": epoch.loss, "score": score, "rate": rate, "seconds": epoch.seconds}
        collapsed = number > self.schedule.warm and self._has_collapsed(losses, sizes)
        return TrainingProgress(epochs=(*progress.epochs, record), best=best, collapsed=collapsed)

    def _train_epoch(self, state: TrainingState, epoch_number: int) -> tuple[list[float], list[int], float]:
        self.model.train()
        loss = (
            self.warmup_loss
            if self.warmup_loss is not None and epoch_number <= self.schedule.warm
            else self.loss
        )
        chunks = list(_iterate_batches(self.training_set, self.schedule, state.generator))
        losses: list[float] = []
        sizes: list[int] = []
        rate = 0.0
        step = self.schedule.accumulate
        for start in range(0, len(chunks), step):
            rate = compute_learning_rate(self.schedule, (epoch_number - 1) + start / len(chunks))
            losses += self._make_step(state, loss, chunks[start : start + step], rate)
            sizes += map(len, chunks[start : start + step])
        return losses, sizes, rate

    def _make_step(
        self, state: TrainingState, loss: BatchLoss, chunks: list[Tensor], rate: float
    ) -> list[float]:
        """One step by the mean gradient of some batches of texts; their losses."""
        for group in state.optimiser.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)
        state.optimiser.zero_grad()
        losses = []
        for texts in chunks:
            batch_loss = self.model.compute_loss(self.training_set.make_batch(texts, state.generator), loss)
            (batch_loss / len(chunks)).backward()
            losses.append(float(batch_loss.detach()))
        if self.schedule.clip:
            nn.utils.clip_grad_norm_(state.module.parameters(), self.schedule.clip)
        state.optimiser.step()
        return losses

    def _score_model(self) -> float | None:
        self.model.eval()
        return None if self.score_model is None else float(self.score_model(self.model))

    def _has_collapsed(self, losses: list[float], batch_sizes: list[int]) -> bool:
        if self.collapse_test is None:
            return False
        return all(self.collapse_test(loss, size) for loss, size in zip(losses, batch_sizes, strict=True))


def _iterate_batches(
    training_set: TrainingPairs, schedule: Schedule, generator: torch.Generator
) -> Iterator[Tensor]:
    """Text numbers (n,) by batch; a last batch of a single text is left out: it has no negatives."""
    texts = _draw_texts(training_set, schedule, generator)
    for chunk in texts.split(schedule.batch):
        if len(chunk) > 1:
            yield chunk


def _draw_texts(training_set: TrainingPairs, schedule: Schedule, generator: torch.Generator) -> Tensor:
    usable = torch.from_numpy(training_set.usable_texts)
    shuffled = usable[torch.randperm(len(usable), generator=generator)]
    if schedule.draw == "texts":
        return shuffled
    first: Ints = np.unique(training_set.item_by_text[shuffled.numpy()], return_index=True)[1]
    return shuffled[torch.from_numpy(np.sort(first))]


def _make_history(progress: TrainingProgress) -> TrainingHistory:
    epochs = tuple(EpochResult(number=number, **record) for number, record in enumerate(progress.epochs, 1))
    return TrainingHistory(epochs=epochs, best=progress.best, collapsed=progress.collapsed)
