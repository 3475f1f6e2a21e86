"""Pictures read by probe and read_segments, and how far they are from what was stored."""

import numpy as np
import pytest
from PIL import Image, ImageFile

from encoders import media
from encoders.base import MediaError
from encoders.media import Sampling

T = Image.Transpose
# What a picture with this tag was turned by before it was stored.
STORED = {2: T.FLIP_LEFT_RIGHT, 3: T.ROTATE_180, 4: T.FLIP_TOP_BOTTOM, 5: T.TRANSPOSE, 6: T.ROTATE_90}
STORED |= {7: T.TRANSVERSE, 8: T.ROTATE_270}


def shown(path, side=512):
    """Probe and pixels, with what holds for every picture checked."""
    found = media.probe(path)
    (part,) = media.read_segments(path, found, Sampling(max_side=side))
    assert found.modality == "image" and part.frames.shape[0] == 1
    if side >= max(found.width, found.height):
        assert part.frames.shape[1:3] == (found.height, found.width)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    return found, part.frames[0]


def error(pixels, expected):
    assert pixels.shape == np.shape(expected)
    return np.abs(pixels.astype(int) - np.asarray(expected)).mean()


def refusal(path):
    with pytest.raises(MediaError) as caught:
        shown(path)
    assert "\n" not in str(caught.value)
    return caught.value.reason


def saved(path, data):
    path.write_bytes(data)
    return path


def stored(picture, tag):
    return picture if tag not in STORED else picture.transpose(STORED[tag])
