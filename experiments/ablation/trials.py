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

from encoders.onnx_runtime import write_whole
from experiments.ablation.fused_ranks import Placed, rsum_of
from experiments.ablation.prepared_data import Corpus
from experiments.ablation.settings import LossSettings, Settings
from experiments.ablation.table_rows import Cost, Space, Text
from losses import LOSSES, PairLoss, vse
from losses.ranking import collapsed, rank_weight
from spaces.joint.towers import Joint, Model, Projection, Sentences, Shared, Words
from spaces.joint.training import RELEASED, Epoch, History, Schedule, Training
from spaces.joint.training_set import Material

RULE = 1  # raise it when the same trial would give other rows
HISTORY, ROWS, TRIAL, CHECKPOINT = "history.json", "rows.safetensors", "trial.json", "checkpoint.safetensors"
HARDEST = ("vse++", "weighted", "semi-hard")  # losses that warm up
NARROW, WIDE = 0.02, 0.05  # tolerance of the loss of a collapse; wide where the pairs of a batch vary
SPREAD = 0.1  # standard deviation of the similarities of a collapse, at most so many margins


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A space as it can be had (`Space.where`) and a seed."""

    space: Space
    seed: int

    @property
    def text(self) -> Text:
        """The text tower."""
        return self.space.text or "gru"

    def schedule(self, settings: Settings) -> Schedule:
        """As set, without warm-up for losses that need none; the released code's where that is asked for."""
        own = settings.schedule
        if self.space.released:
            own = replace(own, rate=RELEASED.rate, factor=RELEASED.factor, every=RELEASED.every)
        return own if self.space.cost.name in HARDEST else replace(own, warm=0)

    def told(self, corpus: Corpus, settings: Settings) -> dict[str, Any]:
        """All that matters to what comes out."""
        return {
            "rule": RULE,
            "data": corpus.digest(self.space.roles, self.text),
            "space": asdict(self.space),
            "loss": asdict(settings.loss),
            "schedule": asdict(self.schedule(settings)),
            "heads": asdict(settings.heads),
            "words": asdict(settings.words) if self.text == "gru" else {},
            "seed": self.seed,
        }


def key_of(told: dict[str, Any]) -> str:
    """The digest that names a trial's folder."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def finished(folder: Path) -> bool:
    """Whether a trial's folder holds all of it."""
    return (folder / HISTORY).exists()


def history_of(folder: Path) -> History:
    """The epochs of a finished trial."""
    told = json.loads((folder / HISTORY).read_text())
    epochs = tuple(Epoch(**epoch) for epoch in told["epochs"])
    return History(epochs=epochs, best=told["best"], collapsed=told["collapsed"])


def rows_of(folder: Path) -> Placed:
    """The rows of a finished trial."""
    rows = {name: array.astype(np.float32) for name, array in load_file(folder / ROWS).items()}
    return {part: (rows[f"{part}/media"], rows[f"{part}/texts"]) for part in ("dev", "test")}


def train(
    trial: Trial, corpus: Corpus, settings: Settings, folder: Path, tell: Callable[[], None] = lambda: None
) -> None:
    """Train to the end, from the checkpoint on if there is one, and keep history and rows in the folder.

    The history comes last, so that a folder with one is whole; then the checkpoint goes. `tell` is called
    after every epoch. Rows are kept in float16, as a library keeps them.
    """
    told = trial.told(corpus, settings)
    write_whole(folder / TRIAL, json.dumps(told, indent=1).encode())
    parts = {part: corpus.material(part, trial.space.roles, trial.text) for part in ("train", "dev", "test")}
    margin = settings.loss.margin
    watch = Watch(trial.space, parts["train"], parts["dev"], margin)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(trial.seed)
        model = built(trial, corpus, settings)
    history = Training(
        model=model,
        material=parts["train"],
        loss=cost_of(trial.space.cost, settings.loss),
        schedule=trial.schedule(settings),
        seed=trial.seed,
        warm=vse(margin),
        judge=watch.judge,
        stuck=watch.stuck if trial.space.cost.name in ("vse++", "weighted") else None,
        key=key_of(told),
        report=lambda epoch: tell(),
    ).run(folder / CHECKPOINT)
    rows = {}
    for part in ("dev", "test"):
        rows[f"{part}/media"] = model.media_rows(parts[part]).astype(np.float16)
        rows[f"{part}/texts"] = model.text_rows(parts[part].text_tensor).astype(np.float16)
    write_whole(folder / ROWS, save(rows))
    write_whole(folder / HISTORY, json.dumps(asdict(history)).encode())
    (folder / CHECKPOINT).unlink(missing_ok=True)


def built(trial: Trial, corpus: Corpus, settings: Settings) -> Model:
    """The heads of a trial, untrained; drawn from torch's random state."""
    dim, dropout = settings.heads.dim, settings.heads.dropout
    widths = {role: corpus.media[role].shape[1] for role in trial.space.roles}
    text: Sentences | Words
    if trial.text == "sentence":
        text = Sentences(corpus.texts["sentence"].shape[1], dim)
    else:
        text = Words(corpus.words, dim, width=settings.words.width, vectors=corpus.vectors)
    if trial.space.shared:
        return Shared({r: Projection({r: w}, dim, dropout=dropout) for r, w in widths.items()}, text)
    return Joint(Projection(widths, dim, dropout=dropout), text)


def cost_of(cost: Cost, settings: LossSettings) -> PairLoss:
    """The loss of a space."""
    if cost.name == "infonce":
        return LOSSES[cost.name](temperature=settings.temperature)
    if cost.name == "weighted":
        return LOSSES[cost.name](settings.margin, cost.strength, cost.shape)
    return LOSSES[cost.name](settings.margin)


class Watch:
    """Judges a model on the dev part, and sees whether its training has collapsed.

    The loss alone can't tell: where the hardest negatives are as good as right it is 2 n margin as well. A
    collapse also leaves no spread in the dev part's similarities.
    """

    def __init__(self, space: Space, train: Material, dev: Material, margin: float) -> None:
        self._space, self._dev, self._margin = space, dev, margin
        there = [float((~np.isnan(rows).any(1)).mean()) for rows in train.media.values()]
        # a shared space adds up one loss a role, over the pairs whose role is there
        self._losses = sum(there) if space.shared else 1.0
        self._spread = np.inf

    def judge(self, model: Model) -> float:
        """rsum of the dev part."""
        media, texts = model.media_rows(self._dev), model.text_rows(self._dev.text_tensor)
        said = media[~np.isnan(media).any(1)]
        self._spread = float(np.std(texts @ said.T)) if len(said) else np.inf
        return rsum_of(media, texts, self._dev.owner)

    def stuck(self, loss: float, pairs: int) -> bool:
        """Whether the loss of a batch is that of equal vectors, and so are the similarities."""
        if self._spread > SPREAD * self._margin:
            return False
        cost = self._space.cost
        strength = cost.strength if cost.name == "weighted" else 0.0
        middle, among = torch.tensor([(pairs + 1) / 2]), torch.tensor([pairs])
        weight = float(rank_weight(middle, among, strength=strength, shape=cost.shape))
        tolerance = WIDE if self._losses != int(self._losses) else NARROW
        return collapsed(loss, pairs, self._margin, weight * self._losses, tolerance)
