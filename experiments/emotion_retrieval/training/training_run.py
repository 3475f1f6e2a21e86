"""Training of the baseline and the emotion models, each into a folder of its own that `clipvip` reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from encoders import AffectError, describe_os_error, to_printable, write_atomically
from encoders.clipvip.io import save_model
from encoders.files import compute_sha256
from encoders.hub.weights import find_model_weights
from experiments.emotion_retrieval.training.devices import select_bfloat16, select_device
from experiments.emotion_retrieval.training.training_card import CARD_FILE, format_card, measure_dev
from experiments.emotion_retrieval.training.training_data import TrainingData, evaluate_pairs
from experiments.emotion_retrieval.training.training_options import TrainingOptions
from experiments.emotion_retrieval.training.video_text_model import VideoTextModel, group_parameters
from spaces.joint import Trainer, TrainingHistory

RUN_VERSION = 1  # raise it when the same configuration would give other weights
CHECKPOINT_FILE = "checkpoint.safetensors"
RESULT_FILE = "training.json"

ProgressCallback = Callable[[str, int, int], None]  # (name of the model, batches done, batches in all)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingRun:
    """The training of one model; its folder is complete when it has a RESULT_FILE."""

    name: str
    options: TrainingOptions
    data: TrainingData
    folder: Path

    @property
    def key(self) -> str:
        """Digest of everything the weights depend on."""
        weights = [find_model_weights(self.options.clip), self.options.checkpoint]
        content = {
            "version": RUN_VERSION,
            "settings": self.options.describe(self.name),
            "data": self.data.digest,
            "start": [compute_sha256(path) for path in weights if path is not None],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def read_result(self) -> dict[str, Any] | None:
        """What was written at the end, None before. Raises AffectError where it is of another run."""
        path = self.folder / RESULT_FILE
        try:
            result: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise AffectError(f"{to_printable(path)}: can't be read ({error}); delete the folder") from error
        if result.get("key") != self.key:
            raise AffectError(
                f"{to_printable(self.folder)}: holds a model of another configuration or of other data; "
                "name another folder by --out"
            )
        return result

    def count_done_epochs(self) -> int:
        """Epochs in the checkpoint; 0 without one that can be read."""
        try:
            with safe_open(self.folder / CHECKPOINT_FILE, "pt") as stored:
                return len(json.loads(stored.metadata()["progress"])["epochs"])
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            return 0

    def train(self, provenance: Mapping[str, Any], on_batch: Callable[[], None]) -> dict[str, Any]:
        """Train from the checkpoint if there is one, and write the model, its card and its history."""
        device = select_device(self.options.device)
        clip_vip = self.options.make_model(self.name)
        model = VideoTextModel(
            clip_vip, device=device, bfloat16=select_bfloat16(self.options.precision, device),
            on_batch=on_batch,
        )  # fmt: skip
        loss, warmup_loss = self.options.make_losses(clip_vip)
        dev = self.data.dev
        trainer = Trainer(
            model=model, training_set=self.data.train, loss=loss, warmup_loss=warmup_loss,
            schedule=self.options.schedule, seed=self.options.seed, run_key=self.key,
            score_model=None if dev is None else lambda trained: evaluate_pairs(trained, dev).rsum,
            group_parameters=lambda module: group_parameters(
                module, new_rate_factor=self.options.new_rate_factor, decay_rule=self.options.decay_rule,
                is_clip_vip=self.options.checkpoint is not None,
            ),
        )  # fmt: skip
        history = trainer.run(self.folder / CHECKPOINT_FILE)
        result = self._describe_result(model, history, provenance)
        save_model(clip_vip.cpu(), self.folder, self.options.clip)
        write_atomically(self.folder / CARD_FILE, format_card(result).encode())
        write_atomically(self.folder / RESULT_FILE, json.dumps(result, indent=1).encode())
        (self.folder / CHECKPOINT_FILE).unlink(missing_ok=True)
        return result

    def _describe_result(
        self, model: VideoTextModel, history: TrainingHistory, provenance: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            "key": self.key,
            "name": self.name,
            "settings": self.options.describe(self.name),
            "files": {
                name: path.name
                for name, path in (("clip", self.options.clip), ("checkpoint", self.options.checkpoint),
                                   ("records", self.options.records))
                if path is not None
            },
            "data": self.data.describe(),
            "device": model.device.type,
            "bfloat16": model.uses_bfloat16,
            "dev": None if self.data.dev is None else measure_dev(model, self.data.dev, self.options.seed),
            "best epoch": history.best,
            "temperature": float((-model.clip_vip.logit_scale.detach()).exp()),
            "history": [asdict(epoch) for epoch in history.epochs],
            "provenance": dict(provenance),
        }  # fmt: skip


def train_models(
    options: TrainingOptions, data: TrainingData, out: Path, provenance: Mapping[str, Any],
    on_progress: ProgressCallback = lambda name, done, total: None,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Train every model of the options into `out`/NAME, those that are done before excepted; their results.

    Every model is made once before anything is trained or written. Raises AffectError.
    """
    runs = [TrainingRun(name=name, options=options, data=data, folder=out / name) for name in options.models]
    results = {run.name: run.read_result() for run in runs}
    for run in runs:
        if results[run.name] is None:
            options.make_model(run.name)
    batches = data.count_batches(options.schedule)
    for run in runs:
        if results[run.name] is not None:
            continue
        done = run.count_done_epochs() * batches // options.schedule.epochs

        def count_batch(name: str = run.name) -> None:
            nonlocal done
            on_progress(name, done, batches)
            done += 1

        try:
            run.folder.mkdir(parents=True, exist_ok=True)
            results[run.name] = run.train(provenance, count_batch)
        except OSError as error:
            raise AffectError(f"{to_printable(run.folder)}: {describe_os_error(error)}") from error
    return {name: result for name, result in results.items() if result is not None}
