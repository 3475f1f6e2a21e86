"""The torch side of faces: the networks as they are exported. Import it only to build one.

MTCNN's three (Zhang et al. 2016) come with facenet-pytorch; mini-Xception (Arriaga et al. 2017) is fer's.
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

Reader = Callable[[str], Tensor]


class Scored(nn.Module):
    """P, R or O: (n, 3, h, w) -> shifts (n, 4, ...), for O landmarks (n, 10), probability of a face (n, ...).

    The same function as facenet-pytorch's networks, with less to compute; `net` is changed in place.
    """

    def __init__(self, net: Any) -> None:
        super().__init__()
        first = PooledFirst(net.conv1, net.prelu1.weight.detach(), net.pool1)
        net.conv2.weight.data = net.conv2.weight.data[:, first.order]
        net.conv1, net.prelu1, net.pool1 = first, nn.Identity(), nn.Identity()
        for name in [name for name, part in net.named_children() if isinstance(part, nn.Softmax)]:
            setattr(net, name, nn.Identity())
        if hasattr(net, "conv4_1"):
            net.conv4_2, net.conv4_1 = Unfolded(net.conv4_2, net.prelu3), Unfolded(net.conv4_1, net.prelu3)
            net.prelu3 = nn.Identity()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """What the network gives; a softmax of two is a sigmoid of their difference."""
        *rest, scores = self.net(x)
        return (*rest, torch.sigmoid(scores[:, 1] - scores[:, 0]))


class PooledFirst(nn.Module):
    """maxpool(prelu(conv(x))) with the PReLU after the pool, on a quarter of the values.

    Where a slope is negative, PReLU falls and then rises, so a window's largest value comes from its
    largest or its smallest input: the smallest is pooled as a channel of opposite sign. Such channels
    come first; `order` says which channel of `conv` each output is. Some rising channels are mirrored too,
    which changes nothing, so that onnxruntime's blocks of 16 channels are full.
    """

    def __init__(self, conv: nn.Conv2d, slope: Tensor, pool: nn.Module) -> None:
        super().__init__()
        falling = int((slope < 0).sum())
        self.mirrored = falling + -(len(slope) + falling) % 16
        self.order = torch.argsort((slope >= 0).int(), stable=True)
        self.pool, self.slope = pool, nn.Parameter(slope[self.order])
        weight, bias = (part.detach()[self.order] for part in conv.parameters())
        self.conv = nn.Conv2d(3, len(slope) + self.mirrored, 3)
        self.conv.weight = nn.Parameter(torch.cat([weight, -weight[: self.mirrored]]))
        self.conv.bias = nn.Parameter(torch.cat([bias, -bias[: self.mirrored]]))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, c, h', w'), channels in `order`."""
        highest, lowest = self.pool(self.conv(x)).split([len(self.slope), self.mirrored], dim=1)
        top, low = F.prelu(highest, self.slope), F.prelu(-lowest, self.slope[: self.mirrored])
        return torch.cat([torch.maximum(top[:, : self.mirrored], low), top[:, self.mirrored :]], dim=1)


class Unfolded(nn.Module):
    """conv(prelu(x)) for a 1 x 1 convolution, as conv_a(x) + conv_b(relu(x)).

    prelu(x) is a x + (1 - a) relu(x) with a slope a per channel; onnxruntime has no PReLU in its blocked
    layout and would copy x out of it and back, which takes longer than the second small convolution.
    """

    def __init__(self, conv: nn.Conv2d, prelu: nn.PReLU) -> None:
        super().__init__()
        slope = prelu.weight.detach()[:, None, None]
        self.straight, self.bent = (nn.Conv2d(conv.in_channels, conv.out_channels, 1) for _ in range(2))
        self.straight.weight = nn.Parameter(conv.weight.detach() * slope)
        self.bent.weight = nn.Parameter(conv.weight.detach() * (1 - slope))
        self.straight.bias, self.bent.bias = conv.bias, None

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c', h, w)."""
        straight: Tensor = self.straight(x)
        return straight + self.bent(F.relu(x))


