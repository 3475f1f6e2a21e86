"""Files read by probe and read_segments, and what is seen and heard in their segments."""

from pathlib import Path

import iscc_samples
import numpy as np
import pytest

from encoders import media
from encoders.base import MediaError
from encoders.media import Sampling, video

SAMPLES = Path(iscc_samples.__file__).parent / "files"


def parts(path, **sampling):
    return list(media.read_segments(path, media.probe(path), Sampling(**sampling)))


def by_av(path, **sampling):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video.VideoReader, "_open_decord", lambda *_: None)
        return parts(path, **sampling)


def reason(path, limits=media.DEFAULT_LIMITS):
    with pytest.raises(MediaError) as caught:
        list(media.read_segments(path, media.probe(path, limits), limits=limits))
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)
    return caught.value.reason


def corners(frame):
    return [tuple(int(v) for v in frame[y, x]) for y in (4, -5) for x in (4, -5)]


def close(colours, expected, tolerance=40):
    return np.abs(np.subtract(colours, expected)).max() <= tolerance


def numbers(found):
    """(seconds, number) of each frame, by the grey of its middle."""
    pairs = [
        (t, f)
        for part in found
        if part.frames is not None
        for t, f in zip(part.frame_times, part.frames, strict=True)
    ]
    return [(t, round(float(f[f.shape[0] // 2, f.shape[1] // 2].mean()) / 4)) for t, f in pairs]


def pitch(sound, start, seconds=1.0):
    """Hz of the loudest tone in a stretch of a Sound."""
    piece = sound.samples[round(start * sound.sample_rate) : round((start + seconds) * sound.sample_rate)]
    return float(np.argmax(np.abs(np.fft.rfft(piece))) * sound.sample_rate / len(piece))
