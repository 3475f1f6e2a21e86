"""CLIP-ViP on disk: a folder with `clipvip.safetensors` and, from CLIP, the tokenizer's files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from encoders.base import AffectError, to_printable
from encoders.clipvip.checkpoint_keys import LoadedWeights, list_names, load_released_weights
from encoders.clipvip.config import ClipVipConfig, EmotionConfig
from encoders.clipvip.model import ClipVip
from encoders.files import write_atomically
from encoders.hub.weights import read_checkpoint
from encoders.minilm import hide_transformers_progress

WEIGHTS_FILE = "clipvip.safetensors"
CONFIG_KEY = "clipvip"
TOKENIZER_FILES = ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json")


def save_model(model: ClipVip, folder: Path, tokenizer_folder: Path | None = None) -> Path:
    """Write a model, and copy the tokenizer's files of CLIP's folder; returns the path of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer_folder is not None:
        for name in TOKENIZER_FILES:
            if (tokenizer_folder / name).is_file() and tokenizer_folder != folder:
                shutil.copyfile(tokenizer_folder / name, folder / name)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    metadata = {CONFIG_KEY: json.dumps(model.config.to_json(), sort_keys=True)}
    write_atomically(folder / WEIGHTS_FILE, save(tensors, metadata))
    return folder / WEIGHTS_FILE


def load_model(folder: Path) -> ClipVip:
    """Read what `save_model` wrote. Raises AffectError for a missing, damaged or unsuitable file."""
    path = folder / WEIGHTS_FILE
    try:
        with safe_open(path, "pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        model = ClipVip(read_config(folder))
        model.load_state_dict(tensors)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise AffectError(f"{to_printable(path)}: no CLIP-ViP model ({_shorten(error)})") from error
    return model.eval()


def read_config(folder: Path) -> ClipVipConfig:
    """The configuration in the header of a model's file. Raises AffectError as `load_model` does."""
    path = folder / WEIGHTS_FILE
    try:
        with safe_open(path, "pt") as stored:
            return ClipVipConfig.from_json(json.loads((stored.metadata() or {}).get(CONFIG_KEY, "{}")))
    except (SafetensorError, OSError, ValueError, AffectError) as error:
        raise AffectError(f"{to_printable(path)}: no CLIP-ViP model ({_shorten(error)})") from error


def load_clip(
    folder: Path, *, added_proxies: int = 3, temporal_size: int = 12,
    emotions: EmotionConfig | None = None, affect_dim: int = 0,
) -> ClipVip:  # fmt: skip
    """A model around the CLIP of a folder in transformers' layout; what CLIP lacks keeps its start.

    Raises AffectError if it can't be read.
    """
    from transformers import CLIPModel

    try:
        with hide_transformers_progress():
            loaded: Any = CLIPModel.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise AffectError(f"{to_printable(folder)}: no CLIP model ({_shorten(error)})") from error
    clip, loading = loaded
    # transformers draws at random what a file lacks, and passes over what it does not know
    if bad := sorted([*loading["missing_keys"], *loading["unexpected_keys"]]):
        raise AffectError(
            f"{to_printable(folder)}: not the weights of a CLIP model: {len(bad)} are missing or not known: "
            f"{list_names(bad)}"
        )
    config = ClipVipConfig(
        clip=clip.config.to_dict(), added_proxies=added_proxies, temporal_size=temporal_size,
        emotions=emotions or EmotionConfig(), affect_dim=affect_dim,
    )  # fmt: skip
    return ClipVip(config, clip)


def load_checkpoint(model: ClipVip, path: Path) -> LoadedWeights:
    """Load a released checkpoint (CLIP-ViP's, the emotion report's) into a model. Raises AffectError."""
    weights: dict[str, Tensor] = read_checkpoint(path)
    try:
        return load_released_weights(model, weights)
    except AffectError as error:
        raise AffectError(f"{to_printable(path)}: {error}") from error


def _shorten(error: Exception) -> str:
    """An error's message on one line, its first part."""
    return " ".join(str(error).split())[:300]
