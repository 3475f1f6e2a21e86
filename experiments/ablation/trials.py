"""A space trained with one seed: its training, and its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from encoders import Rows, read_safetensors, write_atomically, write_safetensors
from experiments.ablation.custom_losses import get_loss_entry, hash_loss_source
from experiments.ablation.dev_monitor import DevMonitor
from experiments.ablation.fused_ranks import SplitEmbeddings
from experiments.ablation.prepared_data import SPLITS, PreparedData
from experiments.ablation.settings import AblationSettings, LossSettings
from experiments.ablation.space_spec import LossSpec, SpaceSpec, TextTower
from losses import PairLoss
from spaces.joint import Schedule, Trainer, TrainingHistory, TrainingSet
from spaces.joint.schedule import RELEASED_SCHEDULE
from spaces.joint.towers import GRUTower, JointModel, Model, Projection, SentenceTower, SharedModel
from spaces.joint.training import EpochResult

TRIAL_VERSION = 2  # part of the key: raise it when the same trial would give other embeddings
HISTORY_FILE, TRIAL_FILE = "history.json", "trial.json"
EMBEDDINGS_FILE, CHECKPOINT_FILE = "rows.safetensors", "checkpoint.safetensors"
EVALUATED_SPLITS = ("dev", "test")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A resolved space (`SpaceSpec.resolve`) and a seed."""

    space: SpaceSpec
    seed: int

    @property
    def text_tower(self) -> TextTower:
        """The text tower of the space."""
        return self.space.text_tower or "gru"

    def resolve_schedule(self, settings: AblationSettings) -> Schedule:
        """The schedule of the settings, or of the released code; no warm-up for losses that need none."""
        schedule = settings.schedule
        if self.space.released:
            schedule = replace(
                schedule,
                rate=RELEASED_SCHEDULE.rate,
                factor=RELEASED_SCHEDULE.factor,
                every=RELEASED_SCHEDULE.every,
            )
        return schedule if get_loss_entry(self.space.loss.name).warmup else replace(schedule, warm=0)

    def to_json(self, data: PreparedData, settings: AblationSettings) -> dict[str, Any]:
        """Everything that the result depends on."""
        source = {"source": hash_loss_source(self.space.loss.name)} if self.space.loss.is_custom else {}
        return {
            "rule": TRIAL_VERSION,
            "data": data.compute_digest(self.space.roles, self.text_tower),
            "space": {
                "roles": self.space.roles,
                "some": self.space.allows_missing_roles,
                "shared": self.space.shared,
                "cost": {**asdict(self.space.loss), **source},
                "text": self.space.text_tower,
                "released": self.space.released,
            },
            "loss": asdict(settings.loss),
            "schedule": asdict(self.resolve_schedule(settings)),
            "heads": asdict(settings.heads),
            "words": asdict(settings.words) if self.text_tower == "gru" else {},
            "seed": self.seed,
        }


def compute_trial_key(trial_json: dict[str, Any]) -> str:
    """The name of a trial's folder: a digest of `Trial.to_json`."""
    return hashlib.sha256(json.dumps(trial_json, sort_keys=True).encode()).hexdigest()[:16]


def is_finished(folder: Path) -> bool:
    """Whether a trial's folder is complete."""
    return (folder / HISTORY_FILE).exists()


def load_history(folder: Path) -> TrainingHistory:
    """The history of a finished trial."""
    stored = json.loads((folder / HISTORY_FILE).read_text())
    epochs = tuple(EpochResult(**epoch) for epoch in stored["epochs"])
    return TrainingHistory(epochs=epochs, best=stored["best"], collapsed=stored["collapsed"])


def load_embeddings(folder: Path) -> SplitEmbeddings:
    """The embeddings of a finished trial by split, in float32."""
    tensors = read_safetensors(folder / EMBEDDINGS_FILE).tensors
    rows = {name: array.astype(np.float32) for name, array in tensors.items()}
    return {split: (rows[f"{split}/media"], rows[f"{split}/texts"]) for split in EVALUATED_SPLITS}


def train_trial(
    trial: Trial,
    data: PreparedData,
    settings: AblationSettings,
    folder: Path,
    on_epoch: Callable[[], None] = lambda: None,
) -> None:
    """Train a space to the end, from the checkpoint if there is one, and write its history and embeddings.

    The history is written last, so that a folder with one is complete; then the checkpoint is removed.
    `on_epoch` is called after every epoch. Embeddings are stored in float16, as in a library.
    """
    trial_json = trial.to_json(data, settings)
    write_atomically(folder / TRIAL_FILE, json.dumps(trial_json, indent=1).encode())
    sets = {split: data.make_training_set(split, trial.space.roles, trial.text_tower) for split in SPLITS}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(trial.seed)
        model = build_model(trial, data, settings)
    margin, entry = settings.loss.margin, get_loss_entry(trial.space.loss.name)
    loss = make_loss(trial.space.loss, settings.loss)
    collapsed_loss = partial(entry.collapsed_loss, loss) if entry.collapsed_loss else None
    monitor = DevMonitor(trial.space, sets["train"], sets["dev"], margin, collapsed_loss)
    history = Trainer(
        model=model,
        training_set=sets["train"],
        loss=loss,
        schedule=trial.resolve_schedule(settings),
        seed=trial.seed,
        warmup_loss=entry.warmup(margin) if entry.warmup else None,
        score_model=monitor.score_dev,
        collapse_test=monitor.is_collapsed if collapsed_loss else None,
        run_key=compute_trial_key(trial_json),
        on_epoch=lambda epoch: on_epoch(),
    ).run(folder / CHECKPOINT_FILE)
    write_safetensors(folder / EMBEDDINGS_FILE, _encode_splits(model, sets))
    write_atomically(folder / HISTORY_FILE, json.dumps(asdict(history)).encode())
    (folder / CHECKPOINT_FILE).unlink(missing_ok=True)


def _encode_splits(model: Model, sets: Mapping[str, TrainingSet]) -> dict[str, Rows]:
    """Embeddings of dev and test in float16, named as `load_embeddings` expects."""
    rows: dict[str, Rows] = {}
    for split in EVALUATED_SPLITS:
        rows[f"{split}/media"] = model.encode_media(sets[split]).astype(np.float16)
        rows[f"{split}/texts"] = model.encode_texts(sets[split].text_tensor).astype(np.float16)
    return rows


def build_model(trial: Trial, data: PreparedData, settings: AblationSettings) -> Model:
    """The untrained model of a trial, initialised from torch's random state."""
    dim, dropout = settings.heads.dim, settings.heads.dropout
    widths = {role: data.features[role].shape[1] for role in trial.space.roles}
    text: SentenceTower | GRUTower
    if trial.text_tower == "sentence":
        text = SentenceTower(data.texts["sentence"].shape[1], dim)
    else:
        text = GRUTower(
            data.vocabulary_size, dim, word_dim=settings.words.width, word_vectors=data.word_vectors
        )
    if trial.space.shared:
        return SharedModel(
            {role: Projection({role: width}, dim, dropout=dropout) for role, width in widths.items()}, text
        )
    return JointModel(Projection(widths, dim, dropout=dropout), text)


def make_loss(spec: LossSpec, settings: LossSettings) -> PairLoss:
    """The loss of a space."""
    return get_loss_entry(spec.name).make_from_settings({**asdict(settings), **asdict(spec)})
