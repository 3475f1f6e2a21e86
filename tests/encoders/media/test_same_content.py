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
VIDEOS = ("3g2", "3gp", "asf", "avi", "f4v", "flv", "m4v", "mkv", "mov", "mpeg", "mpg", "vob", "webm", "wmv")
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


def rows(encoder, items):
    return unit_rows(ENCODERS.make(encoder).encode(items))


def cosines(encoder, left, right):
    return np.vecdot(rows(encoder, left), rows(encoder, right))


@pytest.mark.parametrize("ending", IMAGES)
def test_pictures(segments, ending):
    """Against png. The gif has 256 colours."""
    wanted, found = ([part.frames for part in segments(SAMPLES / f"image/demo.{e}")] for e in ("png", ending))
    assert len(wanted) == len(found) == 1
    assert cosines("efficientnet-lite2", wanted, found).min() >= 0.98


@pytest.mark.parametrize("ending", VIDEOS)
def test_videos(segments, ending):
    """Against mp4, segment by segment. Its .ogg and .ogv are damaged: left out."""
    wanted, found = (segments(SAMPLES / f"video/demo.{e}") for e in ("mp4", ending))
    assert abs(len(wanted) - len(found)) <= 1  # a container may end a few frames later
    pairs = list(zip(wanted, found, strict=False))
    close = cosines("efficientnet-lite2", *zip(*((a.frames, b.frames) for a, b in pairs), strict=True))
    assert close.min() >= 0.98, close


@pytest.mark.parametrize("ending", SOUNDS)
def test_sounds(segments, ending):
    """Against wav, over each of its segments; lossy ones too."""
    wanted, found = (segments(SAMPLES / f"audio/demo.{e}") for e in ("wav", ending))
    pairs = [(a.audio, b.audio) for a, b in zip(wanted, found, strict=False)]
    assert abs(len(wanted) - len(found)) <= 1 and len(pairs) >= 1
    assert cosines("logmel", *zip(*pairs, strict=True)).min() >= 0.95
