"""CLIP-ViP as an encoder of a library: videos and pictures, and texts in the same space."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from encoders.base import EncoderCard, Frames, MissingBackendError, Rows
from encoders.clipvip.config import EmotionConfig
from encoders.clipvip.frame_sampling import make_pixels, sample_uniform
from encoders.clipvip.io import WEIGHTS_FILE, load_model, read_config
from encoders.clipvip.model import ClipVip
from encoders.files import compute_sha256
from encoders.hub.weights import get_models_dir
from encoders.lexicon import count_nrc_emotions

log = logging.getLogger(__name__)

NAME = "clipvip"


@dataclass(frozen=True)
class ClipVipEncoder:
    """Video rows by `encode`, text rows by `encode_text`, both (n, dim) unit rows in the same space.

    Of a segment as many frames are read as the temporal embedding has, at equal distance; a picture is a
    video of one frame. The emotions of a text are those of the NRC lexicon, where the model takes emotions.
    """

    card: EncoderCard
    folder: Path

    @cached_property
    def model(self) -> ClipVip:
        """The model, for inference."""
        return load_model(self.folder)

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self.folder)

    def encode(self, items: Sequence[Frames]) -> Rows:
        """Rows (n, dim); NaN for an item without frames."""
        import torch

        side = self.model.video.image_size
        count = self.model.config.temporal_size
        rows = np.full((len(items), self.card.dim), np.nan, np.float32)
        for number, frames in enumerate(items):
            if not len(frames):
                continue
            chosen = frames if len(frames) == 1 else frames[sample_uniform(len(frames), count)]
            with torch.inference_mode():
                pixels = torch.from_numpy(make_pixels(chosen, side))[None]
                rows[number] = self.model.encode_video(pixels)[0].numpy()
        return rows

    def encode_text(self, texts: Sequence[str]) -> Rows:
        """Rows (n, dim) in the space of `encode`; NaN where the text is blank."""
        import torch

        rows = np.full((len(texts), self.card.dim), np.nan, np.float32)
        used = [number for number, text in enumerate(texts) if text.strip()]
        if used:
            ids, mask = tokenize(
                self._tokenizer, [texts[number] for number in used],
                self.model.text.text_model.config.max_position_embeddings,
            )  # fmt: skip
            emotions = count_emotions([texts[number] for number in used], self.model.config.emotions)
            with torch.inference_mode():
                encoded = self.model.encode_text(
                    torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(emotions)
                )
            rows[used] = encoded.numpy()
        return rows


def tokenize(tokenizer: Any, texts: Sequence[str], max_length: int) -> tuple[Any, Any]:
    """Token ids and mask (n, length) int64, padded to the longest; longer texts are cut, which is logged."""
    full = tokenizer(list(texts))["input_ids"]
    if cut := sum(len(ids) > max_length for ids in full):
        log.warning("%d of %d texts are cut at %d tokens", cut, len(texts), max_length)
    encoded = tokenizer(
        list(texts), padding=True, truncation=True, max_length=max_length, return_tensors="np"
    )
    return encoded["input_ids"].astype(np.int64), encoded["attention_mask"].astype(np.int64)


def count_emotions(texts: Sequence[str], config: EmotionConfig) -> Rows:
    """(n, emotions) counts of the NRC lexicon's words, in the order of the configuration."""
    counts = [count_nrc_emotions(text) for text in texts]
    return np.array([[count[name] for name in config.order] for count in counts], np.float32)


def load_tokenizer(folder: Path) -> Any:
    """CLIP's tokenizer of a folder. Raises MissingBackendError without its vocabulary or merges."""
    from transformers import CLIPTokenizer

    # without them transformers builds a tokenizer of three words and says nothing
    if not (folder / "tokenizer.json").is_file():
        for name in ("vocab.json", "merges.txt"):
            if not (folder / name).is_file():
                raise MissingBackendError(
                    f"{folder}: no {name} of CLIP's tokenizer; copy it from the folder of the CLIP model"
                )
    return CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def clip_vip(folder: Path | None = None) -> ClipVipEncoder:
    """The model in a folder that `io.save_model` wrote; by default `clipvip` among the user's models.

    Raises MissingBackendError if there is none, AffectError if it can't be read.
    """
    folder = folder or get_models_dir() / NAME
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise MissingBackendError(
            f"encoder {NAME!r} needs the file {weights}, as `encoders.clipvip.io.save_model` writes it; name "
            f"another folder as {NAME}:FOLDER",
            missing="weights",
        )
    return ClipVipEncoder(
        EncoderCard(
            name=NAME,
            modality="frames",
            dim=read_config(folder).feature_dim,
            licence="MIT (code and weights of CLIP and CLIP-ViP)",
            weights_source="a folder of the user's",
            training_data="as the weights; CLIP's 400 million pictures, HD-VILA-100M for CLIP-ViP",
            sha256=compute_sha256(weights),
        ),
        folder,
    )
