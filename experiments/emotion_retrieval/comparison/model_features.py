"""Unit rows of a test set by a trained model, kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from encoders import AffectError, Frames, Rows, read_safetensors, to_printable, write_safetensors
from encoders.clipvip.config import ClipVipConfig
from encoders.clipvip.encoder import load_tokenizer
from encoders.clipvip.io import WEIGHTS_FILE, load_model, read_config
from encoders.files import compute_sha256
from experiments.emotion_retrieval.data.affect_table import AffectTable
from experiments.emotion_retrieval.data.caption_queries import CaptionQueries
from experiments.emotion_retrieval.data.video_frames import VideoFrames, read_videos
from experiments.emotion_retrieval.data.video_pairs import make_video_pairs
from experiments.emotion_retrieval.training.video_text_model import VideoTextModel
from retrieval.progress_reporter import ProgressReporter

ENCODING_VERSION = 1  # raise it when the same model would give other rows


@dataclass(frozen=True)
class StoredModel:
    """A folder that `encoders.clipvip.io.save_model` wrote. Raises AffectError where it can't be read."""

    folder: Path

    @property
    def config(self) -> ClipVipConfig:
        """The configuration in the header of the weights."""
        return read_config(self.folder)

    @property
    def side(self) -> int:
        """Side of the frames in pixels."""
        side: int = self.config.clip["vision_config"]["image_size"]
        return side

    @property
    def sha256(self) -> str:
        """Digest of the weights."""
        return compute_sha256(self.folder / WEIGHTS_FILE)

    def encode(
        self, queries: CaptionQueries, frames: VideoFrames, *, cache_folder: Path,
        affect: AffectTable | None = None, device: str = "cpu", bfloat16: bool = False,
    ) -> tuple[Rows, Rows, tuple[str, ...]]:  # fmt: skip
        """Unit rows of the captions (n, dim) and of the videos (videos, dim), and the ids of the videos."""
        gallery = tuple(dict.fromkeys(queries.video_ids))
        used = affect if self.config.affect_dim else None
        affect_digest = used.digest if used else ""
        settings = (ENCODING_VERSION, self.sha256, queries.digest, frames.digest, affect_digest, bfloat16)
        key = hashlib.sha256(json.dumps(settings).encode()).hexdigest()
        path = cache_folder / f"{key[:32]}.safetensors"
        try:
            stored = read_safetensors(path).tensors
            return stored["texts"], stored["videos"], gallery
        except (FileNotFoundError, SafetensorError, ValueError, KeyError):
            pass
        texts, videos = self._compute_rows(queries, frames.by_video, used, device, bfloat16)
        write_safetensors(path, {"texts": texts, "videos": videos})
        return texts, videos, gallery

    def _compute_rows(
        self, queries: CaptionQueries, frames_by_video: Mapping[str, Frames], affect: AffectTable | None,
        device: str, bfloat16: bool,
    ) -> tuple[Rows, Rows]:  # fmt: skip
        model = load_model(self.folder)
        pairs = make_video_pairs(
            frames_by_video, queries.texts, queries.video_ids,
            queries.order_emotions(model.config.emotions.order),
            tokenizer=load_tokenizer(self.folder),
            max_length=model.text.text_model.config.max_position_embeddings,
            affect_by_video=None if affect is None else affect.by_video,
            frame_count=model.config.temporal_size,
        )  # fmt: skip
        return VideoTextModel(model, device=device, bfloat16=bfloat16).encode(pairs)


def name_models(folders: Sequence[Path], affect: AffectTable | None = None) -> dict[str, StoredModel]:
    """Models by the names of their folders, or by the whole path where two have the same name.

    Raises AffectError where one can't be read, is given twice, or takes other numbers of affect.
    """
    names = [folder.name for folder in folders]
    models = {
        folder.name if names.count(folder.name) == 1 else str(folder): StoredModel(folder)
        for folder in folders
    }
    if len(models) < len(folders):
        raise AffectError("a model is given twice")
    given = 0 if affect is None else len(affect.columns)
    for model in models.values():
        if (wanted := model.config.affect_dim) not in (0, given):
            raise AffectError(
                f"{to_printable(model.folder)}: takes {wanted} numbers of affect a video, not {given}; give "
                "the table that it was trained with by --affect"
            )
        load_tokenizer(model.folder)
    return models


def encode_models(
    models: Mapping[str, StoredModel], queries: CaptionQueries, video_folder: Path, *, frame_cache: Path,
    feature_cache: Path, affect: AffectTable | None, device: str, bfloat16: bool,
) -> dict[str, tuple[Rows, Rows, tuple[str, ...]]]:  # fmt: skip
    """By model, what `StoredModel.encode` returns. Raises AffectError where a video can't be read."""
    frames_by_side: dict[int, VideoFrames] = {}
    encoded = {}
    with ProgressReporter("emotions", unit="videos") as report:
        for side in {model.side for model in models.values()}:
            frames_by_side[side] = read_videos(
                queries.video_ids, video_folder, side=side, cache_folder=frame_cache,
                on_video=lambda done, total: report.update("decoding", done, total),
            )  # fmt: skip
            frames_by_side[side].require_all()
    with ProgressReporter("emotions", unit="models") as report:
        for number, (name, model) in enumerate(models.items()):
            report.update(f"encoding by {name}", number, len(models))
            encoded[name] = model.encode(
                queries, frames_by_side[model.side], cache_folder=feature_cache, affect=affect,
                device=device, bfloat16=bfloat16,
            )  # fmt: skip
    return encoded
