"""One picture, video or sound in other containers gives the same vectors (iscc-samples, CC BY)."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from encoders.base import unit_rows
from encoders.media import Sampling
from encoders.media.decoder_pool import DecodedSegment, DecoderPool, FailedFile
from encoders.registry import ENCODERS

SAMPLES = Path(pytest.importorskip("iscc_samples").__file__).parent / "files"
IMAGES = ("bmp", "gif", "jpg", "tif")
VIDEOS = ("3gp", "mkv", "mpg", "webm", "wmv")
SLOW_VIDEOS = ("3g2", "asf", "avi", "f4v", "flv", "m4v", "mov", "mpeg", "vob")  # also in test_containers.py
SOUNDS = ("aac", "ac3", "aif", "mp3", "ogg", "opus", "wv")


@pytest.fixture(scope="module")
def segments():
    """Segments of a file, as an indexing run gets them."""
    with DecoderPool(1, Sampling(sample_rate=16000)) as pool:

        @cache
        def read(path):
            events = list(pool.read([path]))
            assert not [event for event in events if isinstance(event, FailedFile)], events
            return [event.segment for event in events if isinstance(event, DecodedSegment)]

        yield read


@pytest.fixture(scope="module")
def rows(segments):
    """Unit rows of a file's segments, by an encoder of pictures or of sound."""

    @cache
    def encode(encoder, path):
        kind = "audio" if encoder == "logmel" else "frames"
        return unit_rows(ENCODERS.make(encoder).encode([getattr(part, kind) for part in segments(path)]))

    return encode


def compare(rows, encoder, *paths):
    """Cosines of the segments that both files have; a container may end a few frames later."""
    one, other = (rows(encoder, SAMPLES / path) for path in paths)
    assert abs(len(one) - len(other)) <= 1 and min(len(one), len(other)) >= 1
    count = min(len(one), len(other))
    return np.vecdot(one[:count], other[:count])


@pytest.mark.parametrize("ending", IMAGES)
def test_pictures(rows, ending):
    """Against png. The gif has 256 colours."""
    close = compare(rows, "efficientnet-lite2", "image/demo.png", f"image/demo.{ending}")
    assert len(rows("efficientnet-lite2", SAMPLES / f"image/demo.{ending}")) == 1 and close.min() >= 0.98


@pytest.mark.parametrize(
    "ending", [*VIDEOS, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW_VIDEOS)]
)
def test_videos(rows, ending):
    """Against mp4, segment by segment. Its .ogg and .ogv are damaged: left out."""
    close = compare(rows, "efficientnet-lite2", "video/demo.mp4", f"video/demo.{ending}")
    assert close.min() >= 0.98, close


@pytest.mark.parametrize("ending", SOUNDS)
def test_sounds(rows, ending):
    """Against wav, over each of its segments; lossy ones too."""
    assert compare(rows, "logmel", "audio/demo.wav", f"audio/demo.{ending}").min() >= 0.95
