"""The 1721 descriptors of a model of felt emotion in pictures (Kim et al. 2017).

"Building Emotional Machines: Recognizing Image Emotions through Deep Neural Networks" takes 1721 numbers: 512
of GIST, 59 of local binary patterns, 1000 object probabilities and 150 scene classes. The last come from a
segmentation model that no package contains: where it is not installed they are left out, rows have 1571
numbers and the card says so.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from encoders.base import EncoderCard, Frames, MissingBackendError, Rows, average_by_owner
from encoders.efficientnet import EfficientNetLite2, efficientnet_lite2
from encoders.hub.weights import find_model_folder
from encoders.image_descriptors.gist import GIST_DIM, compute_gist
from encoders.image_descriptors.local_binary_patterns import LBP_DIM, compute_lbp_histogram
from encoders.image_descriptors.scene_segmentation import SCENE_CLASSES, SEGFORMER_REPO, SceneSegmenter

ENCODER_NAME = "image-1721"
# in the order of a row
BLOCK_DIMS = {"gist": GIST_DIM, "lbp": LBP_DIM, "objects": 1000, "semantic": SCENE_CLASSES}
DIM = sum(BLOCK_DIMS.values())

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageDescriptorEncoder:
    """Rows (n, 1721): GIST, LBP, objects and scene, each the mean over an item's frames.

    Without a segmentation model (`segmenter` is None) rows end after the objects, (n, 1571).
    """

    card: EncoderCard
    object_encoder: EfficientNetLite2
    segmenter: SceneSegmenter | None = None
    missing_segmenter: str = ""

    def encode(self, items: Sequence[Frames]) -> Rows:
        """Rows (n, dim), raw; NaN for an item without frames."""
        if self.missing_segmenter:
            _report_missing_segmenter(self.missing_segmenter)
        blocks = self.compute_blocks(items)
        return np.concatenate(
            [rows for name, rows in blocks.items() if name != "semantic" or self.segmenter], 1
        )

    def compute_blocks(self, items: Sequence[Frames]) -> dict[str, Rows]:
        """Rows (n, width) of every block by BLOCK_DIMS' names; all NaN for a block that can't be computed."""
        frames = [frame for item in items for frame in item]
        owners = np.repeat(np.arange(len(items)), [len(item) for item in items])
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
        by_frame = {
            "gist": [compute_gist(image) for image in grey],
            "lbp": [compute_lbp_histogram(image) for image in grey],
            "objects": list(self._predict_objects(items)) if frames else [],
            "semantic": self.segmenter.predict_class_shares(frames) if self.segmenter else [],
        }
        return {
            name: np.asarray(
                average_by_owner(np.stack(by_frame[name]), owners, len(items))
                if by_frame[name]
                else np.full((len(items), width), np.nan),
                np.float32,
            )
            for name, width in BLOCK_DIMS.items()
        }

    def _predict_objects(self, items: Sequence[Frames]) -> Rows:
        """Label probabilities (frames, 1000) of all items' frames."""
        from scipy.special import softmax

        features = self.object_encoder.extract_features(items)
        logits = self.object_encoder.logits(np.concatenate([item.pooled for item in features]))
        return np.asarray(softmax(logits, axis=1), np.float32)


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


@cache
def _report_missing_segmenter(reason: str) -> None:
    """Once a process, where rows are computed: what only lists the encoders need not say it."""
    log.info("no semantic block: %s", reason)


def make_image_descriptors(
    segmenter: SceneSegmenter | None, missing_segmenter: str = ""
) -> ImageDescriptorEncoder:
    """The encoder with a segmentation model, or without the semantic block and why it is without."""
    objects = efficientnet_lite2()
    card = EncoderCard(
        name=ENCODER_NAME,
        modality="frames",
        dim=DIM - BLOCK_DIMS["semantic"],
        licence="Apache-2.0",
        weights_source=f"{objects.card.weights_source}; no semantic block, {SEGFORMER_REPO} is missing",
        training_data="ImageNet-1k",
        sha256=objects.card.sha256,
    )
    if segmenter:
        digests = f"{objects.card.sha256}{segmenter.weights_digest}"
        card = EncoderCard(
            name=ENCODER_NAME,
            modality="frames",
            dim=DIM,
            licence="Apache-2.0; SegFormer: NVIDIA source code licence, research",
            weights_source=f"{objects.card.weights_source}; huggingface.co/{SEGFORMER_REPO}",
            training_data="ImageNet-1k, ADE20K",
            sha256=hashlib.sha256(digests.encode()).hexdigest(),
        )
    return ImageDescriptorEncoder(card, objects, segmenter, missing_segmenter)


def image_1721() -> ImageDescriptorEncoder:
    """The encoder with the published SegFormer-B0 where it is installed, else without the semantic block."""
    try:
        return make_image_descriptors(SceneSegmenter(find_model_folder(ENCODER_NAME, SEGFORMER_REPO)))
    except MissingBackendError as error:
        return make_image_descriptors(None, str(error))
