"""Thumbnails: small JPEG pictures of a photo, or of a frame of a film."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

THUMBNAIL_SIDE_PX = 320  # of the longer side
JPEG_QUALITY = 85


def encode_thumbnail(frame: npt.NDArray[np.uint8]) -> bytes:
    """JPEG of a frame (h, w, 3) RGB, its longer side reduced to THUMBNAIL_SIDE_PX; never enlarged."""
    image = Image.fromarray(frame)
    image.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX))
    return encode_jpeg(image)


def encode_jpeg(image: Image.Image) -> bytes:
    """JPEG of a picture."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()
