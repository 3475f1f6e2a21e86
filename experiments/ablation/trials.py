"""One space trained with one seed: what it is, its training, and what is kept of it on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save

from encoders.files import write_atomically
from experiments.ablation.fused_ranks import SplitEmbeddings, compute_rsum
from experiments.ablation.prepared_data import PreparedData
from experiments.ablation.settings import AblationSettings, LossSettings
from experiments.ablation.table_rows import LossSpec, SpaceSpec, TextTower
from losses import LOSSES, PairLoss, vse
from losses.ranking import compute_rank_weight, is_collapsed
from spaces.joint.towers import GRUTower, JointModel, Model, Projection, SentenceTower, SharedModel
from spaces.joint.training import RELEASED_SCHEDULE, EpochResult, Schedule, Trainer, TrainingHistory
from spaces.joint.training_set import TrainingSet

TRIAL_VERSION = 1  # raise it when the same trial would give other rows
HISTORY_FILE, EMBEDDINGS_FILE, TRIAL_FILE, CHECKPOINT_FILE = (
    "history.json",
    "rows.safetensors",
    "trial.json",
    "checkpoint.safetensors",
)
WARMUP_LOSSES = ("vse++", "weighted", "semi-hard")  # losses that warm up
NARROW_TOLERANCE, WIDE_TOLERANCE = (
    0.02,
    0.05,
)  # tolerance of the loss of a collapse; wide where the pairs of a batch vary
MAX_COLLAPSED_SPREAD = 0.1  # standard deviation of the similarities of a collapse, at most so many margins


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A space as it can be had (`Space.where`) and a seed."""

    space: SpaceSpec
    seed: int

    @property
    def text_tower(self) -> TextTower:
        """The text tower."""
        return self.space.text_tower or "gru"

    def resolve_schedule(self, settings: AblationSettings) -> Schedule:
        """As set, without warm-up for losses that need none; the released code's where that is asked for."""
        own = settings.schedule
        if self.space.released:
            own = replace(
                own,
                rate=RELEASED_SCHEDULE.rate,
                factor=RELEASED_SCHEDULE.factor,
                every=RELEASED_SCHEDULE.every,
            )
        return own if self.space.loss.name in WARMUP_LOSSES else replace(own, warm=0)

    def to_json(self, data: PreparedData, settings: AblationSettings) -> dict[str, Any]:
        """All that matters to what comes out."""
        return {
            "rule": TRIAL_VERSION,
            "data": data.compute_digest(self.space.roles, self.text_tower),
            "space": {
                "roles": self.space.roles,
                "some": self.space.allows_missing_roles,
                "shared": self.space.shared,
                "cost": asdict(self.space.loss),
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
    """The digest that names a trial's folder."""
    return hashlib.sha256(json.dumps(trial_json, sort_keys=True).encode()).hexdigest()[:16]


def is_finished(folder: Path) -> bool:
    """Whether a trial's folder holds all of it."""
    return (folder / HISTORY_FILE).exists()


def load_history(folder: Path) -> TrainingHistory:
    """The epochs of a finished trial."""
    told = json.loads((folder / HISTORY_FILE).read_text())
    epochs = tuple(EpochResult(**epoch) for epoch in told["epochs"])
    return TrainingHistory(epochs=epochs, best=told["best"], collapsed=told["collapsed"])


def load_embeddings(folder: Path) -> SplitEmbeddings:
    """The rows of a finished trial."""
    rows = {name: array.astype(np.float32) for name, array in load_file(folder / EMBEDDINGS_FILE).items()}
    return {part: (rows[f"{part}/media"], rows[f"{part}/texts"]) for part in ("dev", "test")}


def train_trial(
    trial: Trial,
    data: PreparedData,
    settings: AblationSettings,
    folder: Path,
    on_epoch: Callable[[], None] = lambda: None,
) -> None:
    """Train to the end, from the checkpoint on if there is one, and keep history and rows in the folder.

    The history comes last, so that a folder with one is whole; then the checkpoint goes. `on_epoch` is called
    after every epoch. Rows are kept in float16, as a library keeps them.
    """
    told = trial.to_json(data, settings)
    write_atomically(folder / TRIAL_FILE, json.dumps(told, indent=1).encode())
    parts = {
        part: data.make_training_set(part, trial.space.roles, trial.text_tower)
        for part in ("train", "dev", "test")
    }
    margin = settings.loss.margin
    watch = DevMonitor(trial.space, parts["train"], parts["dev"], margin)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(trial.seed)
        model = build_model(trial, data, settings)
    history = Trainer(
        model=model,
        training_set=parts["train"],
        loss=make_loss(trial.space.loss, settings.loss),
        schedule=trial.resolve_schedule(settings),
        seed=trial.seed,
        warmup_loss=vse(margin),
        score_model=watch.score_dev,
        collapse_test=watch.is_collapsed if trial.space.loss.name in ("vse++", "weighted") else None,
        run_key=compute_trial_key(told),
        on_epoch=lambda epoch: on_epoch(),
    ).run(folder / CHECKPOINT_FILE)
    rows = {}
    for part in ("dev", "test"):
        rows[f"{part}/media"] = model.encode_media(parts[part]).astype(np.float16)
        rows[f"{part}/texts"] = model.encode_texts(parts[part].text_tensor).astype(np.float16)
    write_atomically(folder / EMBEDDINGS_FILE, save(rows))
    write_atomically(folder / HISTORY_FILE, json.dumps(asdict(history)).encode())
    (folder / CHECKPOINT_FILE).unlink(missing_ok=True)


def build_model(trial: Trial, data: PreparedData, settings: AblationSettings) -> Model:
    """The heads of a trial, untrained; drawn from torch's random state."""
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
        return SharedModel({r: Projection({r: w}, dim, dropout=dropout) for r, w in widths.items()}, text)
    return JointModel(Projection(widths, dim, dropout=dropout), text)


def make_loss(spec: LossSpec, settings: LossSettings) -> PairLoss:
    """The loss of a space."""
    if spec.name == "infonce":
        return LOSSES[spec.name](temperature=settings.temperature)
    if spec.name == "weighted":
        return LOSSES[spec.name](settings.margin, spec.strength, spec.shape)
    return LOSSES[spec.name](settings.margin)


class DevMonitor:
    """Judges a model on the dev part, and sees whether its training has collapsed.

    The loss alone can't tell: where the hardest negatives are as good as right it is 2 n margin as well. A
    collapse also leaves no spread in the dev part's similarities.
    """

    def __init__(self, space: SpaceSpec, train_set: TrainingSet, dev_set: TrainingSet, margin: float) -> None:
        self._space, self._dev_set, self._margin = space, dev_set, margin
        there = [float((~np.isnan(rows).any(1)).mean()) for rows in train_set.features.values()]
        # a shared space adds up one loss a role, over the pairs whose role is there
        self._expected_losses = sum(there) if space.shared else 1.0
        self._similarity_spread = np.inf

    def score_dev(self, model: Model) -> float:
        """rsum of the dev part."""
        media, texts = model.encode_media(self._dev_set), model.encode_texts(self._dev_set.text_tensor)
        said = media[~np.isnan(media).any(1)]
        self._similarity_spread = float(np.std(texts @ said.T)) if len(said) else np.inf
        return compute_rsum(media, texts, self._dev_set.item_by_text)

    def is_collapsed(self, loss: float, pair_count: int) -> bool:
        """Whether the loss of a batch is that of equal vectors, and so are the similarities."""
        if self._similarity_spread > MAX_COLLAPSED_SPREAD * self._margin:
            return False
        cost = self._space.loss
        strength = cost.strength if cost.name == "weighted" else 0.0
        middle, among = torch.tensor([(pair_count + 1) / 2]), torch.tensor([pair_count])
        weight = float(compute_rank_weight(middle, among, strength=strength, shape=cost.shape))
        tolerance = (
            WIDE_TOLERANCE if self._expected_losses != int(self._expected_losses) else NARROW_TOLERANCE
        )
        return is_collapsed(loss, pair_count, self._margin, weight * self._expected_losses, tolerance)
