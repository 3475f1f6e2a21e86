"""The network of musicnn in torch (Pons et al. 2018, End-to-end learning for music audio tagging)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

BATCH_NORM_EPSILON = 1e-3  # TensorFlow's default, with which the weights were trained
TIMBRE_FRAMES, TIMBRE_SHARES = 7, (0.4, 0.7)  # kernels: frames, and shares of the mel bands
TEMPO_FRAMES = (128, 64, 32)
TIMBRE_FILTERS, TEMPO_FILTERS, MIDDLE_FILTERS = 204, 51, 64
N_TIMBRES, N_TEMPOS, N_MIDDLE = 2, 3, 3

Array = npt.NDArray[np.float32]


class MusicNN(nn.Module):
    """Log-mel patches (n, frames, bands) to pools (n, 1506) and tag probabilities (n, tags).

    In the pools the maximum and the mean over time alternate, as TensorFlow lays them out.
    """

    def __init__(self, bands: int, units: int, tags: int) -> None:
        super().__init__()
        heights = [int(share * bands) for share in TIMBRE_SHARES]
        front = N_TIMBRES * TIMBRE_FILTERS + N_TEMPOS * TEMPO_FILTERS
        pooled = 2 * (front + N_MIDDLE * MIDDLE_FILTERS)
        self.input_norm = nn.BatchNorm2d(1, BATCH_NORM_EPSILON)
        self.timbres = nn.ModuleList(nn.Conv2d(1, TIMBRE_FILTERS, (TIMBRE_FRAMES, high)) for high in heights)
        self.timbre_norms = nn.ModuleList(nn.BatchNorm2d(TIMBRE_FILTERS, BATCH_NORM_EPSILON) for _ in heights)
        self.tempos = nn.ModuleList(nn.Conv1d(1, TEMPO_FILTERS, frames) for frames in TEMPO_FRAMES)
        self.tempo_norms = nn.ModuleList(_make_norm(TEMPO_FILTERS) for _ in TEMPO_FRAMES)
        channels = (front, *[MIDDLE_FILTERS] * (N_MIDDLE - 1))
        self.middle = nn.ModuleList(nn.Conv1d(size, MIDDLE_FILTERS, 7, padding=3) for size in channels)
        self.middle_norms = nn.ModuleList(_make_norm(MIDDLE_FILTERS) for _ in channels)
        self.pool_norm = _make_norm(pooled)
        self.dense = nn.Linear(pooled, units)
        self.dense_norm = _make_norm(units)
        self.output = nn.Linear(units, tags)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        spectrogram = self.input_norm(patches[:, None])
        features = self._run_front_end(spectrogram)
        levels = [features]
        for convolution, norm in zip(self.middle, self.middle_norms, strict=True):
            filtered = norm(torch.relu(convolution(levels[-1])))
            levels.append(filtered if len(levels) == 1 else filtered + levels[-1])
        course = torch.cat(levels, dim=1)
        pools = torch.stack([course.amax(dim=2), course.mean(dim=2)], dim=2).flatten(1)
        hidden = self.dense_norm(torch.relu(self.dense(self.pool_norm(pools))))
        return pools, torch.sigmoid(self.output(hidden))

    def _run_front_end(self, spectrogram: Tensor) -> Tensor:
        """(n, 561, frames): the loudest place of each filter over the mel bands."""
        n, _, frames, bands = spectrogram.shape
        parts = []
        padded = pad(spectrogram, (0, 0, TIMBRE_FRAMES // 2, TIMBRE_FRAMES // 2))
        for convolution, norm in zip(self.timbres, self.timbre_norms, strict=True):
            parts.append(norm(torch.relu(convolution(padded))).amax(dim=3))
        by_band = spectrogram[:, 0].transpose(1, 2).reshape(n * bands, 1, frames)
        for convolution, norm, size in zip(self.tempos, self.tempo_norms, TEMPO_FRAMES, strict=True):
            maps = norm(torch.relu(convolution(pad(by_band, ((size - 1) // 2, size // 2)))))
            parts.append(maps.reshape(n, bands, -1, frames).amax(dim=1))
        return torch.cat(parts, dim=1)

    @property
    def convolutions(self) -> list[nn.Module]:
        """In the order in which TensorFlow numbers them."""
        return [*self.timbres, *self.tempos, *self.middle]

    @property
    def norms(self) -> list[nn.Module]:
        """In the order in which TensorFlow numbers them."""
        norms = [self.input_norm, *self.timbre_norms, *self.tempo_norms, *self.middle_norms]
        return [*norms, self.pool_norm, self.dense_norm]


def _make_norm(size: int) -> nn.BatchNorm1d:
    return nn.BatchNorm1d(size, BATCH_NORM_EPSILON)


def build_network(variables: Mapping[str, Array], bands: int) -> MusicNN:
    """The network with a checkpoint's variables. Raises KeyError, RuntimeError if they are of another."""
    units, tags = variables["dense_1/kernel"].shape
    network = MusicNN(bands, units, tags)
    for number, convolution in enumerate(network.convolutions):
        _load(convolution, variables, _number("conv2d", number))
    for number, norm in enumerate(network.norms):
        _load_norm(norm, variables, _number("batch_normalization", number))
    _load(network.dense, variables, "dense")
    _load(network.output, variables, "dense_1")
    return network.eval()


def _number(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def _load(layer: nn.Module, variables: Mapping[str, Array], name: str) -> None:
    """Kernels are (frames, bands, inputs, outputs) in TensorFlow, of dense layers (inputs, outputs)."""
    kernel = variables[f"{name}/kernel"]
    kernel = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
    shape = layer.get_parameter("weight").shape
    if len(shape) == 3:  # a convolution over time alone: its channels are TensorFlow's bands or inputs
        kernel = kernel.squeeze(1).transpose(0, 2, 1)
    layer.load_state_dict({"weight": _to_tensor(kernel), "bias": _to_tensor(variables[f"{name}/bias"])})


def _load_norm(norm: nn.Module, variables: Mapping[str, Array], name: str) -> None:
    parts = {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    }
    state = {part: _to_tensor(variables[f"{name}/{theirs}"]) for part, theirs in parts.items()}
    norm.load_state_dict(state, strict=False)  # without the number of batches seen


def _to_tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.array(array, order="C"))