class MiniXception(nn.Module):
    """Grey faces (n, 1, 64, 64) in [-1, 1] -> probabilities (n, 7). Paddings are Keras's "same"."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        with h5py.File(file) as stored:
            read = _reader(stored["model_weights"])
            self.stem = nn.Sequential(*_plain(read, 1), nn.ReLU(), *_plain(read, 2), nn.ReLU())
            self.blocks = nn.Sequential(*(Residual(read, i) for i in range(4)))
            self.head = _conv(read("conv2d_7/kernel"), padding=1)
            self.head.bias = nn.Parameter(read("conv2d_7/bias"))

    def forward(self, x: Tensor) -> Tensor:
        """Softmax over the mean of seven maps."""
        return self.head(self.blocks(self.stem(x))).mean(dim=(2, 3)).softmax(dim=1)


class DescribedXception(MiniXception):
    """Grey faces (n, 1, 64, 64) in [-1, 1] -> probabilities (n, 7), pooled maps (n, 1024 + 512).

    The maps are those of the last two blocks, 8 x 8 and 4 x 4, by means over 2 x 2 of them.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Both in one pass."""
        *first, last = self.blocks
        early = nn.Sequential(*first)(self.stem(x))
        late = last(early)
        said = self.head(late).mean(dim=(2, 3)).softmax(dim=1)
        return said, torch.cat([F.avg_pool2d(maps, 2).flatten(1) for maps in (early, late)], dim=1)


class Residual(nn.Module):
    """Two separable convolutions and a pool, beside a strided 1 x 1 convolution."""

    def __init__(self, read: Reader, i: int) -> None:
        super().__init__()
        self.short = nn.Sequential(*_plain(read, 3 + i, norm=3 + 3 * i, stride=2))
        first, second = (_separable(read, 1 + 2 * i + j, norm=4 + 3 * i + j) for j in range(2))
        self.deep = nn.Sequential(*first, nn.ReLU(), *second)

    def forward(self, x: Tensor) -> Tensor:
        """Half the height and width, rounded up."""
        before = [x.shape[axis] % 2 for axis in (3, 2)]  # Keras pads an even side at its end only
        deep = F.pad(self.deep(x), (before[0], 1, before[1], 1), value=-torch.inf)
        return F.max_pool2d(deep, 3, stride=2) + self.short(x)


def _reader(weights: h5py.Group) -> Reader:
    def read(name: str) -> Tensor:
        layer, part = name.split("/")
        return torch.from_numpy(np.array(weights[f"{layer}/{layer}_1/{part}:0"]))

    return read


def _plain(read: Reader, i: int, *, norm: int | None = None, stride: int = 1) -> list[nn.Module]:
    return [_conv(read(f"conv2d_{i}/kernel"), stride=stride), _norm(read, norm or i)]


def _separable(read: Reader, i: int, *, norm: int) -> list[nn.Module]:
    deep = read(f"separable_conv2d_{i}/depthwise_kernel").permute(0, 1, 3, 2)
    wide = read(f"separable_conv2d_{i}/pointwise_kernel")
    return [_conv(deep, padding=1, groups=deep.shape[3]), _conv(wide), _norm(read, norm)]


def _conv(kernel: Tensor, *, stride: int = 1, padding: int = 0, groups: int = 1) -> nn.Conv2d:
    """From Keras's (h, w, in per group, out)."""
    high, wide, few, many = kernel.shape
    conv = nn.Conv2d(few * groups, many, (high, wide), stride, padding, groups=groups, bias=False)
    conv.weight = nn.Parameter(kernel.permute(3, 2, 0, 1).contiguous())
    return conv


def _norm(read: Reader, i: int) -> nn.BatchNorm2d:
    gamma, beta, mean, variance = (
        read(f"batch_normalization_{i}/{part}")
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    norm = nn.BatchNorm2d(len(gamma), eps=1e-3)
    norm.weight, norm.bias = nn.Parameter(gamma), nn.Parameter(beta)
    norm.running_mean, norm.running_var = mean, variance
    return norm
