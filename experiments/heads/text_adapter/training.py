"""Training of the adapters, and their cache on disk."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from encoders import read_safetensors, write_safetensors
from encoders.minilm import DIM, build_mean_pooled_model, minilm
from experiments.heads.text_adapter import lora, token_batches
from experiments.heads.text_adapter.lora import add_lora
from experiments.heads.text_adapter.token_batches import Ints, draw_batches, pad_tokens, tokenize
from experiments.heads.text_adapter.training_sets import Floats, TrainingSet
from losses import ccc_loss

PROGRESS_INTERVAL_SECONDS = 20
MAX_GRADIENT_NORM = 1.0
HEAD_INIT_SD = 0.02
CODE_FILES = (
    *(Path(str(module.__file__)) for module in (lora, token_batches)),
    Path(__file__),
)


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """Training of adapters.

    rank, scaling: of the adapters
    epochs: passes over the main training set
    learning_rate, weight_decay: of AdamW
    warmup_share: share of the steps in which the learning rate rises; then it falls to zero
    ccc_weight: weight of 1 - CCC beside the squared error
    max_tokens: of a text
    """

    rank: int = 16
    scaling: float = 2.0
    epochs: float = 3.0
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_share: float = 0.06
    ccc_weight: float = 0.5
    max_tokens: int = 64


def load_or_train_adapters(
    training_sets: Sequence[TrainingSet],
    config: AdapterConfig,
    *,
    seed: int,
    order: int,
    folder: Path,
    quiet: bool = False,
) -> dict[str, Floats]:
    """As `train_adapters`; from `folder` where the same training was finished before, by the same code."""
    key = hashlib.sha256(b"".join(path.read_bytes() for path in CODE_FILES))
    key.update(repr((config, seed, order, minilm().card.sha256)).encode())
    for data in training_sets:
        key.update(
            repr(
                (
                    data.name,
                    list(data.texts),
                    data.batch_size,
                    data.loss_weight,
                    data.has_separate_head,
                )
            ).encode()
        )
        key.update(data.targets.tobytes())
    file = folder / f"minilm-affect-{key.hexdigest()[:16]}.safetensors"
    if not file.exists():
        write_safetensors(file, train_adapters(training_sets, config, seed=seed, order=order, quiet=quiet))
    return dict(read_safetensors(file).tensors)


def train_adapters(
    training_sets: Sequence[TrainingSet],
    config: AdapterConfig,
    *,
    seed: int,
    order: int = 0,
    quiet: bool = False,
) -> dict[str, Floats]:
    """Adapters and head, as `encoders.minilm_affect` loads them; the first training set is the main one.

    Initial weights are drawn from `seed`; the order of the texts and dropout from `seed` and `order`.

    "<layer>.down" (rank, in), "<layer>.up" (out, rank) with the scaling in it, "head.weight" (2, 384) and
    "head.bias" (2,) from the mean of the tokens to the plane.
    """
    trainer = _AdapterTrainer(training_sets, config, seed=seed, order=order)
    start = last_printed = time.monotonic()
    for step in range(trainer.n_steps):
        losses = trainer.run_step()
        if not quiet and time.monotonic() - last_printed > PROGRESS_INTERVAL_SECONDS:
            last_printed = time.monotonic()
            listed = " ".join(f"{float(loss.detach()):.2f}" for loss in losses)
            print(
                f"step {step} of {trainer.n_steps}, {last_printed - start:.0f} s, losses {listed}",
                file=sys.stderr,
                flush=True,
            )
    return trainer.export_tensors()


class _AdapterTrainer:
    """Model, heads, optimiser and batches of one training; the order of the code is that of random draws."""

    def __init__(
        self, training_sets: Sequence[TrainingSet], config: AdapterConfig, *, seed: int, order: int
    ) -> None:
        self.training_sets, self.config = training_sets, config
        torch.manual_seed(seed)
        encoder = minilm()
        self.model = build_mean_pooled_model(encoder.folder)
        self.layers = add_lora(self.model, config.rank, config.scaling)
        self.affect_head = nn.Linear(DIM, 2)
        self.heads = self._make_heads()
        self.adapters = [weight for layer in self.layers.values() for weight in (layer.down, layer.up)]
        self.n_steps = _count_steps(training_sets[0], config)
        self.optimiser, self.schedule = self._make_optimiser()
        self.token_ids = {
            data.name: tokenize(encoder, data.texts, config.max_tokens) for data in training_sets
        }
        rng = np.random.default_rng([seed, order])
        torch.manual_seed(int(rng.integers(2**31)))
        self.batches = {
            data.name: draw_batches([len(ids) for ids in self.token_ids[data.name]], data.batch_size, rng)
            for data in training_sets
        }
        self.model.train()

    def run_step(self) -> list[Tensor]:
        """One step of the optimiser; the weighted loss of each training set."""
        self.optimiser.zero_grad()
        # the main set apart: the other texts are short, and need no padding to the length of sentences
        losses = [
            loss
            for training_sets in (self.training_sets[:1], self.training_sets[1:])
            for loss in self._compute_losses(training_sets)
        ]
        torch.stack(losses).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.adapters, MAX_GRADIENT_NORM)
        self.optimiser.step()
        self.schedule.step()
        return losses

    def export_tensors(self) -> dict[str, Floats]:
        """The trained weights by name."""
        tensors: dict[str, Tensor] = {f"{name}.down": layer.down for name, layer in self.layers.items()}
        tensors |= {f"{name}.up": layer.scaling * layer.up for name, layer in self.layers.items()}
        tensors |= {f"head.{name}": weight for name, weight in self.affect_head.named_parameters()}
        return {name: weight.detach().contiguous().numpy() for name, weight in tensors.items()}

    def _make_heads(self) -> Mapping[str, nn.Linear]:
        heads = {
            data.name: nn.Linear(DIM, data.targets.shape[1]) if data.has_separate_head else self.affect_head
            for data in self.training_sets
        }
        for head in heads.values():
            nn.init.normal_(head.weight, std=HEAD_INIT_SD)
            nn.init.zeros_(head.bias)
        return heads

    def _make_optimiser(self) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.OneCycleLR]:
        config = self.config
        head_weights = [weight for head in set(self.heads.values()) for weight in head.parameters()]
        optimiser = torch.optim.AdamW(
            self.adapters + head_weights, lr=config.learning_rate, weight_decay=config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, config.learning_rate, total_steps=self.n_steps, pct_start=config.warmup_share,
            anneal_strategy="linear", cycle_momentum=False,
        )  # fmt: skip
        return optimiser, schedule

    def _compute_losses(self, training_sets: Sequence[TrainingSet]) -> Iterator[Tensor]:
        """The weighted losses of a batch of each of these sets, encoded together."""
        picks = [next(self.batches[data.name]) for data in training_sets]
        texts = [
            self.token_ids[data.name][row]
            for data, pick in zip(training_sets, picks, strict=True)
            for row in pick
        ]
        with torch.autocast("cpu", torch.bfloat16):  # twice as fast where the processor has bfloat16
            rows = self.model(*pad_tokens(texts)) if texts else torch.zeros(0, DIM)
        parts = torch.split(rows.float(), [len(pick) for pick in picks])
        for data, pick, part in zip(training_sets, picks, parts, strict=True):
            yield data.loss_weight * self._compute_loss(data, pick, part)

    def _compute_loss(self, training_set: TrainingSet, pick: Ints, rows: Tensor) -> Tensor:
        """Squared error in units of the targets' SD, and 1 - CCC for valence and arousal."""
        spread = torch.from_numpy(training_set.targets.std(axis=0))
        targets = torch.from_numpy(training_set.targets[pick]) / spread
        predictions = self.heads[training_set.name](rows)[:, : targets.shape[1]] / spread
        loss = (predictions - targets).square().mean()
        if not training_set.has_separate_head:
            loss = loss + self.config.ccc_weight * ccc_loss(predictions, targets).mean()
        return loss


def _count_steps(training_set: TrainingSet, config: AdapterConfig) -> int:
    return int(np.ceil(len(training_set.texts) / training_set.batch_size * config.epochs))
