"""Checkpoints of training runs as safetensors, which run no code when loaded."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from encoders import AffectError, to_printable, write_atomically

KEY_SEPARATOR = "/"


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """Finished epochs (loss, score, rate, seconds), number of the best from 1 (0: none), and collapse."""

    epochs: tuple[dict[str, Any], ...] = ()
    best: int = 0
    collapsed: bool = False

    @property
    def scores(self) -> list[float | None]:
        """The score of each epoch."""
        return [epoch["score"] for epoch in self.epochs]


class TrainingState:
    """The state of a run; torch's global random state is saved with it."""

    def __init__(
        self, module: nn.Module, optimiser: torch.optim.Optimizer, generator: torch.Generator
    ) -> None:
        self.module, self.optimiser, self.generator = module, optimiser, generator
        self.best_weights: dict[str, Tensor] = {}

    def store_best(self) -> None:
        """Copy the current weights."""
        self.best_weights = {
            name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()
        }

    def restore_best(self) -> None:
        """Restore the copied weights, if any."""
        if self.best_weights:
            self.module.load_state_dict(self.best_weights)

    def save(self, path: Path, run_key: str, progress: TrainingProgress) -> None:
        """Write a checkpoint atomically."""
        moments = {
            f"{number}{KEY_SEPARATOR}{name}": torch.as_tensor(value)
            for number, values in self.optimiser.state_dict()["state"].items()
            for name, value in values.items()
        }
        parts = {
            "now": self.module.state_dict(),
            "best": self.best_weights,
            "moments": moments,
            "random": {"batches": self.generator.get_state(), "torch": torch.random.get_rng_state()},
        }
        tensors = {
            f"{part}{KEY_SEPARATOR}{name}": tensor.contiguous()
            for part, entries in parts.items()
            for name, tensor in entries.items()
        }
        notes = {"key": run_key, "progress": json.dumps(asdict(progress))}
        write_atomically(path, save(tensors, notes))

    def load(self, path: Path, run_key: str) -> TrainingProgress:
        """Restore a checkpoint written by `save`; without a file, no progress. Raises AffectError."""
        if not path.exists():
            return TrainingProgress()
        try:
            with safe_open(path, "pt") as stored:
                notes = stored.metadata() or {}
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as bad:
            raise AffectError(
                f"{to_printable(path)}: no checkpoint ({bad}); delete it to begin anew"
            ) from bad
        other = f"{to_printable(path)}: of another run; delete it, or name another folder"
        if notes.get("key") != run_key:
            raise AffectError(other)
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(KEY_SEPARATOR)
            parts.setdefault(part, {})[rest] = tensor
        try:
            self.module.load_state_dict(parts["now"])
        except RuntimeError as bad:  # names or shapes differ
            raise AffectError(other) from bad
        self.best_weights = parts.get("best", {})
        self._load_moments(parts.get("moments", {}))
        self.generator.set_state(parts["random"]["batches"])
        torch.random.set_rng_state(parts["random"]["torch"])
        stored_progress = json.loads(notes["progress"])
        return TrainingProgress(**{**stored_progress, "epochs": tuple(stored_progress["epochs"])})

    def _load_moments(self, moments: dict[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in moments.items():
            number, _, rest = name.partition(KEY_SEPARATOR)
            state.setdefault(int(number), {})[rest] = tensor
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})
