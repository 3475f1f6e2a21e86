"""How a picture looks and what it shows: the descriptors of a model of felt emotion (Kim et al. 2017).

"Building Emotional Machines: Recognizing Image Emotions through Deep Neural Networks" takes 1721 numbers: 512
of GIST, 59 of local binary patterns, 1000 object probabilities and 150 of the scene's parts. The last come
from a segmentation model that no package holds: where it is not on this machine they are left out, rows have
1571 numbers and the card says so.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from encoders.base import EncoderCard, Frames, MissingBackendError, Rows, average_by_owner
from encoders.efficientnet import EfficientNetLite2, efficientnet_lite2
from encoders.files import compute_sha256
from encoders.hub.weights import find_model_folder, find_model_weights
from encoders.onnx_runtime import Network, load_network

if TYPE_CHECKING:
    import torch

ENCODER_NAME = "image-1721"
SEGFORMER_REPO = "nvidia/segformer-b0-finetuned-ade-512-512"
BLOCK_DIMS = {"gist": 512, "lbp": 59, "objects": 1000, "semantic": 150}  # in the order of a row
DIM = sum(BLOCK_DIMS.values())

GIST_SIDE = 256  # px, of the square that GIST reads
GABOR_SCALES, GABOR_ORIENTATIONS, GIST_GRID = 4, 8, 4  # of the Gabor filters, and cells each way
GIST_PADDING = 32  # px, mirrored around the square before it is filtered
PREFILTER_CYCLES, PREFILTER_PADDING = (
    4,
    5,
)  # cycles a picture below which the prefilter takes light away; px mirrored for it
LBP_NEIGHBOURS = 8  # neighbours of a pixel, one pixel away
SEGMENTATION_SIDE = 512  # px, of the square that the segmentation model reads

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]
GreyImage = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ImageDescriptorEncoder:
    """Rows (n, 1721): GIST, LBP, objects and scene, each the mean over an item's frames.

    Without a segmentation model (`segmenter` is None) rows end after the objects, (n, 1571).
    """

    card: EncoderCard
    object_encoder: EfficientNetLite2
    segmenter: SceneSegmenter | None = None

    def encode(self, items: Sequence[Frames]) -> Rows:
        """Rows (n, dim), raw; NaN for an item without frames."""
        found = self.compute_blocks(items)
        return np.concatenate(
            [rows for name, rows in found.items() if name != "semantic" or self.segmenter], 1
        )

    def compute_blocks(self, items: Sequence[Frames]) -> dict[str, Rows]:
        """Rows (n, width) of every block by BLOCK_DIMS' names, all NaN where it can't be had."""
        frames = [frame for item in items for frame in item]
        owner = np.repeat(np.arange(len(items)), [len(item) for item in items])
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
        made = {
            "gist": [compute_gist(one) for one in grey],
            "lbp": [compute_lbp_histogram(one) for one in grey],
            "objects": list(_softmax(self.object_encoder.logits(self._compute_pooled_features(items))))
            if frames
            else [],
            "semantic": self.segmenter.predict_class_shares(frames) if self.segmenter else [],
        }
        return {
            name: np.asarray(
                average_by_owner(np.stack(made[name]), owner, len(items))
                if made[name]
                else np.full((len(items), width), np.nan),
                np.float32,
            )
            for name, width in BLOCK_DIMS.items()
        }

    def _compute_pooled_features(self, items: Sequence[Frames]) -> Rows:
        return np.concatenate([look.pooled for look in self.object_encoder.extract_features(items)])


def pad_semantic_block(rows: Rows) -> Rows:
    """(n, 1721) of rows (n, 1721) or (n, 1571), the semantic block NaN where there is none.

    Raises ValueError for another width.
    """
    short = DIM - BLOCK_DIMS["semantic"]
    if rows.shape[1] == short:
        return np.pad(rows, ((0, 0), (0, DIM - short)), constant_values=np.nan)
    if rows.shape[1] != DIM:
        raise ValueError(f"rows must have {DIM} or {short} columns, not {rows.shape[1]}")
    return rows


# ---- the gist of a scene ----


def compute_gist(image: GreyImage) -> Floats:
    """(512,) energy of 32 Gabor filters in 4 x 4 cells of a grey picture (h, w) (Oliva & Torralba 2001).

    As in the authors' LMgist: the middle square at 256 px, light and contrast evened out, filters of 4 scales
    (fine to coarse) times 8 orientations; filter by filter, and within one the cells column by column.
    """
    even = _normalise_contrast(_crop_centre_square(image))
    spectrum = np.fft.fft2(np.pad(even, GIST_PADDING, mode="symmetric"))
    seen = np.abs(np.fft.ifft2(spectrum * make_gabor_filters()))[
        :, GIST_PADDING:-GIST_PADDING, GIST_PADDING:-GIST_PADDING
    ]
    cells = seen.reshape(
        len(seen), GIST_GRID, GIST_SIDE // GIST_GRID, GIST_GRID, GIST_SIDE // GIST_GRID
    ).mean(axis=(2, 4))
    return np.asarray(cells.transpose(0, 2, 1).ravel(), np.float32)


@cache
def make_gabor_filters(side: int = GIST_SIDE + 2 * GIST_PADDING) -> Floats:
    """(32, side, side) transfer functions, the zero frequency first; LMgist's `createGabor`."""
    fx, fy = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side))
    radius, angle = np.hypot(fx, fy), np.angle(fx + 1j * fy)
    made = []
    for scale in range(GABOR_SCALES):
        centre = 0.3 / 1.85**scale  # cycles a pixel
        for turn in range(GABOR_ORIENTATIONS):
            off = angle + np.pi / GABOR_ORIENTATIONS * turn
            off += 2 * np.pi * ((off < -np.pi) * 1.0 - (off > np.pi))
            made.append(
                np.exp(
                    -3.5 * (radius / centre - 1) ** 2
                    - 2 * np.pi * 16 * GABOR_ORIENTATIONS**2 / 32**2 * off**2
                )
            )
    return np.asarray(made, np.float32)


