"""Optional classifiers of pictures: ResNet-152 (He et al. 2016) and VGG16 (Simonyan & Zisserman 2015).

A classifier here is a checkpoint read in two parts: the network up to its last linear layer gives rows,
and that layer reads label logits off rows. `encoders.hub.video_nets` builds on the same parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import Card, Frames, Rows
from encoders.hub.weights import checkpoint, state_dict
from encoders.onnx_runtime import Network, network, sha256

if TYPE_CHECKING:
    import torch

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that tells one classifier of frames from another.

    build:   the architecture with its last layer, weights not loaded
    head:    dotted name of the last linear layer
    prepare: an item's Frames to network inputs (k, ...); the item's row is the mean over k
    example: shape of one network input
    classes: the label names in network order
    """

    name: str
    dim: int
    url: str
    licence: str
    data: str
    build: Callable[[], torch.nn.Module]
    head: str
    prepare: Callable[[Frames], Pixels]
    example: tuple[int, ...]
    classes: Callable[[], tuple[str, ...]]


@dataclass(frozen=True)
class Classifier:
    """Rows (n, dim) before the last layer; `logits` applies that layer.

    It is linear, so the logits of a mean row are the mean of the frames' logits.
    """

    plan: Plan
    weights: Path

    @cached_property
    def card(self) -> Card:
        """What this encoder is; hashes the weights on first use."""
        return Card(
            name=self.plan.name,
            sense="frames",
            dim=self.plan.dim,
            licence=self.plan.licence,
            weights=self.plan.url,
            data=self.plan.data,
            sha256=sha256(self.weights),
        )

    @cached_property
    def _network(self) -> Network:
        example = np.random.default_rng(0).random((2, *self.plan.example), np.float32)
        return network(self.card.key, lambda: trunk(self.plan, self.weights), [example], [{0: "n"}])

    def encode(self, items: Sequence[Frames]) -> Rows:
        """Rows (n, dim), raw; NaN for an item without frames."""
        rows = np.full((len(items), self.plan.dim), np.nan, np.float32)
        for i, frames in enumerate(items):
            if len(frames):
                rows[i] = self._network(self.plan.prepare(frames))[0].mean(axis=0)
        return rows

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The label names in network order."""
        return self.plan.classes()

    @cached_property
    def _head(self) -> tuple[Rows, Rows]:
        state = state_dict(self.weights)
        return state[f"{self.plan.head}.weight"].numpy(), state[f"{self.plan.head}.bias"].numpy()

    def logits(self, rows: Rows) -> Rows:
        """Label logits (n, len(classes)) of rows (n, dim)."""
        weight, bias = self._head
        return np.asarray(rows @ weight.T + bias, np.float32)


def trunk(plan: Plan, weights: Path) -> torch.nn.Module:
    """The network with its weights, ending before the layer `plan.head`."""
    import torch

    model = plan.build()
    model.load_state_dict(state_dict(weights))
    parent, _, leaf = plan.head.rpartition(".")
    setattr(model.get_submodule(parent), leaf, torch.nn.Identity())
    return model


def imagenet_pixels(frames: Frames) -> Pixels:
    """Frames to (t, 3, 224, 224): torchvision's own transform, short side 256 and the centre of it."""
    import torch
    from torchvision.transforms._presets import ImageClassification

    pixels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    return np.asarray(ImageClassification(crop_size=224)(pixels).numpy(), np.float32)


def _imagenet_labels() -> tuple[str, ...]:
    from encoders.efficientnet import imagenet_labels

    return imagenet_labels()


def _resnet152() -> torch.nn.Module:
    from torchvision.models import resnet152

    return resnet152()


def _vgg16() -> torch.nn.Module:
    from torchvision.models import vgg16

    return vgg16(init_weights=False)


RESNET152 = Plan(
    name="resnet152",
    dim=2048,
    url="https://download.pytorch.org/models/resnet152-394f9c45.pth",
    licence="BSD-3-Clause",
    data="ImageNet-1k",
    build=_resnet152,
    head="fc",
    prepare=imagenet_pixels,
    example=(3, 224, 224),
    classes=_imagenet_labels,
)

VGG16 = Plan(
    name="vgg16",
    dim=4096,
    url="https://download.pytorch.org/models/vgg16-397923af.pth",
    licence="BSD-3-Clause",
    data="ImageNet-1k",
    build=_vgg16,
    head="classifier.6",
    prepare=imagenet_pixels,
    example=(3, 224, 224),
    classes=_imagenet_labels,
)


def classifier(plan: Plan) -> Classifier:
    """The classifier with the published weights. Raises MissingBackend where they aren't on this machine."""
    return Classifier(plan, checkpoint(plan.name, plan.url))


def resnet152() -> Classifier:
    """ResNet-152, 2048-d pooled features, torchvision's first ImageNet weights."""
    return classifier(RESNET152)


def vgg16() -> Classifier:
    """VGG16, 4096-d features of its second hidden layer (fc7)."""
    return classifier(VGG16)
