"""Scene classes of a picture: mean class probabilities of SegFormer (Xie et al. 2021) over ADE20K's 150."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from encoders.base import Frames, Rows
from encoders.files import compute_sha256
from encoders.hub.weights import find_model_weights
from encoders.onnx_runtime import Network, load_network

if TYPE_CHECKING:
    import torch

SEGFORMER_REPO = "nvidia/segformer-b0-finetuned-ade-512-512"
SCENE_CLASSES = 150
SEGMENTATION_SIDE = 512  # px, of the square that the network is given
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class SceneSegmenter:
    """SegFormer for the 150 classes of ADE20K (Zhou et al. 2017): wall, sky, person .."""

    folder: Path

    @cached_property
    def weights_digest(self) -> str:
        """SHA-256 of its weights; empty without any."""
        weights = find_model_weights(self.folder)
        return compute_sha256(weights) if weights else ""

    @cached_property
    def _network(self) -> Network:
        noise = np.random.default_rng(0).integers(
            0, 256, (2, SEGMENTATION_SIDE, SEGMENTATION_SIDE, 3), np.uint8
        )
        return load_network(
            f"scene-{self.weights_digest[:12]}", self._build_network, [preprocess_scene(noise)], [{0: "n"}]
        )

    def _build_network(self) -> torch.nn.Module:
        return _build_scene_network(self.folder)

    def predict_class_shares(self, frames: Sequence[npt.NDArray[np.uint8]]) -> list[Rows]:
        """(150,) of each frame (h, w, 3): the mean probability of each class over the picture, sum 1."""
        return [self._network(preprocess_scene(frame[None]))[0][0] for frame in frames]


def preprocess_scene(frames: Frames) -> npt.NDArray[np.float32]:
    """(n, 3, 512, 512) of frames (n, h, w, 3): resized, and standardised by ImageNet's mean and spread."""
    size = (SEGMENTATION_SIDE, SEGMENTATION_SIDE)
    resized = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR) for frame in frames])
    scaled = (resized / np.float32(255) - IMAGENET_MEAN) / IMAGENET_STD
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), np.float32)


def _build_scene_network(folder: Path) -> torch.nn.Module:
    import torch
    from transformers import SegformerForSemanticSegmentation

    class ClassShares(torch.nn.Module):
        """Pixels (n, 3, h, w) to mean class probabilities (n, 150)."""

        def __init__(self) -> None:
            super().__init__()
            self.model: Any = SegformerForSemanticSegmentation.from_pretrained(folder, local_files_only=True)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            shares: torch.Tensor = self.model(pixels).logits.softmax(1).mean((2, 3))
            return shares

    return ClassShares()