def _crop_centre_square(image: GreyImage) -> Floats:
    """The middle square (256, 256), stretched to 0..255; all 0 for a picture of one grey."""
    side = min(image.shape)
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    way = cv2.INTER_AREA if side > GIST_SIDE else cv2.INTER_LINEAR
    middle = image[top : top + side, left : left + side].astype(np.float32)
    square = cv2.resize(middle, (GIST_SIDE, GIST_SIDE), interpolation=way)
    square -= square.min()
    return np.asarray(square * (255 / max(float(square.max()), 1e-6)), np.float32)


def _normalise_contrast(image: Floats) -> Floats:
    """(256, 256) without slow changes of light, divided by the local contrast; LMgist's `prefilt`."""
    padded = np.pad(np.log(image + 1), PREFILTER_PADDING, mode="symmetric")
    f = np.fft.fftfreq(len(padded)) * len(padded)
    smooth = np.exp(-(f[:, None] ** 2 + f**2) * np.log(2) / PREFILTER_CYCLES**2).astype(np.float32)
    high = padded - np.fft.ifft2(np.fft.fft2(padded) * smooth).real
    contrast = np.sqrt(np.abs(np.fft.ifft2(np.fft.fft2(high**2) * smooth)))
    return np.asarray(
        (high / (0.2 + contrast))[PREFILTER_PADDING:-PREFILTER_PADDING, PREFILTER_PADDING:-PREFILTER_PADDING],
        np.float32,
    )


# ---- local binary patterns ----


def compute_lbp_histogram(image: GreyImage) -> Floats:
    """(59,) shares of a grey picture's uniform local binary patterns (Ojala, Pietikäinen & Mäenpää 2002).

    Eight neighbours at radius 1, those on the diagonals interpolated; the 58 patterns with at most two
    changes around the circle in scikit-image's order ("nri_uniform"), then all others. The outermost pixels,
    which lack neighbours, are left out; a picture of less than 3 px a side gives NaN.
    """
    if min(image.shape) < 3:
        return np.full(BLOCK_DIMS["lbp"], np.nan, np.float32)
    codes = _compute_lbp_codes(image.astype(np.float64))
    return np.asarray(np.bincount(_make_lbp_bins()[codes].ravel(), minlength=59) / codes.size, np.float32)


