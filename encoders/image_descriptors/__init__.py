"""Image descriptors of affect (Kim et al. 2017): GIST, local binary patterns, objects and scene classes."""

from encoders.image_descriptors.encoder import (
    BLOCK_DIMS,
    DIM,
    ImageDescriptorEncoder,
    image_1721,
    make_image_descriptors,
    pad_semantic_block,
)
from encoders.image_descriptors.scene_segmentation import SceneSegmenter

__all__ = [
    "BLOCK_DIMS",
    "DIM",
    "ImageDescriptorEncoder",
    "SceneSegmenter",
    "image_1721",
    "make_image_descriptors",
    "pad_semantic_block",
]
