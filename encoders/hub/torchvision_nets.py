"""Optional image classifiers: ResNet-152 (He et al. 2016) and VGG16 (Simonyan & Zisserman 2015).

A classifier is a checkpoint in two parts: the network up to its last linear layer gives rows, and that layer
gives label logits of rows. `encoders.hub.video_nets` uses the same parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import EncoderCard, Frames, Rows
from encoders.files import compute_sha256
from encoders.hub.weights import find_checkpoint, read_checkpoint
from encoders.onnx_runtime import Network, load_network

if TYPE_CHECKING:
    import torch

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ClassifierSpec:
    """Configuration of a classifier of frames.

    build_model:  the architecture with its last layer, weights not loaded
    head_layer:   dotted name of the last linear layer
    preprocess:   an item's Frames to network inputs (k, ...); the item's row is the mean over k
    input_shape:  shape of one network input
    load_classes: the label names in network order
    """

    name: str
    dim: int
    weights_url: str
    licence: str
    training_data: str
    build_model: Callable[[], torch.nn.Module]
    head_layer: str
    preprocess: Callable[[Frames], Pixels]
    input_shape: tuple[int, ...]
    load_classes: Callable[[], tuple[str, ...]]


@dataclass(frozen=True)
class FrameClassifier:
    """Rows (n, dim) before the last layer; `logits` applies that layer.

    It is linear, so the logits of a mean row are the mean of the frames' logits.
    """

    spec: ClassifierSpec
    weights_path: Path

    @cached_property
    def card(self) -> EncoderCard:
        """Metadata of this encoder; hashes the weights on first use."""
        return EncoderCard(
            name=self.spec.name,
            modality="frames",
            dim=self.spec.dim,
            licence=self.spec.licence,
            weights_source=self.spec.weights_url,
            training_data=self.spec.training_data,
            sha256=compute_sha256(self.weights_path),
        )

    @cached_property
    def _network(self) -> Network:
        example = np.random.default_rng(0).random((2, *self.spec.input_shape), np.float32)
        return load_network(
            self.card.cache_key, lambda: build_backbone(self.spec, self.weights_path), [example], [{0: "n"}]
        )

    def encode(self, items: Sequence[Frames]) -> Rows:
        """Rows (n, dim), raw; NaN for an item without frames."""
        rows = np.full((len(items), self.spec.dim), np.nan, np.float32)
        for i, frames in enumerate(items):
            if len(frames):
                rows[i] = self._network(self.spec.preprocess(frames))[0].mean(axis=0)
        return rows

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The label names in network order."""
        return self.spec.load_classes()

    @cached_property
    def _head(self) -> tuple[Rows, Rows]:
        state = read_checkpoint(self.weights_path)
        return state[f"{self.spec.head_layer}.weight"].numpy(), state[f"{self.spec.head_layer}.bias"].numpy()

    def logits(self, rows: Rows) -> Rows:
        """Label logits (n, len(classes)) of rows (n, dim)."""
        weight, bias = self._head
        return np.asarray(rows @ weight.T + bias, np.float32)


def build_backbone(spec: ClassifierSpec, weights_path: Path) -> torch.nn.Module:
    """The network with its weights, ending before the layer `spec.head_layer`."""
    import torch

    model = spec.build_model()
    model.load_state_dict(read_checkpoint(weights_path))
    parent, _, leaf = spec.head_layer.rpartition(".")
    setattr(model.get_submodule(parent), leaf, torch.nn.Identity())
    return model


def preprocess_imagenet(frames: Frames) -> Pixels:
    """Frames to (t, 3, 224, 224): torchvision's transform, short side 256 and the centre crop."""
    import torch
    from torchvision.transforms._presets import ImageClassification

    pixels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    return np.asarray(ImageClassification(crop_size=224)(pixels).numpy(), np.float32)


def _load_imagenet_labels() -> tuple[str, ...]:
    from encoders.efficientnet import load_imagenet_labels

    return load_imagenet_labels()


def _build_resnet152() -> torch.nn.Module:
    from torchvision.models import resnet152

    return resnet152()


def _build_vgg16() -> torch.nn.Module:
    from torchvision.models import vgg16

    return vgg16(init_weights=False)


RESNET152 = ClassifierSpec(
    name="resnet152",
    dim=2048,
    weights_url="https://download.pytorch.org/models/resnet152-394f9c45.pth",
    licence="BSD-3-Clause",
    training_data="ImageNet-1k",
    build_model=_build_resnet152,
    head_layer="fc",
    preprocess=preprocess_imagenet,
    input_shape=(3, 224, 224),
    load_classes=_load_imagenet_labels,
)

VGG16 = ClassifierSpec(
    name="vgg16",
    dim=4096,
    weights_url="https://download.pytorch.org/models/vgg16-397923af.pth",
    licence="BSD-3-Clause",
    training_data="ImageNet-1k",
    build_model=_build_vgg16,
    head_layer="classifier.6",
    preprocess=preprocess_imagenet,
    input_shape=(3, 224, 224),
    load_classes=_load_imagenet_labels,
)


def load_classifier(spec: ClassifierSpec) -> FrameClassifier:
    """The classifier with the published weights. Raises MissingBackendError if they are missing."""
    return FrameClassifier(spec, find_checkpoint(spec.name, spec.weights_url))


def resnet152() -> FrameClassifier:
    """ResNet-152, 2048-d pooled features, torchvision's first ImageNet weights."""
    return load_classifier(RESNET152)


def vgg16() -> FrameClassifier:
    """VGG16, 4096-d features of its second hidden layer (fc7)."""
    return load_classifier(VGG16)