def _compute_lbp_codes(image: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """(h - 2, w - 2) eight bits a pixel, from the right and counter-clockwise: is the neighbour as light?"""
    height, width = image.shape
    middle = image[1:-1, 1:-1]
    codes = np.zeros(middle.shape, np.int64)
    near = np.sqrt(0.5)
    for bit in range(LBP_NEIGHBOURS):
        down, right = (round(np.sin(-np.pi * bit / 4)), round(np.cos(np.pi * bit / 4)))

        def get_neighbours(row_offset: int, column_offset: int) -> npt.NDArray[np.float64]:
            return image[
                1 + row_offset : height - 1 + row_offset, 1 + column_offset : width - 1 + column_offset
            ]

        if down and right:
            sides = near * (1 - near) * (get_neighbours(down, 0) + get_neighbours(0, right))
            value = near**2 * get_neighbours(down, right) + sides + (1 - near) ** 2 * middle
        else:
            value = get_neighbours(down, right)
        codes |= (value >= middle - 1e-9).astype(np.int64) << bit  # a flat patch is all ones, by any rounding
    return codes


@cache
def _make_lbp_bins() -> npt.NDArray[np.int64]:
    """(256,) the bin of each code: 0 ones, then by the number of ones and their turn, 8 ones, the others."""
    bits = (np.arange(256)[:, None] >> np.arange(LBP_NEIGHBOURS)) & 1  # (256, 8)
    ones = bits.sum(axis=1)
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    starts = ((bits == 1) & (np.roll(bits, 1, axis=1) == 0)).argmax(axis=1)  # where the run of ones begins
    inner = 1 + (ones - 1) * LBP_NEIGHBOURS + (LBP_NEIGHBOURS - starts) % LBP_NEIGHBOURS
    ends = np.where(ones == 0, 0, LBP_NEIGHBOURS * (LBP_NEIGHBOURS - 1) + 1)
    return np.where(
        changes > 2,
        LBP_NEIGHBOURS * (LBP_NEIGHBOURS - 1) + 2,
        np.where(ones % LBP_NEIGHBOURS == 0, ends, inner),
    )


# ---- the parts of a scene ----


@dataclass(frozen=True)
class SceneSegmenter:
    """SegFormer (Xie et al. 2021) for the 150 classes of ADE20K (Zhou et al. 2017): wall, sky, person .."""

    folder: Path

    @cached_property
    def weights_digest(self) -> str:
        """Digest of its weights."""
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


def preprocess_scene(frames: Frames) -> Floats:
    """(n, 3, 512, 512) of frames (n, h, w, 3): squeezed, and standardised by ImageNet's mean and spread."""
    square = (SEGMENTATION_SIDE, SEGMENTATION_SIDE)
    small = np.stack([cv2.resize(frame, square, interpolation=cv2.INTER_LINEAR) for frame in frames])
    scaled = (small / np.float32(255) - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
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


def _softmax(logits: Rows) -> Rows:
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exp / exp.sum(axis=1, keepdims=True), np.float32)


def make_image_descriptors(segmenter: SceneSegmenter | None) -> ImageDescriptorEncoder:
    """With a segmentation model, or without the semantic block."""
    objects = efficientnet_lite2()
    said = objects.card.weights_source
    card = EncoderCard(
        name=ENCODER_NAME,
        modality="frames",
        dim=DIM if segmenter else DIM - BLOCK_DIMS["semantic"],
        licence="Apache-2.0"
        if not segmenter
        else "Apache-2.0; SegFormer: NVIDIA source code licence, research",
        weights_source=f"{said}; huggingface.co/{SEGFORMER_REPO}"
        if segmenter
        else f"{said}; no semantic block, {SEGFORMER_REPO} is missing",
        training_data="ImageNet-1k, ADE20K" if segmenter else "ImageNet-1k",
        sha256=hashlib.sha256(f"{objects.card.sha256}{segmenter.weights_digest}".encode()).hexdigest()
        if segmenter
        else objects.card.sha256,
    )
    return ImageDescriptorEncoder(card, objects, segmenter)


def image_1721() -> ImageDescriptorEncoder:
    """With the published SegFormer-B0 where it is on this machine, else without the semantic block."""
    try:
        scene = SceneSegmenter(find_model_folder(ENCODER_NAME, SEGFORMER_REPO))
    except MissingBackendError as gone:
        log.info("no semantic block: %s", gone)
        scene = None
    return make_image_descriptors(scene)
